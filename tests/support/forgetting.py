"""A history of two users in all systems, the forgetting of one, and a search for the name in bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import bson
import pyarrow.parquet as pq
import redis
from psycopg import Connection, sql

from echotune.forgetting.forgetting import Forgetting, Systems
from echotune.forgetting.person import Person
from echotune.history.catalog import refresh_catalog
from echotune.history.store import HistoryStore
from echotune.statistics.feature_files import write_features
from echotune.statistics.refresh import refresh_statistics
from echotune.statistics.settings import StatisticsSettings
from echotune.sync.profiles import sync_profiles
from echotune.sync.row_ids import Kind, row_id
from tests.support.archiving import archive_all
from tests.support.databases import OPTIONS
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv
from tests.support.syncing import play, sync_all, with_indexes

PERSON, OTHER = 'mona "liest", viel-ü', "anna"
BROKEN = ["x", PERSON, "and no more cells"]
OLD, YOUNG, EACH = 2012, 2021, 12


def rows_of(username: str, number: int, *, track: int = 1) -> list[list[str]]:
    """Plays of one user, by turns of an old and a young year."""
    return [
        row(
            username=username,
            ts_x=f"{(OLD, YOUNG)[n % 2]}-04-04 06:32:{n % 60:02d}+00:00",
            ms_played_x=str(1000 + n),
            spotify_track_uri=track_uri(track + n % 2),
        )
        for n in range(number)
    ]


def history_file(folder: Path) -> Path:
    """Rows of both users by turns, some of them bad."""
    pairs = zip(rows_of(PERSON, EACH), rows_of(OTHER, EACH, track=2), strict=True)
    bad = [row(username=name, ms_played_x="long") for name in (PERSON, OTHER)]
    return write_csv(folder / "history.csv", [*(each for pair in pairs for each in pair), *bad, BROKEN])


def forgetting_of(
    store: HistoryStore, connection: Connection[Any] | None = None, client: redis.Redis | None = None
) -> Forgetting:
    """The forgetting of the one, in some systems; it does not wait between rounds."""
    systems = Systems(store=store, connection=connection, client=client, open_path=Path)
    return Forgetting(systems=systems, person=Person(PERSON), wait=lambda _: None)


def fill(store: HistoryStore, connection: Connection[Any], client: redis.Redis, folder: Path) -> Path:
    """Put both users into all systems; return the file that was loaded."""
    path = history_file(folder)
    load_file(with_indexes(store), path, chunk_rows=10)
    load_file(store, write_csv(folder / "other.csv", rows_of(OTHER, 3, track=7)), chunk_rows=10)
    refresh_catalog(store)
    sync_all(connection, store)
    archive_all(store, folder / "archive", years=10)
    for name in (PERSON, OTHER):
        user = row_id(Kind.USER, name)
        store.plays.insert_one(play(user.int % 1000, username=name, listening={"ms_played": "long"}))
        connection.execute("insert into playlists (user_id, name) values (%s, %s)", [user, f"mix of {user}"])
        connection.execute("insert into user_preferences (user_id) values (%s)", [user])
        client.set(f"echotune:statistics:{name}", "3")
        client.set(f"echotune:answer:{user}", json.dumps({"who": name}))
        client.zadd("echotune:limit:calls", {f"call {name}": 1, f"call {user}": 2})
    sync_all(connection, store, full_refresh=True)
    sync_profiles(connection, store)
    refresh_catalog(store)
    refresh_statistics(store, StatisticsSettings())
    write_features(store, str(folder / "features"), Path)
    return path


def all_bytes(store: HistoryStore, connection: Connection[Any], client: redis.Redis, folder: Path) -> bytes:
    """Every document, row, entry and archive file with its path, one after the other."""
    return b"\n".join(
        [
            *documents(store),
            *rows(connection),
            *entries(client),
            *(content for _, content in files(folder)),
            *paths(folder),
            *features(folder),
        ]
    )


def documents(store: HistoryStore) -> Iterator[bytes]:
    for name in sorted(store.database.list_collection_names()):
        collection = store.database.get_collection(name, codec_options=OPTIONS)
        yield from (bson.encode(each, codec_options=OPTIONS) for each in collection.find())


def rows(connection: Connection[Any]) -> Iterator[bytes]:
    tables = connection.execute(
        "select table_schema, table_name from information_schema.tables where table_schema in ('public', 'echotune') "
        "and table_type = 'BASE TABLE' and table_name not like 'listening_history_%'"
    ).fetchall()
    for table in tables:
        statement = sql.SQL("select each::text from {} as each").format(sql.Identifier(*table))
        yield from (text.encode() for (text,) in connection.execute(statement))


def entries(client: redis.Redis) -> Iterator[bytes]:
    for key in client.scan_iter():
        yield key + b" " + (client.dump(key) or b"")


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted((folder / "archive").rglob("*.parquet")):
        yield path.name, path.read_bytes()


def features(folder: Path) -> Iterator[bytes]:
    return (repr(pq.read_table(path).to_pylist()).encode() for path in sorted((folder / "features").glob("*.parquet")))


def paths(folder: Path) -> Iterator[bytes]:
    return (str(path).encode() for path in sorted((folder / "archive").rglob("*")))


def of_others(store: HistoryStore, connection: Connection[Any], client: redis.Redis, folder: Path) -> dict[str, Any]:
    """What is the other user's alone, in every place."""
    user = row_id(Kind.USER, OTHER)
    found: dict[str, Any] = {
        "plays": [*store.plays.find({"user.username": OTHER}).sort("_id", 1)],
        "rejected": [*store.rejected_rows.find({"raw": {"$regex": OTHER}}).sort("_id", 1)],
        "archives": [*store.archives.find({"username": OTHER}).sort("_id", 1)],
        "profiles": [*store.user_profiles.find({"_id": user})],
        "statistics": [*store.listening_statistics.find({"_id": OTHER})],
        "loads": [*store.load_runs.find({"source.file": "other.csv", "kind": "chunk"}).sort("_id", 1)],
        "files": [each for each in files(folder) if OTHER.encode() in each[1]],
        "entry": client.get(f"echotune:statistics:{OTHER}"),
        "member": client.zscore("echotune:limit:calls", f"call {user}"),
    }
    archives = [archive["_id"] for archive in found["archives"]]
    found["notes"] = [*store.archived_plays.find({"archive": {"$in": archives}}).sort("_id", 1)]
    for table in ("users", "playlists", "user_preferences", "listening_history"):
        column = "id" if table == "users" else "user_id"
        statement = sql.SQL("select each::text from {} as each where {} = %s order by 1")
        identifiers = sql.Identifier("public", table), sql.Identifier(column)
        found[table] = connection.execute(statement.format(*identifiers), [user]).fetchall()
    found["rejections"] = connection.execute(
        "select document_id from echotune.rejected_documents order by 1"
    ).fetchall()
    return found


def spelled(username: str = PERSON) -> list[bytes]:
    """The name in the spellings of CSV, JSON and addresses, in no order."""
    texts = {username, username.replace('"', '""'), json.dumps(username)[1:-1], quote(username, safe="")}
    return [text.encode() for text in texts | {username.replace('"', '\\"'), str(row_id(Kind.USER, username))}]
