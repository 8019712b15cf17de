"""MongoDB's indexes rebuilt while plays are written and read: what the writer and the reader notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from benchmarks import backfill
from echotune.history.store import HistoryStore
from echotune.indexes.mongo_maintenance import maintain_mongodb
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action, Outcome
from local.servers.mongod import Mongod

ROWS_A_SECOND = 500
DATABASE = "spotify_analytics"
PAUSE_SECONDS = 0.01
SECONDS_AROUND = 0.5
"""How long the traffic goes on before and after what is measured."""


@dataclass
class Traffic:
    """What a writer and a reader noticed.

    :param writes: seconds that each insert of some plays took
    :param reads: seconds that each query took
    :param seconds: how long the writer wrote
    """

    written: list[UUID] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0


@contextmanager
def traffic(uri: str, database: str) -> Iterator[Traffic]:
    """Insert 500 plays a second, some at a time, and query one artist's all the time, each over its own connection."""
    noticed, end = Traffic(), threading.Event()
    with MongoClient[dict[str, Any]](uri) as writing, MongoClient[dict[str, Any]](uri) as reading:
        threads = [
            threading.Thread(target=_write, args=(HistoryStore.of(writing[database]), noticed, end)),
            threading.Thread(target=_read, args=(HistoryStore.of(reading[database]), noticed, end)),
        ]
        for thread in threads:
            thread.start()
        try:
            time.sleep(SECONDS_AROUND)
            yield noticed
            time.sleep(SECONDS_AROUND)
        finally:
            end.set()
            for thread in threads:
                thread.join()


def _write(store: HistoryStore, noticed: Traffic, end: threading.Event) -> None:
    began, number = time.perf_counter(), 0
    while not end.wait(PAUSE_SECONDS):
        # A writer that was held up catches up: it is 500 a second over all.
        due = int((time.perf_counter() - began) * ROWS_A_SECOND) - number
        plays = [_play(number + one) for one in range(due)]
        number += due
        if plays and _timed(noticed.writes, noticed.failures, partial(store.plays.insert_many, plays)):
            noticed.written += [play["_id"] for play in plays]
    noticed.seconds = time.perf_counter() - began


def _play(number: int) -> dict[str, Any]:
    return {
        "_id": uuid4(),
        "timestamp": datetime.now(UTC),
        "user": {"username": "writer"},
        "track": {"name": f"Song {number}", "artist": "The Who", "album": "Who's Next"},
        "spotify_track_uri": f"spotify:track:{number % 100:022}",
    }


def _read(store: HistoryStore, noticed: Traffic, end: threading.Event) -> None:
    while not end.is_set():
        query = store.plays.find({"track.artist": "The Who"}).limit(20)
        _timed(noticed.reads, noticed.failures, query.to_list)
        end.wait(PAUSE_SECONDS)


def _timed(seconds: list[float], failures: list[str], work: Callable[[], object]) -> bool:
    """Do it, keep how long it took, and tell whether it succeeded."""
    started = time.perf_counter()
    try:
        work()
    except PyMongoError as error:
        failures.append(str(error))
        return False
    finally:
        seconds.append(time.perf_counter() - started)
    return True


def spoil(store: HistoryStore) -> None:
    """Give one index other options, and the text index other fields, and leave out a third one."""
    for name in store.plays.index_information():
        if name.startswith(("artist", "words", "newest")):
            store.plays.drop_index(name)
    store.plays.create_index("track.artist", name="artist", sparse=True)
    store.plays.create_index([("track.name", "text")], name="words")


def rebuild_under_traffic(uri: str, database: str) -> dict[str, float]:
    """Spoil three indexes and maintain them under traffic.

    Returns seconds and counts by name: lost rows are those that the writer wrote and nobody finds.

    :raises RuntimeError: the maintenance did not do what it should
    """
    with MongoClient[dict[str, Any]](uri) as client:
        store = HistoryStore.of(client[database])
        spoil(store)
        with traffic(uri, database) as noticed:
            started = time.perf_counter()
            results = maintain_mongodb(store, MaintenanceSettings(), now=datetime.now(UTC))
            seconds = time.perf_counter() - started
        made = [one for one in results if one.step.action in (Action.CREATE, Action.REBUILD)]
        if len(made) < 3 or any(one.outcome is not Outcome.DONE for one in made):
            raise RuntimeError(f"not all was made: {made}")
        there = store.plays.count_documents({"_id": {"$in": noticed.written}})
        return {
            "mongodb rebuild seconds": seconds,
            "mongodb rows a second": len(noticed.written) / noticed.seconds,
            "mongodb reads": len(noticed.reads),
            "mongodb failed": len(noticed.failures),
            "mongodb lost rows": len(noticed.written) - there,
            "mongodb longest write seconds": max(noticed.writes),
            "mongodb longest read seconds": max(noticed.reads),
        }


def measure_mongo_maintenance(folder: Path, path: Path, rows: int) -> dict[str, float]:
    """Load a history into a server of its own, and rebuild its indexes under traffic."""
    server = Mongod(folder / "maintenance-mongodb")
    server.start()
    try:
        backfill.load_all(server.uri, DATABASE, str(path))
        return {"mongodb plays": rows, **rebuild_under_traffic(server.uri, DATABASE)}
    finally:
        server.stop()
