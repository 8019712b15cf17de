"""A load from file to reconciled plays, by the functions that the operators call.

As a command it loads one file into the MongoDB of MONGODB_URI: ``python -m tests.support.loading DATABASE PATH``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from echotune.history.chunks import Chunk, open_chunk
from echotune.history.counts import LoadCounts
from echotune.history.load import load_chunk
from echotune.history.plan import FilePlan, plan_file
from echotune.history.preflight import inspect_file
from echotune.history.privacy import PersonalData
from echotune.history.reconcile import check_plays, check_rows
from echotune.history.records import Record
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryFile, HistoryPath
from echotune.history.store import HistoryStore
from echotune.reconciliation import require_equal

KEY = b"a key of the deployment"

Order = Callable[[Sequence[Chunk]], Sequence[Chunk]]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a load planned, which chunks it loaded, and what became of the rows."""

    plan: FilePlan
    chunks: Sequence[Chunk]
    counts: LoadCounts


def load_file(store: HistoryStore, path: Path, *, order: Order = list, **settings: Any) -> Loaded:
    """Load a file whole, its chunks in an order of choice."""
    chosen = LoadSettings.of({"max_bad_share": 1} | settings)
    plan, waiting = plan_file(store, path, inspect_file(HistoryFile(path=path)), chosen)
    chunks = order(waiting)
    done = [load_planned(store, path, chunk, plan, chosen) for chunk in chunks]
    return Loaded(plan=plan, chunks=chunks, counts=LoadCounts.total([plan.done, *done]))


def numbered_rows(path: HistoryPath, chunk: Chunk, *, block_rows: int = 2) -> list[tuple[int, Record]]:
    """The records of a chunk with the numbers of their rows."""
    with open_chunk(path, chunk) as reader:
        return [numbered for block in reader.numbered_records(block_rows) for numbered in block]


def load_planned(store: HistoryStore, path: Path, chunk: Chunk, plan: FilePlan, settings: LoadSettings) -> LoadCounts:
    return load_chunk(
        store,
        path,
        chunk,
        settings=settings,
        personal_data=PersonalData(policy=settings.pii_policy, key=KEY),
        file_rows=plan.rows,
    )


def require_reconciled(store: HistoryStore, loaded: Loaded, **settings: Any) -> None:
    """:raises NotReconciled: where rows or plays of the load are missing"""
    chosen = LoadSettings.of(settings)
    require_equal([*check_rows(loaded.plan, loaded.counts), check_plays(store, loaded.plan, chosen)])


def main(database: str, path: str) -> None:
    with MongoClient[dict[str, Any]](os.environ["MONGODB_URI"]) as client:
        load_file(HistoryStore.of(client[database]), Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
