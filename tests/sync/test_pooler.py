"""The whole sync through a real pgbouncer in transaction mode: each transaction may run in another session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.conninfo import conninfo_to_dict

from echotune.history.store import HistoryStore
from echotune.reconciliation import require_equal
from echotune.sync.migrations import migrate, pending, read_migrations
from echotune.sync.profile_checks import verify_profiles
from echotune.sync.profiles import sync_profiles
from echotune.sync.reconcile import reconcile_sync
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from tests.support.both_sides import expected_rows, synced_rows
from tests.support.pgbouncer import PROGRAM, Pgbouncer
from tests.support.supabase import Connection, OwnedPostgres, connect
from tests.support.syncing import small_history, sync_all, with_indexes

pytestmark = pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason="pgbouncer is not there: local/install-test-parts gets it"
)

SESSIONS = 1
"""Fewer than clients: what one of them left in its session, the other would find."""

WHAT_IS_LEFT = """
select
    (select count(*) from pg_prepared_statements),
    (select count(*) from pg_class where relpersistence = 't'),
    (select count(*) from pg_locks where locktype = 'advisory'),
    current_user = session_user,
    (select count(*) from pg_settings where source = 'session')
"""
NOTHING = (0, 0, 0, True, 0)


@pytest.fixture(scope="module")
def pooler(tmp_path_factory: pytest.TempPathFactory, postgres_server: OwnedPostgres) -> Iterator[Pgbouncer]:
    server = Pgbouncer(
        tmp_path_factory.mktemp("pgbouncer"), target=postgres_server.owners_uri("postgres"), sessions=SESSIONS
    )
    server.start()
    yield server
    server.stop()


def database_of(uri: str) -> str:
    return str(conninfo_to_dict(uri)["dbname"])


@pytest.fixture
def pooled_uri(pooler: Pgbouncer, supabase_uri: str) -> str:
    """A migrated database, through the pooler."""
    return pooler.before(database_of(supabase_uri))


def add_profile(connection: Connection, user: str) -> None:
    """Preferences and a playlist, as an application writes them."""
    with connection.transaction():
        connection.execute(
            "insert into user_preferences (user_id, preferred_genres) "
            "select id, '{jazz}' from users where spotify_user_id = %s",
            [user],
        )
        connection.execute(
            "insert into playlists (user_id, name) select id, 'Mine' from users where spotify_user_id = %s", [user]
        )


def test_an_empty_database_is_migrated_filled_and_proved_equal_through_the_pooler(
    pooler: Pgbouncer, empty_supabase: str, store: HistoryStore
) -> None:
    small_history(with_indexes(store))
    with connect(pooler.before(database_of(empty_supabase))) as connection:
        migrate(connection)
        assert pending(connection, read_migrations()) == []
        sync_all(connection, store, run_id="first")
        reconcile_sync(connection, SyncSource(store), "first", SyncSettings())
        add_profile(connection, "listener")
        counts = sync_profiles(connection, store)
        require_equal(verify_profiles(connection, store))
        assert counts.written == 1
        assert synced_rows(connection) == expected_rows(store)
        assert connection.execute(WHAT_IS_LEFT).fetchone() == NOTHING


def test_clients_that_share_a_session_do_not_meet_in_it(
    pooled_uri: str, store: HistoryStore, supabase: Connection
) -> None:
    small_history(with_indexes(store), plays=60)
    with connect(pooled_uri) as first, connect(pooled_uri) as second, ThreadPoolExecutor(2) as threads:
        runs = [
            threads.submit(sync_all, connection, store, run_id=run, batch_documents=3)
            for connection, run in ((first, "first"), (second, "second"))
        ]
        for run in runs:
            run.result()
        sessions = {connection.execute("select pg_backend_pid()").fetchone() for connection in (first, second)}
        assert len(sessions) == 1
        assert second.execute(WHAT_IS_LEFT).fetchone() == NOTHING
    assert synced_rows(supabase) == expected_rows(store)
