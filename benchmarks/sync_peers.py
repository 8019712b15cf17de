"""Other ways to bring the same plays into PostgreSQL: what the sync is compared with."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from pymongo import MongoClient

from benchmarks.measure import KIBIBYTES_A_MEBIBYTE, Measurement
from echotune.history.store import HistoryStore

HERE = Path(__file__).parent
DLT = HERE.parent / ".local" / "bench" / "dlt"
DLT_NAME = "dlt: merge of the plays, nested as JSON"

FLAT_COLUMNS = {
    "id": "uuid",
    "played_at": "timestamptz",
    "username": "text",
    "track_uri": "text",
    "ms_played": "int4",
    "platform": "text",
    "country": "text",
    "track_name": "text",
    "artist_name": "text",
    "album_name": "text",
    "reason_start": "text",
    "reason_end": "text",
    "shuffle": "bool",
    "skipped": "bool",
    "offline": "bool",
    "updated_at": "timestamptz",
}
FLAT_PROJECTION = {
    "timestamp": 1,
    "user.username": 1,
    "user.platform": 1,
    "user.country": 1,
    "spotify_track_uri": 1,
    "listening": 1,
    "track.name": 1,
    "track.artist": 1,
    "track.album": 1,
    "updated_at": 1,
}


def install_dlt() -> None:
    """Install dlt beside the project, where that was not done yet."""
    uv = Path(sys.prefix) / "bin" / "uv"
    if not DLT.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, DLT], check=True)
    python = DLT / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", HERE / "dlt.txt"], check=True)


def merge_with_dlt(uri: str, database: str, postgres_uri: str, rows: int) -> Measurement:
    """dlt's merge in its own Python; its clock starts when it has imported what it needs."""
    with TemporaryDirectory() as folder:
        command = [str(DLT / "bin" / "python"), str(HERE / "dlt_merge.py"), uri, database, postgres_uri, folder]
        quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"}
        done = subprocess.run(command, env=quiet, stdout=subprocess.PIPE, text=True, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return Measurement(
        name=DLT_NAME,
        rows=rows,
        seconds=told["seconds"],
        peak_mebibytes=told["peak_kibibytes"] / KIBIBYTES_A_MEBIBYTE,
    )


def copy_flat(uri: str, database: str, postgres_uri: str) -> None:
    """The limit: a cursor's plays as tuples, in one binary COPY, into a table without key and index."""
    columns = ", ".join(f"{name} {kind}" for name, kind in FLAT_COLUMNS.items())
    with (
        MongoClient[dict[str, Any]](uri) as client,
        psycopg.connect(postgres_uri, autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"create table flat ({columns})".encode())
        with cursor.copy(b"copy flat from stdin (format binary)") as copy:
            copy.set_types(list(FLAT_COLUMNS.values()))
            for play in flat_plays(HistoryStore.of(client[database])):
                copy.write_row(play)


def flat_plays(store: HistoryStore) -> Iterator[tuple[Any, ...]]:
    for document in store.plays.find({}, FLAT_PROJECTION):
        user, track, listening = document["user"].get, document.get("track", {}).get, document["listening"].get
        yield (
            document["_id"],
            document["timestamp"],
            user("username"),
            document.get("spotify_track_uri"),
            listening("ms_played"),
            user("platform"),
            user("country"),
            track("name"),
            track("artist"),
            track("album"),
            listening("reason_start"),
            listening("reason_end"),
            listening("shuffle"),
            listening("skipped"),
            listening("offline"),
            document["updated_at"],
        )
