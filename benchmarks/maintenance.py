"""Maintenance without Airflow: a run that finds nothing to do, and rebuilds beside applications."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from pymongo import MongoClient

from benchmarks import backfill
from benchmarks.maintenance_mongo import rebuild_under_traffic as mongodb_under_traffic
from benchmarks.maintenance_postgres import rebuild_under_traffic as postgresql_under_traffic
from benchmarks.sync import ALL_TABLES, Targets, Way, synchronise
from echotune.history.store import HistoryStore
from echotune.indexes.mongo_maintenance import maintain_mongodb
from echotune.indexes.postgres_maintenance import maintain_postgresql
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import StepResult
from echotune.storage.ending import Ending, report_run
from echotune.storage.mongo_sizes import measure_mongodb
from echotune.storage.postgres_sizes import measure_postgresql
from echotune.sync.migrations import migrate
from local.servers.mongod import Mongod
from local.servers.postgres import Postgres

DATABASE = "spotify_analytics"
SETTINGS = MaintenanceSettings()
YEARS = 3


def measure_maintenance(folder: Path, path: Path) -> dict[str, float]:
    """Load and sync a history, maintain it twice, measure the next run, and then rebuilds beside applications.

    Returns seconds of the clock (``idle seconds``) and of our own processor time (``idle processor seconds``), by
    part as well; and of the rebuilds what applications noticed.
    """
    mongodb, postgres = Mongod(folder / "mongodb"), Postgres(folder / "postgres")
    mongodb.start()
    postgres.start()
    try:
        backfill.load_all(mongodb.uri, DATABASE, str(path))
        uri = Targets(postgres).empty("idle")
        way = Way(mongodb=mongodb.uri, database=DATABASE, postgres=uri, run_id="once", settings=ALL_TABLES)
        with psycopg.connect(uri, autocommit=True, prepare_threshold=None) as connection:
            migrate(connection)
            synchronise(way)
            with MongoClient[dict[str, Any]](mongodb.uri) as client:
                store = HistoryStore.of(client[DATABASE])
                run(store, connection, "first")
                run(store, connection, "second")
                numbers = run(store, connection, "third")
            return numbers | mongodb_under_traffic(mongodb.uri, DATABASE) | postgresql_under_traffic(uri)
    finally:
        postgres.stop()
        mongodb.stop()


def run(store: HistoryStore, connection: psycopg.Connection[Any], name: str) -> dict[str, float]:
    """What the tasks of index_maintenance do, one after the other; returns seconds by part."""
    now = datetime.now(UTC)
    results: list[StepResult] = []
    seconds: dict[str, float] = {}
    processor, clock = time.process_time(), time.perf_counter()

    def passed(part: str) -> None:
        seconds[f"{part} seconds"] = time.perf_counter() - clock - sum(seconds.values())

    results += maintain_mongodb(store, SETTINGS, now=now)
    passed("idle mongodb")
    results += maintain_postgresql(connection, SETTINGS)
    passed("idle postgresql")
    measured = [measure_mongodb(store, archive_years=YEARS, now=now), measure_postgresql(connection)]
    passed("idle storage")
    ending = Ending(
        run_id=name,
        now=now,
        dry_run=False,
        results=results,
        measurements=measured,
        problems=[],
        settings={},
        plans={"mongodb": "atlas-m0", "postgresql": "supabase-free"},
    )
    report_run(lambda: store, ending)
    passed("idle report")
    seconds["idle seconds"] = time.perf_counter() - clock
    seconds["idle processor seconds"] = time.process_time() - processor
    return seconds
