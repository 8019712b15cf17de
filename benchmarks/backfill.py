"""The backfill's own work, without Airflow: what the tasks of csv_backfill call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from echotune.history.catalog import refresh_catalog
from echotune.history.chunks import Chunk
from echotune.history.load import load_chunk
from echotune.history.plan import FilePlan, plan_file
from echotune.history.preflight import check_room, inspect_file
from echotune.history.privacy import PersonalData, PersonalDataPolicy
from echotune.history.reconcile import reconcile_load
from echotune.history.settings import LoadSettings
from echotune.history.store import HistoryStore
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from echotune.reconciliation import require_equal

SETTINGS = LoadSettings(chunk_rows=25_000)
"""Chunks small enough that two processes end at about the same time."""


def store_of(client: MongoClient[dict[str, Any]], database: str) -> HistoryStore:
    return HistoryStore.of(client[database])


def plan(uri: str, database: str, path: str) -> tuple[FilePlan, list[Chunk]]:
    """What the tasks preflight and plan_chunks do."""
    with MongoClient[dict[str, Any]](uri) as client:
        store = store_of(client, database)
        file = inspect_file(Path(path))
        check_room(store, [file])
        return plan_file(store, Path(path), file, SETTINGS)


def load(uri: str, database: str, chunks: Sequence[Chunk], file_rows: int) -> None:
    """What a process does that runs the mapped task load_chunks for some of the chunks, one after another."""
    with MongoClient[dict[str, Any]](uri) as client:
        for chunk in chunks:
            load_chunk(
                store_of(client, database),
                Path(chunk.path),
                chunk,
                settings=SETTINGS,
                personal_data=PersonalData(policy=PersonalDataPolicy.DROP),
                file_rows=file_rows,
            )


def finish(uri: str, database: str, path: str) -> None:
    """What the tasks build_catalog, ensure_indexes and reconcile do."""
    with MongoClient[dict[str, Any]](uri) as client:
        store = store_of(client, database)
        refresh_catalog(store)
        ensure_indexes(store.database, declared_indexes(plays=store.plays.name))
        plan_now, _ = plan_file(store, Path(path), inspect_file(Path(path)), SETTINGS)
        require_equal(reconcile_load(store, [(plan_now, plan_now.done)], SETTINGS))


def load_all(uri: str, database: str, path: str) -> None:
    """A whole load in one process."""
    file_plan, chunks = plan(uri, database, path)
    load(uri, database, chunks, file_plan.rows)
    finish(uri, database, path)
