"""The listening statistics of a loaded history, and the same numbers by pandas."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from benchmarks import backfill
from benchmarks.pandas_statistics import pandas_statistics, read_plays
from echotune.history.store import HistoryStore
from echotune.statistics.feature_files import write_features
from echotune.statistics.refresh import refresh_statistics
from echotune.statistics.settings import StatisticsSettings
from local.servers.mongod import Mongod

ZONE = "Europe/Amsterdam"
DATABASE = "bench_statistics"


def measure_statistics(folder: Path, path: Path) -> dict[str, float]:
    """Seconds of a refresh, of pandas, and of the files; how many of the numbers differ."""
    server = Mongod(folder / "mongodb")
    server.start()
    try:
        backfill.load_all(server.uri, DATABASE, str(path))
        with MongoClient[dict[str, Any]](server.uri) as client:
            return _measure(HistoryStore.of(client[DATABASE]), folder)
    finally:
        server.stop()


def _measure(store: HistoryStore, folder: Path) -> dict[str, float]:
    seconds = refresh_statistics(store, StatisticsSettings(time_zone=ZONE)).seconds
    begun = time.perf_counter()
    write_features(store, str(folder / "ml_features"), Path)
    features = time.perf_counter() - begun
    pandas, differing = 0.0, 0
    for statistics in store.listening_statistics.find():
        begun = time.perf_counter()
        theirs = pandas_statistics(read_plays(store.plays, statistics["_id"]), ZONE)
        pandas += time.perf_counter() - begun
        differing += len(differences(statistics, theirs))
    return {"seconds": seconds, "features seconds": features, "pandas seconds": pandas, "differing": differing}


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The names of the statistics that pandas counts differently; of lists, what pandas has of each entry."""
    sessions = ours["sessions"]
    told = {
        **ours,
        "tracks": ours["totals"]["tracks"],
        "artists": ours["totals"]["artists"],
        "sessions": {**sessions, "longest_ms": sessions["longest"]["ms"]},
        "first_heard": [each["first_heard_at"] for each in ours["first_heard_tracks"]],
    }
    return [name for name, wanted in theirs.items() if _like(told[name], wanted) != wanted]


def _like(found: Any, wanted: Any) -> Any:
    """Leave of what was found only the fields that the other has."""
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [_like(one, other) for one, other in zip(found, wanted, strict=True)]
    if isinstance(wanted, dict):
        return {name: found.get(name) for name in wanted}
    return found
