"""The sync's own work, without Airflow, beside other ways to bring the same history into PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pymongo import MongoClient

from benchmarks import backfill
from benchmarks.measure import Measurement, measure
from benchmarks.sync_peers import copy_flat, install_dlt, merge_with_dlt
from echotune.history.store import HistoryStore
from echotune.sync.migrations import migrate
from echotune.sync.plan import plan_sync
from echotune.sync.reconcile import reconcile_sync
from echotune.sync.runs import read_slices, start_run
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from echotune.sync.synchronise import sync_slice
from local.servers.base import new_password
from local.servers.mongod import Mongod
from local.servers.postgres import Postgres
from local.stack import POSTGRES_RIGHTS

HISTORY, LONG_HISTORY = "spotify_analytics", "spotify_analytics_long"
LONG_TIMES = 5
OWNER = "echotune"
ALL_TABLES = SyncSettings()
PLAYS_ALONE = SyncSettings(tables=("listening_history",))
WORKERS = 2
"""As many as the pool supabase_write has slots."""
POLL_SECONDS = 0.02
CHANGED_SHARE = 100
"""One play in so many is changed."""
BYTES_A_MEGABYTE = 1_000_000

DATABASES = ("flat", "dlt", "alone", "alone_beside", "beside")
"""Those that are filled to be compared with."""

WRITTEN_ROWS = b"""
select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables
where schemaname = 'public' or relid in (select inhrelid from pg_inherits)
"""
WRITTEN_BYTES = b"select (pg_current_wal_lsn() - '0/0')::bigint"


@dataclass(frozen=True, kw_only=True)
class Way:
    """From where to where, for processes that are started anew."""

    mongodb: str
    database: str
    postgres: str
    run_id: str
    settings: SyncSettings


@contextmanager
def both_sides(way: Way) -> Iterator[tuple[psycopg.Connection[Any], SyncSource]]:
    """The connections of a task."""
    with (
        MongoClient[dict[str, Any]](way.mongodb) as client,
        psycopg.connect(way.postgres, autocommit=True, prepare_threshold=None) as connection,
    ):
        yield connection, SyncSource(HistoryStore.of(client[way.database]))


def synchronise(way: Way) -> None:
    """What the tasks plan and sync do."""
    with both_sides(way) as (connection, source):
        start_run(connection, way.run_id, way.settings)
        for slice_ in plan_sync(connection, source, way.run_id, way.settings):
            sync_slice(connection, source, way.run_id, slice_.number)


def synchronise_beside(way: Way, worker: int, workers: int) -> None:
    """One of several processes that do together what the tasks plan and sync do."""
    with both_sides(way) as (connection, source):
        if not worker:
            start_run(connection, way.run_id, way.settings)
            plan_sync(connection, source, way.run_id, way.settings)
        while not (records := read_slices(connection, way.run_id)):
            time.sleep(POLL_SECONDS)
        for record in records[worker::workers]:
            sync_slice(connection, source, way.run_id, record.slice.number)


def prove(way: Way) -> None:
    """What the task reconcile does."""
    with both_sides(way) as (connection, source):
        reconcile_sync(connection, source, way.run_id, way.settings)


def synchronise_and_prove(way: Way) -> None:
    """A run of all three tasks."""
    synchronise(way)
    prove(way)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What PostgreSQL has written so far, or did in a while."""

    wal_bytes: int
    rows: int

    def __sub__(self, before: Writing) -> Writing:
        return Writing(wal_bytes=self.wal_bytes - before.wal_bytes, rows=self.rows - before.rows)


class Targets:
    """Databases of one PostgreSQL, and what is written there."""

    def __init__(self, server: Postgres) -> None:
        self._server = server
        self._password = new_password()
        server.add_role(OWNER, self._password, POSTGRES_RIGHTS)

    def empty(self, name: str) -> str:
        """Make an empty database; returns its connection string."""
        self._server.add_database(name, OWNER)
        return self._server.uri_of(OWNER, self._password, name)

    def migrated(self, name: str) -> str:
        """Make a database with the schema; returns its connection string."""
        uri = self.empty(name)
        with psycopg.connect(uri, autocommit=True) as connection:
            migrate(connection)
        return uri

    def settle(self, name: str) -> None:
        """Do now what the server would do some time later, and what would be taken for the sync's."""
        with self._administrator(name) as connection:
            connection.execute("checkpoint")
            connection.execute("vacuum (analyze)")

    @contextmanager
    def without_autovacuum(self) -> Iterator[None]:
        """Keep the server from cleaning up in any database: what it writes for that is counted with the rest."""
        with self._administrator("postgres") as connection:
            connection.execute("alter system set autovacuum = off")
            connection.execute("select pg_reload_conf()")
            yield
            connection.execute("alter system reset autovacuum")
            connection.execute("select pg_reload_conf()")

    def writing(self, name: str) -> Writing:
        """What was written up to now."""
        with self._administrator(name) as connection:
            wal_bytes, rows = (_number(connection, statement) for statement in (WRITTEN_BYTES, WRITTEN_ROWS))
        return Writing(wal_bytes=wal_bytes, rows=rows)

    def _administrator(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self._server.uri_of("postgres", self._server.password, name), autocommit=True)


def _number(connection: psycopg.Connection[tuple[Any, ...]], statement: bytes) -> int:
    row = connection.execute(statement).fetchone()
    if row is None:
        raise RuntimeError(f"no row came from {statement!r}")
    return int(row[0])


