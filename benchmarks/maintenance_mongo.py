"""MongoDB's indexes rebuilt while plays are written and read: what the writer and the reader notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from benchmarks.traffic import PAUSE_SECONDS, Traffic, timed, told, traffic_of, write_plays
from echotune.history.store import HistoryStore
from echotune.indexes.mongo_maintenance import maintain_mongodb
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action, Outcome


@contextmanager
def traffic(uri: str, database: str) -> Iterator[Traffic]:
    """Insert plays and query one artist's all the time, each over its own connection."""
    with MongoClient[dict[str, Any]](uri) as writing, MongoClient[dict[str, Any]](uri) as reading:
        writer, reader = HistoryStore.of(writing[database]), HistoryStore.of(reading[database])

        def write(noticed: Traffic, end: threading.Event) -> None:
            write_plays(noticed, end, lambda ids: writer.plays.insert_many([_play(id_) for id_ in ids]), PyMongoError)

        def read(noticed: Traffic, end: threading.Event) -> None:
            while not end.wait(PAUSE_SECONDS):
                query = reader.plays.find({"track.artist": "The Who"}).limit(20)
                timed(noticed.reads, noticed.failures, query.to_list, PyMongoError)

        with traffic_of(write, read) as noticed:
            yield noticed


def _play(id_: UUID) -> dict[str, Any]:
    return {
        "_id": id_,
        "timestamp": datetime.now(UTC),
        "user": {"username": "writer"},
        "track": {"name": f"Song {id_}", "artist": "The Who", "album": "Who's Next"},
        "spotify_track_uri": f"spotify:track:{id_.int % 100:022}",
    }


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
        return told("mongodb", noticed, seconds, there)
