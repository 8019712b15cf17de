"""Text that means something to a database, a template, a browser or a spreadsheet is text here, all the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from echotune.archive.errors import ArchiveError
from echotune.archive.settings import ArchiveSettings, RestoreSettings
from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.settings import EnrichmentSettings
from echotune.forgetting.errors import ForgettingError
from echotune.forgetting.forgetting import Forgetting, Systems
from echotune.forgetting.person import Person
from echotune.forgetting.settings import ForgetSettings
from echotune.history.catalog import refresh_catalog
from echotune.history.errors import HistoryError
from echotune.history.settings import LoadSettings
from echotune.history.store import HistoryStore
from echotune.names import listener_connection
from echotune.statistics.errors import StatisticsError
from echotune.statistics.feature_files import write_features
from echotune.statistics.refresh import refresh_statistics
from echotune.statistics.settings import StatisticsSettings
from echotune.sync.errors import SyncError
from echotune.sync.settings import SyncSettings
from tests.support.archiving import archive_all, bytes_of_plays, restore_all
from tests.support.loading import load_file, require_reconciled
from tests.support.proving import prove
from tests.support.rows import row, track_uri, write_csv
from tests.support.supabase import Connection
from tests.support.syncing import sync_all, with_indexes

TEXTS = (
    "'; drop table public.users; --",
    "\" or ''='",
    "\\'); delete from listening_history; --",
    "$$; select pg_sleep(9); $$",
    '{"$ne": null}',
    "$where",
    "$username",
    "$$ROOT",
    "user.username",
    "a.b.$[]",
    "*",
    "%",
    "_",
    ".*",
    "../../../etc/passwd",
    "..%2f..%2fetc",
    "/etc/passwd",
    "..",
    "{{ conn.echotune_mongo.password }}",
    "{% raw %}{0} %s %(name)s ${HOME} $(id) `id`",
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    '=HYPERLINK("http://example.org/?"&A1;"x")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1:A9)",
    "\t=1+1",
    "null",
    "\\N",
    "\\x00",
    "a\r\n=1",
    "\u202eabc",
    "name\u2028\u200b",
    "'",
)
COLUMNS = (
    "username",
    "master_metadata_track_name_x",
    "master_metadata_album_artist_name_x",
    "master_metadata_album_album_name_x",
    "platform",
)
FORGOTTEN = ('{"$ne": null}', "'; drop table public.users; --", "*", "%", "../../../etc/passwd", ".*")
TABLES = "select relname from pg_class where relnamespace in ('public'::regnamespace, 'echotune'::regnamespace)"


def hostile_row(number: int, **more: str) -> list[str]:
    """A play whose texts are all hostile, each column with another of them."""
    texts = {column: TEXTS[(number + place) % len(TEXTS)] for place, column in enumerate(COLUMNS)}
    return row(texts, spotify_track_uri=track_uri(number + 1), ts_x="2012-04-04 06:32:04+00:00", **more)


@pytest.fixture
def loaded(store: HistoryStore, tmp_path: Path) -> HistoryStore:
    """A play for each text, in MongoDB; beside it a row with a NUL."""
    rows = [hostile_row(number) for number in range(len(TEXTS))]
    path = write_csv(tmp_path / f"{TEXTS[18]}.csv", [*rows, row(username="a\0b")])
    load = load_file(with_indexes(store), path)
    assert (load.counts.inserted, load.counts.rejected) == (len(TEXTS), 1)
    refresh_catalog(store)
    require_reconciled(store, load)
    return store


def test_hostile_text_is_in_mongodb_as_it_is_in_the_file(loaded: HistoryStore) -> None:
    found = {
        (
            play["user"]["username"],
            play["track"]["name"],
            play["track"]["artist"],
            play["track"]["album"],
            play["user"]["platform"],
        )
        for play in loaded.plays.find()
    }
    assert found == {
        tuple(TEXTS[(number + place) % len(TEXTS)] for place in range(len(COLUMNS))) for number in range(len(TEXTS))
    }
    assert {track["name"] for track in loaded.tracks.find()} == {*TEXTS}
    assert {artist["name"] for artist in loaded.artists.find()} == {*TEXTS}
    assert {album["name"] for album in loaded.albums.find()} == {*TEXTS}
    (rejected,) = loaded.rejected_rows.find()
    assert rejected["column"] == "username"


def test_hostile_text_is_in_postgresql_as_it_is_in_the_file(loaded: HistoryStore, supabase: Connection) -> None:
    before = supabase.execute(TABLES).fetchall()
    sync_all(supabase, loaded)
    assert not prove(supabase, loaded).where()
    for query in (
        "select spotify_user_id from users",
        "select name from tracks",
        "select name from artists",
        "select name from albums",
        "select platform from listening_history",
    ):
        assert {text for (text,) in supabase.execute(query.encode()).fetchall()} == {*TEXTS}, query
    after = supabase.execute(TABLES).fetchall()
    partition = {name for (name,) in after if name.startswith("listening_history_2012")}
    assert {name for (name,) in after} == {name for (name,) in before} | partition


def test_hostile_text_is_in_the_tables_for_models_as_it_is_in_the_file(loaded: HistoryStore, tmp_path: Path) -> None:
    refresh_statistics(loaded, StatisticsSettings())
    write_features(loaded, str(tmp_path / "features"), Path)
    users = pq.read_table(tmp_path / "features" / "users.parquet").to_pylist()
    tracks = pq.read_table(tmp_path / "features" / "tracks.parquet").to_pylist()
    assert {user["username"] for user in users} == {*TEXTS}
    assert {track["name"] for track in tracks} == {*TEXTS}


def test_hostile_users_are_archived_below_the_target_and_come_back(loaded: HistoryStore, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "archive"
    before, around = bytes_of_plays(loaded), {*tmp_path.rglob("*")}
    archive_all(loaded, target)
    assert bytes_of_plays(loaded) == {}
    written = [path for path in {*tmp_path.rglob("*")} - around if path.is_file()]
    assert len(written) == len(TEXTS)
    assert all(
        re.fullmatch(r"user=[^/]+/year=2012/plays-\w+\.parquet", str(path.relative_to(target))) for path in written
    )
    restore_all(loaded)
    assert bytes_of_plays(loaded) == before


def test_a_hostile_user_is_forgotten_alone(loaded: HistoryStore, supabase: Connection) -> None:
    sync_all(supabase, loaded)
    left = {*TEXTS}
    for name in FORGOTTEN:
        systems = Systems(store=loaded, connection=supabase, client=None, open_path=Path)
        forgetting = Forgetting(systems=systems, person=Person(name), wait=lambda _: None)
        forgetting.remove()
        left -= {name}
        assert {play["user"]["username"] for play in loaded.plays.find()} == left
    users = supabase.execute("select spotify_user_id from users").fetchall()
    assert {name for (name,) in users} == left


def test_a_load_of_one_hostile_user_takes_their_plays_alone(store: HistoryStore, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "history.csv", [hostile_row(number) for number in range(len(TEXTS))])
    for name in FORGOTTEN:
        load_file(store, path, username=name)
    assert sorted(play["user"]["username"] for play in store.plays.find()) == sorted(FORGOTTEN)


@pytest.mark.parametrize("name", TEXTS)
def test_an_authorization_of_a_hostile_listener_has_an_id_that_airflow_takes(name: str) -> None:
    assert re.fullmatch(r"[\w.-]+", listener_connection(name), re.ASCII)


def test_two_listeners_have_two_authorizations() -> None:
    assert len({*map(listener_connection, TEXTS)}) == len(TEXTS)


OPERATOR = {"$ne": None}
REFUSED = (ArchiveError, EnrichmentError, ForgettingError, HistoryError, StatisticsError, SyncError)


@pytest.mark.parametrize(
    ("read", "values"),
    [
        (LoadSettings.of, {"username": OPERATOR}),
        (LoadSettings.of, {"pii_policy": "keep'--"}),
        (LoadSettings.of, {"chunk_rows": OPERATOR}),
        (ForgetSettings.of, {"username": OPERATOR, "confirmation": OPERATOR}),
        (ArchiveSettings.of, {"older_than_years": 1, "target": OPERATOR}),
        (ArchiveSettings.of, {"older_than_years": 1, "target": "x", "usernames": [OPERATOR]}),
        (RestoreSettings.of, {"usernames": [OPERATOR]}),
        (RestoreSettings.of, {"year": OPERATOR}),
        (SyncSettings.of, {"tables": "users; drop table users"}),
        (SyncSettings.of, {"tables": ["echotune.migrations"]}),
        (SyncSettings.of, {"tables": OPERATOR}),
        (SyncSettings.of, {"since": "2020-01-01'; drop table users; --"}),
        (SyncSettings.of, {"since": OPERATOR}),
        (SyncSettings.of, {"read_preference": OPERATOR}),
        (StatisticsSettings.of, {"time_zone": "$$NOW"}),
        (StatisticsSettings.of, {"time_zone": "../../etc/passwd"}),
        (StatisticsSettings.of, {"time_zone": OPERATOR}),
        (EnrichmentSettings.of, {"kinds": OPERATOR}),
        (EnrichmentSettings.of, {"kinds": "$where"}),
    ],
)
def test_a_setting_that_is_an_operator_or_a_statement_is_refused(
    read: Callable[[Mapping[str, Any]], object], values: dict[str, Any]
) -> None:
    with pytest.raises(REFUSED):
        read(values)
