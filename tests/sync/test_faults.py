"""Crashes in the middle of a sync: what is committed is whole, and the next run ends as if nothing had happened."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from echotune.history.store import HistoryStore
from echotune.resources import PROJECT
from echotune.sync.runs import SliceRecord, read_slices
from echotune.sync.source import SyncSource
from echotune.sync.synchronise import sync_slice
from local.servers.mongod import Mongod
from tests.support.both_sides import Tables, expected_rows, synced_rows
from tests.support.databases import fresh_store
from tests.support.proxy import PostgresProxy
from tests.support.supabase import Connection, OwnedPostgres, connect, fresh_database
from tests.support.sync_process import BATCH
from tests.support.syncing import play, small_history, sync_all, with_indexes

PLAYS = 2 * BATCH
FAR_IN = 60
"""A step in the middle of a small history's sync."""
MANY = 25_000
"""Plays of which MongoDB does not send all at once."""

CommittedState = tuple[Tables, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def history(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    """A small history that no test changes."""
    with fresh_store(mongodb_client) as store:
        small_history(with_indexes(store), plays=PLAYS)
        yield store


@pytest.fixture
def changing(store: HistoryStore) -> HistoryStore:
    """A small history of the test's own."""
    small_history(with_indexes(store), plays=PLAYS)
    return store


@pytest.fixture(scope="module")
def undisturbed(history: HistoryStore, postgres_server: OwnedPostgres, supabase_template: str) -> Tables:
    """All rows, placeholders too, that a run without a crash leaves."""
    with copy_of(postgres_server, supabase_template) as uri:
        run_at(uri, history, "undisturbed")
        return rows_at(uri)


@contextmanager
def copy_of(server: OwnedPostgres, template: str) -> Iterator[str]:
    with fresh_database(server, template) as name:
        yield server.owners_uri(name)


def run_at(uri: str, store: HistoryStore, run_id: str, *, batch_documents: int = BATCH) -> None:
    with connect(uri) as connection:
        sync_all(connection, store, run_id=run_id, batch_documents=batch_documents)


def rows_at(uri: str) -> Tables:
    with connect(uri) as connection:
        return synced_rows(connection, placeholders=True)


def state_of(connection: Connection) -> CommittedState:
    """What is committed: rows, watermarks and records, without times."""
    slices = connection.execute(
        "select run_id, slice, position, inserted, updated, sync_slices.finished_at is null"
        " from echotune.sync_runs left join echotune.sync_slices using (run_id) order by 1, 2"
    ).fetchall()
    watermarks = connection.execute("select table_name, month from echotune.watermarks order by 1, 2").fetchall()
    return synced_rows(connection, placeholders=True), [*slices, *watermarks]


def take_up(uri: str, store: HistoryStore, run_id: str, records: list[SliceRecord]) -> None:
    """Do what Airflow does after a failure: try again what is not done, a slice or else the plan."""
    if not records:
        run_at(uri, store, run_id)
        return
    with connect(uri) as connection:
        for record in records:
            if not record.finished_at:
                sync_slice(connection, SyncSource(store), run_id, record.slice.number, batch_documents=BATCH)


def require_nothing_ahead(connection: Connection, expected: Tables) -> None:
    """What watermarks, positions and counts say is there, is there, in one look at the database."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        found = synced_rows(connection)
        finished = connection.execute("select table_name from echotune.watermarks where month is null").fetchall()
        for (table,) in finished:
            assert found[table] == expected[table]
        months = connection.execute("select month from echotune.watermarks where month is not null").fetchall()
        for (month,) in months:
            assert plays_of_month(found, month) == plays_of_month(expected, month)
        require_counted(connection)


def plays_of_month(tables: Tables, month: Any) -> set[Any]:
    return {row for row in tables["listening_history"] if (row[1].year, row[1].month) == (month.year, month.month)}


def require_counted(connection: Connection) -> int:
    """A first run's plays are as many as its slices say they inserted; returns how many."""
    counted, plays = connection.execute(
        "select (select coalesce(sum(inserted), 0) from echotune.sync_slices where table_name = 'listening_history'),"
        " (select count(*) from listening_history)"
    ).fetchall()[0]
    assert counted == plays
    return int(plays)


def test_a_sync_that_is_cut_off_after_any_statement_loses_nothing_and_repeats_nothing(
    history: HistoryStore, undisturbed: Tables, postgres_server: OwnedPostgres, supabase_template: str
) -> None:
    """From every committed state on, the connection is cut after each statement in turn, until one commits the next."""
    expected, cuts, states = expected_rows(history), 0, 0
    counted: Counter[str] = Counter()
    with fresh_database(postgres_server, supabase_template) as name:
        uri = postgres_server.owners_uri(name)
        while cut_until_something_is_committed(uri, history, counted := Counter()):
            cuts, states = cuts + counted["cuts"], states + 1
            with connect(uri) as connection:
                require_nothing_ahead(connection, expected)
            with copy_of(postgres_server, name) as copy:
                run_at(copy, history, "next")
                assert rows_at(copy) == undisturbed
        assert rows_at(uri) == undisturbed
    assert states >= 16, "the tables' batches, the slices' ends, the plan and the start of the run"
    assert cuts >= 200


def cut_until_something_is_committed(uri: str, store: HistoryStore, counted: Counter[str]) -> bool:
    """Try again and again, each time cut off one statement later; False where a try came to its end."""
    with connect(uri) as onlooker:
        before, records = state_of(onlooker), read_slices(onlooker, "cut")
        for last in count(1):
            with PostgresProxy(uri, last.__eq__) as proxy, suppress(psycopg.OperationalError):
                take_up(proxy.uri, store, "cut", records)
            if not proxy.cut:
                return False
            counted["cuts"] += 1
            if state_of(onlooker) != before:
                return True
    raise AssertionError("numbers end")


@pytest.mark.parametrize("copied_bytes", [0, 30, 500, 1300])
def test_a_connection_that_is_cut_within_a_copy_leaves_whole_batches(
    history: HistoryStore, undisturbed: Tables, supabase_uri: str, copied_bytes: int
) -> None:
    with PostgresProxy(supabase_uri, copied_bytes=copied_bytes) as proxy, pytest.raises(psycopg.OperationalError):
        run_at(proxy.uri, history, "cut")
    assert proxy.cut
    with connect(supabase_uri) as connection:
        require_nothing_ahead(connection, expected_rows(history))
    run_at(supabase_uri, history, "next")
    assert rows_at(supabase_uri) == undisturbed


def test_no_reader_ever_sees_half_a_batch(history: HistoryStore, supabase_uri: str) -> None:
    seen = set()
    with connect(supabase_uri) as reader:

        def look(step: int) -> bool:
            seen.add(require_counted(reader))
            return False

        with PostgresProxy(supabase_uri, look) as proxy:
            run_at(proxy.uri, history, "watched")
    assert seen == {0, BATCH, PLAYS}


def test_no_reader_ever_sees_half_a_batch_of_changes(changing: HistoryStore, supabase_uri: str) -> None:
    run_at(supabase_uri, changing, "first")
    changing.plays.update_many({}, [{"$set": {"listening.ms_played": 5, "updated_at": "$$NOW"}}])
    seen = set()
    with connect(supabase_uri) as reader:

        def look(step: int) -> bool:
            seen.add(changed_plays(reader))
            return False

        with PostgresProxy(supabase_uri, look) as proxy:
            run_at(proxy.uri, changing, "watched")
    assert seen == {0, BATCH, PLAYS}


def changed_plays(connection: Connection) -> int:
    (changed,) = connection.execute("select count(*) from listening_history where ms_played = 5").fetchall()[0]
    return int(changed)


def test_a_sync_whose_postgresql_was_killed_is_completed_by_the_next(
    history: HistoryStore, undisturbed: Tables, postgres_server: OwnedPostgres, supabase_uri: str
) -> None:
    def kill(step: int) -> bool:
        if step == FAR_IN:
            postgres_server.kill()
            postgres_server.start()
        return step == FAR_IN

    with PostgresProxy(supabase_uri, kill) as proxy, pytest.raises(psycopg.OperationalError):
        run_at(proxy.uri, history, "killed")
    with connect(supabase_uri) as connection:
        require_nothing_ahead(connection, expected_rows(history))
    run_at(supabase_uri, history, "next")
    assert rows_at(supabase_uri) == undisturbed


def test_a_sync_whose_mongodb_was_killed_is_completed_by_the_next(tmp_path: Path, supabase_uri: str) -> None:
    server = Mongod(tmp_path / "mongod")
    server.start()
    with MongoClient[dict[str, Any]](server.uri, serverSelectionTimeoutMS=2000) as client:
        store = with_indexes(HistoryStore.of(client["spotify_analytics"]))
        store.plays.insert_many([play(number % 400, _id=UUID(int=number + 1)) for number in range(MANY)])

        def kill(step: int) -> bool:
            if plays_at(supabase_uri):
                server.kill()
            return False

        with PostgresProxy(supabase_uri, kill) as proxy, pytest.raises(PyMongoError):
            run_at(proxy.uri, store, "killed", batch_documents=5_000)
        assert 0 < plays_at(supabase_uri) < MANY
        server.start()
        run_at(supabase_uri, store, "next", batch_documents=5_000)
        with connect(supabase_uri) as connection:
            assert synced_rows(connection) == expected_rows(store)
    server.stop()


def plays_at(uri: str) -> int:
    with connect(uri) as connection:
        return int(connection.execute("select count(*) from listening_history").fetchall()[0][0])


def test_a_sync_that_was_killed_at_random_moments_is_completed_by_the_next(
    mongodb_uri: str, history: HistoryStore, undisturbed: Tables, supabase_uri: str
) -> None:
    chance = random.Random(4)
    with connect(supabase_uri) as onlooker:
        for attempt in range(3):
            moment = chance.randrange(10, 90)

            def kill(step: int, moment: int = moment) -> bool:
                if step == moment:
                    process.kill()
                return step == moment

            with PostgresProxy(supabase_uri, kill) as proxy:
                with start_syncing(mongodb_uri, proxy.uri, history, f"killed {attempt}") as process:
                    pass
                assert proxy.cut, "the sync ended before it was killed"
            require_nothing_ahead(onlooker, expected_rows(history))
    run_at(supabase_uri, history, "next")
    assert rows_at(supabase_uri) == undisturbed


def start_syncing(mongodb_uri: str, postgres_uri: str, store: HistoryStore, run_id: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.sync_process", store.database.name, run_id]
    environment = {
        "PYTHONPATH": f"{PROJECT}:{PROJECT / 'plugins'}",
        "MONGODB_URI": mongodb_uri,
        "DATABASE_URL": postgres_uri,
    }
    return subprocess.Popen(command, cwd=PROJECT, env=environment)
