"""The backfill's own work, without Airflow: what the tasks of csv_backfill call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from echotune.history.catalog import refresh_catalog
from echotune.history.chunks import Chunk
from echotune.history.load import load_chunk
from echotune.history.mark_duplicates import mark_duplicates
from echotune.history.plan import FilePlan, plan_file
from echotune.history.preflight import check_room, inspect_file
from echotune.history.privacy import PersonalData, PersonalDataPolicy
from echotune.history.reconcile import reconcile_load
from echotune.history.settings import LoadSettings
from echotune.history.source import find_files
from echotune.history.store import HistoryStore
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from echotune.reconciliation import require_equal

SETTINGS = LoadSettings(chunk_rows=25_000)
"""Chunks small enough that two processes end at about the same time."""


def store_of(client: MongoClient[dict[str, Any]], database: str) -> HistoryStore:
    return HistoryStore.of(client[database])


def plan(uri: str, database: str, source: str, settings: LoadSettings = SETTINGS) -> list[tuple[FilePlan, list[Chunk]]]:
    """What the tasks preflight and plan_chunks do."""
    with MongoClient[dict[str, Any]](uri) as client:
        store = store_of(client, database)
        files = [inspect_file(file, username=settings.username) for file in find_files(Path(source))]
        check_room(store, files)
        return [plan_file(store, Path(file.path), file, settings) for file in files]


def load(uri: str, database: str, chunks: Sequence[Chunk], file_rows: int, settings: LoadSettings = SETTINGS) -> None:
    """What a process does that runs the mapped task load_chunks for some of the chunks, one after another."""
    with MongoClient[dict[str, Any]](uri) as client:
        for chunk in chunks:
            load_chunk(
                store_of(client, database),
                Path(chunk.path),
                chunk,
                settings=settings,
                personal_data=PersonalData(policy=PersonalDataPolicy.DROP),
                file_rows=file_rows,
            )


def finish(uri: str, database: str, source: str, settings: LoadSettings = SETTINGS) -> None:
    """What the tasks ensure_indexes, mark_duplicates, build_catalog and reconcile do."""
    with MongoClient[dict[str, Any]](uri) as client:
        store = store_of(client, database)
        ensure_indexes(store.database, declared_indexes(plays=store.plays.name))
        mark_duplicates(store)
        refresh_catalog(store)
        plans = [file_plan for file_plan, _ in plan(uri, database, source, settings)]
        require_equal(reconcile_load(store, [(file_plan, file_plan.done) for file_plan in plans], settings))


def load_all(uri: str, database: str, source: str, settings: LoadSettings = SETTINGS) -> None:
    """A whole load in one process."""
    for file_plan, chunks in plan(uri, database, source, settings):
        load(uri, database, chunks, file_plan.rows, settings)
    finish(uri, database, source, settings)