def measure_sync(
    folder: Path, path: Path, rows: int, long_path: Path | None
) -> tuple[dict[str, Measurement], dict[str, float]]:
    """Measure on servers of its own. Returns what each way took, and other numbers by name.

    :param path: a file of so many rows
    :param long_path: a file of LONG_TIMES as many; None leaves it out
    """
    install_dlt()
    mongod, postgres = Mongod(folder / "mongodb"), Postgres(folder / "postgres")
    mongod.start()
    postgres.start()
    try:
        load_yesterday(mongod.uri, HISTORY, path)
        targets = Targets(postgres)
        found = measure_first(mongod.uri, targets, rows)
        again, numbers = measure_again(mongod.uri, targets, rows)
        found |= again
        if long_path:
            load_yesterday(mongod.uri, LONG_HISTORY, long_path)
            found |= measure_long(mongod.uri, targets, rows * LONG_TIMES)
        return found, numbers
    finally:
        postgres.stop()
        mongod.stop()


def load_yesterday(mongodb: str, database: str, path: Path) -> None:
    """Load a file and make its documents a day old: what changed within the last hour is read again by each sync."""
    backfill.load_all(mongodb, database, str(path))
    earlier = {"$dateSubtract": {"startDate": "$updated_at", "unit": "day", "amount": 1}}
    with MongoClient[dict[str, Any]](mongodb) as client:
        store = HistoryStore.of(client[database])
        for collection in (store.plays, store.tracks, store.artists, store.albums):
            collection.update_many({}, [{"$set": {"updated_at": earlier}}])


def measure_first(mongodb: str, targets: Targets, rows: int) -> dict[str, Measurement]:
    """Each way into a database of its own, where nothing is yet."""
    found = {}
    flat = (mongodb, HISTORY, targets.empty("flat"))
    found["copy"] = measure("one COPY of the plays into a flat table", rows, copy_flat, flat)
    found["dlt"] = merge_with_dlt(mongodb, HISTORY, targets.empty("dlt"), rows)
    alone = Way(mongodb=mongodb, database=HISTORY, postgres=targets.migrated("alone"), run_id="1", settings=PLAYS_ALONE)
    found["alone"] = measure("sync of the plays alone, one process", rows, synchronise, (alone,))
    ways = [
        ("alone beside", "sync of the plays alone, two processes", PLAYS_ALONE),
        ("beside", "sync of all tables, two processes", ALL_TABLES),
    ]
    for name, title, settings in ways:
        database = name.replace(" ", "_")
        way = Way(mongodb=mongodb, database=HISTORY, postgres=targets.migrated(database), run_id="1", settings=settings)
        targets.settle(database)
        found[name] = measure(title, rows, synchronise_beside, *((way, worker, WORKERS) for worker in range(WORKERS)))
    for database in DATABASES:
        # What the server would do there later would be written while others are measured.
        targets.settle(database)
    return found


def measure_again(mongodb: str, targets: Targets, rows: int) -> tuple[dict[str, Measurement], dict[str, float]]:
    """A first sync of all tables, and those that follow: what they took, and what they made PostgreSQL write."""
    name = "whole"
    postgres = targets.migrated(name)

    def timed(title: str, run_id: str, work: Callable[[Way], None]) -> tuple[Measurement, Writing]:
        way = Way(mongodb=mongodb, database=HISTORY, postgres=postgres, run_id=run_id, settings=ALL_TABLES)
        targets.settle(name)
        before = targets.writing(name)
        measurement = measure(title, rows, work, (way,))
        return measurement, targets.writing(name) - before

    found = {}
    found["first"], _ = timed("sync of all tables, one process", "first", synchronise)
    found["proof"], _ = timed("the proof, first run", "first", prove)
    with targets.without_autovacuum():
        found["nothing"], nothing = timed("sync and proof, nothing new", "nothing new", synchronise_and_prove)
        changed = change_plays(mongodb)
        found["changed"], written = timed("sync, one play in a hundred changed", "changed", synchronise)
    found["changed proof"], _ = timed("the proof after that", "changed", prove)
    return found, {
        "rows, nothing new": nothing.rows,
        "megabytes, nothing new": nothing.wal_bytes / BYTES_A_MEGABYTE,
        "changed": changed,
        "rows, changed": written.rows,
        "megabytes, changed": written.wal_bytes / BYTES_A_MEGABYTE,
    }


def measure_long(mongodb: str, targets: Targets, rows: int) -> dict[str, Measurement]:
    """The first sync of a longer history and its proof, for their memory."""
    way = Way(
        mongodb=mongodb, database=LONG_HISTORY, postgres=targets.migrated("long"), run_id="1", settings=ALL_TABLES
    )
    return {
        "long": measure(f"sync of {LONG_TIMES} times the plays, one process", rows, synchronise, (way,)),
        "long proof": measure(f"the proof of {LONG_TIMES} times the plays", rows, prove, (way,)),
    }


def change_plays(mongodb: str) -> int:
    """Change one play in a hundred, of all months; return how many."""
    with MongoClient[dict[str, Any]](mongodb) as client:
        plays = HistoryStore.of(client[HISTORY]).plays
        ids = [play["_id"] for play in plays.find({}, {"_id": 1}).sort("timestamp", 1)][::CHANGED_SHARE]
        change = {"$set": {"listening.ms_played": {"$add": ["$listening.ms_played", 1]}, "updated_at": "$$NOW"}}
        return plays.update_many({"_id": {"$in": ids}}, [change]).modified_count
