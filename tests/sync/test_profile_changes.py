"""Profiles that change, and runs that stop, while profiles are on their way to MongoDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from pymongo import MongoClient, monitoring

from echotune.history.store import HistoryStore
from echotune.sync.profiles import ProfileCounts, sync_profiles
from tests.support.databases import contents
from tests.support.profiles import add_playlist, add_user, playlist_names, proved, versions
from tests.support.supabase import Connection, connect


def test_changes_of_two_transactions_at_once_both_arrive(
    supabase: Connection, supabase_uri: str, store: HistoryStore
) -> None:
    user = add_user(supabase)
    with connect(supabase_uri) as first, connect(supabase_uri) as second:
        with first.transaction():
            add_playlist(first, user, "First")
            waiting = threading.Thread(target=add_playlist, args=(second, user, "Second"))
            waiting.start()
            assert sync_profiles(supabase, store) == ProfileCounts(), "nothing is committed yet"
        waiting.join()
    assert versions(supabase) == {user: (2, 0)}
    sync_profiles(supabase, store)
    assert sorted(playlist_names(store)[user]) == ["First", "Second"]


class Interruption(monitoring.CommandListener):
    """Does something once, while MongoDB is told to write."""

    def __init__(self, act: Callable[[], object], *, once_written: bool) -> None:
        self.act: Callable[[], object] | None = act
        self.once_written = once_written

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._interrupt(event.command_name, once_written=False)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._interrupt(event.command_name, once_written=True)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing fails here."""

    def _interrupt(self, command: str, *, once_written: bool) -> None:
        if command == "update" and once_written == self.once_written and self.act:
            act, self.act = self.act, None
            act()


@contextmanager
def interrupted(mongodb_uri: str, store: HistoryStore, interruption: Interruption) -> Iterator[HistoryStore]:
    """The same store, whose first write is interrupted."""
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[interruption]) as client:
        yield HistoryStore.of(client[store.database.name])
    assert interruption.act is None


def test_what_is_committed_while_the_sync_runs_is_due_again(
    supabase: Connection, supabase_uri: str, mongodb_uri: str, store: HistoryStore
) -> None:
    user = add_user(supabase)
    add_playlist(supabase, user, "Before")
    with connect(supabase_uri) as other:
        late = Interruption(lambda: add_playlist(other, user, "Meanwhile"), once_written=False)
        with interrupted(mongodb_uri, store, late) as slow:
            assert sync_profiles(supabase, slow).written == 1
    assert playlist_names(store) == {user: ["Before"]}
    assert versions(supabase) == {user: (2, 1)}
    assert sync_profiles(supabase, store).written == 1
    assert sorted(playlist_names(store)[user]) == ["Before", "Meanwhile"]


def test_a_profile_that_is_being_changed_stays_due_and_nobody_waits(
    supabase: Connection, supabase_uri: str, mongodb_uri: str, store: HistoryStore
) -> None:
    user = add_user(supabase)
    add_playlist(supabase, user, "Before")
    with connect(supabase_uri) as other, other.transaction():
        open_change = Interruption(lambda: add_playlist(other, user, "Open"), once_written=False)
        with interrupted(mongodb_uri, store, open_change) as slow:
            assert sync_profiles(supabase, slow).written == 1
        assert versions(supabase) == {user: (1, 0)}
    assert sync_profiles(supabase, store).written == 1
    assert sorted(playlist_names(store)[user]) == ["Before", "Open"]


def test_two_ways_back_at_once_wait_for_each_other(
    supabase: Connection, supabase_uri: str, mongodb_uri: str, store: HistoryStore
) -> None:
    user = add_user(supabase)
    add_playlist(supabase, user)
    second_counts = []
    with connect(supabase_uri) as other, ThreadPoolExecutor(1) as pool:
        begin_second = Interruption(
            lambda: second_counts.append(pool.submit(sync_profiles, other, store)), once_written=False
        )
        with interrupted(mongodb_uri, store, begin_second) as slow:
            assert sync_profiles(supabase, slow).written == 1
        assert second_counts[0].result() == ProfileCounts()
    assert versions(supabase) == {user: (1, 1)}


def test_stopped_between_the_write_and_its_record_the_next_run_ends_equal(
    supabase: Connection, supabase_uri: str, mongodb_uri: str, store: HistoryStore
) -> None:
    user = add_user(supabase)
    add_playlist(supabase, user)
    with connect(supabase_uri) as victim:
        stop = "select pg_terminate_backend(%s)"
        cut = Interruption(lambda: supabase.execute(stop, [victim.info.backend_pid]), once_written=True)
        with interrupted(mongodb_uri, store, cut) as slow, pytest.raises(psycopg.OperationalError):
            sync_profiles(victim, slow)
    assert set(contents(store.user_profiles)) == {user}
    assert versions(supabase) == {user: (1, 0)}
    assert sync_profiles(supabase, store) == ProfileCounts(read=1, unchanged=1)
    assert versions(supabase) == {user: (1, 1)}
    assert proved(supabase, store)
