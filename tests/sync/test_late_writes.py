"""Documents that are written late, or while a sync reads: none is lost, whatever comes between."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echotune.history.store import Documents, HistoryStore
from echotune.sync.reconcile import reconcile_sync
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from tests.support.both_sides import Tables, expected_rows, synced_rows
from tests.support.proxy import PostgresProxy
from tests.support.supabase import Connection, OwnedPostgres, connect, fresh_database
from tests.support.sync_process import BATCH
from tests.support.syncing import now, play, small_history, sync_all, track, with_indexes

LATEST_MINUTES = 50
"""Within the safety window of an hour."""

USERS: Tables = {"users": set()}
"""Users stay when their last play is gone: applications hang on them."""

Document = dict[str, Any]


@pytest.fixture
def history(store: HistoryStore) -> HistoryStore:
    """A small history that is written to."""
    small_history(with_indexes(store), plays=2 * BATCH)
    return store


def put(collection: Documents, document: Document) -> None:
    """Write a document, whether it is there already or not."""
    collection.replace_one({"_id": document["_id"]}, document, upsert=True)


def late(minutes: int) -> Document:
    """A time of change before now: of a writer whose clock is late, or whose write takes long."""
    return {"updated_at": now() - timedelta(minutes=minutes)}


def missing(connection: Connection, store: HistoryStore) -> Tables:
    """Rows that the documents tell of and PostgreSQL has not."""
    found = synced_rows(connection)
    return {table: rows - found[table] for table, rows in expected_rows(store).items() if rows - found[table]}


def test_a_document_with_a_time_of_change_before_the_last_sync_is_found(
    history: HistoryStore, supabase: Connection
) -> None:
    sync_all(supabase, history)
    put(history.plays, play(500, **late(LATEST_MINUTES)))
    put(history.tracks, track(3, name="Renamed", **late(LATEST_MINUTES)))
    sync_all(supabase, history)
    assert missing(supabase, history) == {}


def test_a_document_that_is_changed_without_a_later_time_of_change_is_found_where_its_time_moved(
    history: HistoryStore, supabase: Connection
) -> None:
    put(history.plays, play(1, **late(1)))
    sync_all(supabase, history)
    put(history.plays, play(1, username="another", **late(2)))
    sync_all(supabase, history)
    assert missing(supabase, history) == {}


def test_documents_written_while_a_sync_reads_are_in_the_next(history: HistoryStore, supabase_uri: str) -> None:
    """At every step another play is new, and one that was read, or not yet, is changed."""

    def write(step: int) -> bool:
        put(history.plays, play(1000 + step, **late(step % 3)))
        put(history.plays, play(step % (2 * BATCH), track=None, **late(0)))
        put(history.tracks, track(step % 5, name=f"Name {step}", **late(step % 2)))
        return False

    with PostgresProxy(supabase_uri, write) as proxy, connect(proxy.uri) as connection:
        sync_all(connection, history, batch_documents=BATCH)
    assert proxy.steps > BATCH
    with connect(supabase_uri) as connection:
        sync_all(connection, history)
        assert missing(connection, history) == {}


PLAY_WRITES = st.tuples(st.just("put play"), st.integers(0, 9), st.integers(0, 3), st.integers(0, LATEST_MINUTES))
TRACK_WRITES = st.tuples(st.just("put track"), st.integers(0, 3), st.integers(0, 3), st.integers(0, LATEST_MINUTES))
DELETIONS = st.tuples(st.sampled_from(["delete play", "delete track"]), st.integers(0, 9))
SYNCS = st.tuples(st.just("sync"), st.none() | st.integers(1, 150))
HAPPENINGS = st.lists(PLAY_WRITES | PLAY_WRITES | TRACK_WRITES | DELETIONS | SYNCS, min_size=3, max_size=14)


@settings(max_examples=12)
@given(happenings=HAPPENINGS)
def test_whatever_happens_between_syncs_the_last_one_ends_equal(
    happenings: Sequence[tuple[Any, ...]],
    store: HistoryStore,
    postgres_server: OwnedPostgres,
    supabase_template: str,
) -> None:
    """Writes in time and late, deletions, and syncs that go well or are cut off after some statement."""
    for collection in (with_indexes(store).plays, store.tracks):
        collection.delete_many({})
    with fresh_database(postgres_server, supabase_template) as name:
        uri = postgres_server.owners_uri(name)
        for happening in happenings:
            let_happen(uri, store, *happening)
        with connect(uri) as connection:
            sync_all(connection, store, run_id="last")
            assert missing(connection, store) == {}
            reconcile_sync(connection, SyncSource(store), "last", SyncSettings(max_deleted_share=1))
            assert synced_rows(connection) | USERS == expected_rows(store) | USERS


def let_happen(uri: str, store: HistoryStore, what: str, number: int | None, value: int = 0, minutes: int = 0) -> None:
    match what:
        case "put play":
            put(store.plays, play(number or 0, track=value or None, **late(minutes)))
        case "put track":
            put(store.tracks, track(number or 0, name=f"Name {value}", **late(minutes)))
        case "delete play":
            store.plays.delete_one({"_id": play(number or 0)["_id"]})
        case "delete track":
            store.tracks.delete_one({"_id": track(number or 0)["_id"]})
        case "sync":
            with PostgresProxy(uri, lambda step: step == number) as proxy, suppress(psycopg.OperationalError):
                sync_at(proxy.uri, store)


def sync_at(uri: str, store: HistoryStore) -> None:
    with connect(uri) as connection:
        sync_all(connection, store, batch_documents=2)
