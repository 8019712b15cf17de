"""Preferences and playlists on their way to MongoDB."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb
from pymongo import MongoClient, monitoring

from echotune.history.store import HistoryStore
from echotune.reconciliation import NotReconciled, require_equal
from echotune.sync import profile_reader
from echotune.sync.profile_checks import verify_profiles
from echotune.sync.profiles import ProfileCounts, sync_profiles
from echotune.sync.row_ids import row_id
from local.servers.base import new_password
from local.servers.postgres import SUPERUSER
from tests.support.databases import contents
from tests.support.supabase import OWNER, Connection, OwnedPostgres, connect

LARGEST = 2**63 - 1


def add_user(supabase: Connection, **columns: Any) -> UUID:
    columns = {"username": "anna", "spotify_user_id": None, "auth_user_id": None} | columns
    row = supabase.execute(
        "insert into public.users (username, spotify_user_id, auth_user_id) "
        "values (%(username)s, %(spotify_user_id)s, %(auth_user_id)s) returning id",
        columns,
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def add_playlist(supabase: Connection, user: UUID, name: str = "Monday") -> UUID:
    row = supabase.execute(
        "insert into public.playlists (user_id, name) values (%s, %s) returning id", [user, name]
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def set_preferences(supabase: Connection, user: UUID, *, settings: Any = None, genres: list[str] | None = None) -> None:
    supabase.execute(
        "insert into public.user_preferences (user_id, preferred_genres, recommendation_settings) values (%s, %s, %s) "
        "on conflict (user_id) do update set preferred_genres = excluded.preferred_genres, "
        "recommendation_settings = excluded.recommendation_settings",
        [user, genres or [], Jsonb(settings if settings is not None else {})],
    )


def versions(supabase: Connection) -> dict[UUID, tuple[int, int]]:
    rows = supabase.execute("select user_id, version, synced_version from echotune.profile_changes")
    return {user: (version, synced) for user, version, synced in rows}


def rejections(supabase: Connection) -> dict[UUID, str]:
    found = supabase.execute(
        "select row_id, reason from echotune.rejected_documents where table_name = 'user_profiles'"
    )
    return dict(found.fetchall())


def playlist_names(store: HistoryStore) -> dict[UUID, list[str]]:
    documents = contents(store.user_profiles)
    return {
        user: [playlist["name"] for playlist in document.get("playlists", [])] for user, document in documents.items()
    }


def proved(supabase: Connection, store: HistoryStore) -> bool:
    require_equal(verify_profiles(supabase, store))
    return True


def test_a_profile_arrives_whole_with_what_is_null_absent(supabase: Connection, store: HistoryStore) -> None:
    user = add_user(supabase, spotify_user_id="anna.s")
    weights = {"energy": 0.5, "deep": [1, None, {"$where": "a.b", "": LARGEST}]}
    supabase.execute(
        "insert into public.user_preferences (user_id, preferred_genres, audio_feature_weights) "
        "values (%s, '{indie,NULL,rock}', %s)",
        [user, Jsonb(weights)],
    )
    playlist = add_playlist(supabase, user)
    assert sync_profiles(supabase, store) == ProfileCounts(read=1, written=1)
    (document,) = contents(store.user_profiles).values()
    times = [document.pop("updated_at"), document["preferences"].pop("updated_at")]
    times += [document["playlists"][0].pop(name) for name in ("created_at", "updated_at")]
    assert all(isinstance(time, datetime) for time in times)
    assert document == {
        "_id": row_id("user", "anna.s"),
        "user": {"username": "anna", "spotify_user_id": "anna.s"},
        "preferences": {
            "genres": ["indie", "rock"],
            "audio_feature_weights": weights,
            "recommendation_settings": {},
        },
        "playlists": [{"id": playlist, "name": "Monday", "public": False}],
    }
    assert type(document["preferences"]["audio_feature_weights"]["deep"][0]) is int
    assert proved(supabase, store)


def test_changes_and_deletions_arrive(supabase: Connection, store: HistoryStore) -> None:
    user = add_user(supabase)
    playlist = add_playlist(supabase, user)
    set_preferences(supabase, user, settings={"limit": 10})
    sync_profiles(supabase, store)
    supabase.execute("update public.playlists set name = 'Tuesday', description = 'rain' where id = %s", [playlist])
    set_preferences(supabase, user, settings={"limit": 20})
    assert sync_profiles(supabase, store).written == 1
    document = contents(store.user_profiles)[user]
    assert (document["playlists"][0]["name"], document["playlists"][0]["description"]) == ("Tuesday", "rain")
    assert document["preferences"]["recommendation_settings"] == {"limit": 20}
    supabase.execute("delete from public.user_preferences")
    assert sync_profiles(supabase, store).written == 1
    assert "preferences" not in contents(store.user_profiles)[user]
    supabase.execute("delete from public.playlists")
    assert sync_profiles(supabase, store).deleted == 1
    assert contents(store.user_profiles) == {}
    assert versions(supabase) == {}
    assert proved(supabase, store)


def test_a_deleted_users_document_goes(supabase: Connection, store: HistoryStore) -> None:
    anna, ben = add_user(supabase), add_user(supabase, username="ben")
    for user in (anna, ben):
        add_playlist(supabase, user)
    sync_profiles(supabase, store)
    supabase.execute("delete from public.users where id = %s", [anna])
    assert proved(supabase, store), "a deletion that is on its way is no difference"
    assert sync_profiles(supabase, store) == ProfileCounts(read=1, deleted=1)
    assert set(contents(store.user_profiles)) == {ben}
    assert set(versions(supabase)) == {ben}


@pytest.mark.parametrize("table", ["playlists", "user_preferences"])
def test_a_truncated_table_arrives(supabase: Connection, store: HistoryStore, table: str) -> None:
    user = add_user(supabase)
    add_playlist(supabase, user)
    set_preferences(supabase, user)
    sync_profiles(supabase, store)
    supabase.execute(sql.SQL("truncate public.{}").format(sql.Identifier(table)))
    assert sync_profiles(supabase, store).written == 1
    assert proved(supabase, store)


def test_with_nothing_due_nothing_is_written(supabase: Connection, store: HistoryStore) -> None:
    add_playlist(supabase, add_user(supabase))
    sync_profiles(supabase, store)
    before, counted = contents(store.user_profiles), versions(supabase)
    assert sync_profiles(supabase, store) == ProfileCounts()
    assert sync_profiles(supabase, store, full_refresh=True) == ProfileCounts(read=1, unchanged=1)
    assert (contents(store.user_profiles), versions(supabase)) == (before, counted)


def test_a_statement_marks_each_user_once(supabase: Connection, store: HistoryStore) -> None:
    anna, ben = add_user(supabase), add_user(supabase, username="ben")
    supabase.execute(
        "insert into public.playlists (user_id, name) "
        "select case when number <= 400 then %s::uuid else %s::uuid end, number::text "
        "from generate_series(1, 1000) number",
        [anna, ben],
    )
    assert versions(supabase) == {anna: (1, 0), ben: (1, 0)}
    assert sync_profiles(supabase, store).written == 2
    assert {user: len(names) for user, names in playlist_names(store).items()} == {anna: 400, ben: 600}


def test_a_playlist_that_moves_changes_both_users(supabase: Connection, store: HistoryStore) -> None:
    anna, ben = add_user(supabase), add_user(supabase, username="ben")
    playlist = add_playlist(supabase, anna)
    set_preferences(supabase, anna)
    sync_profiles(supabase, store)
    supabase.execute("update public.playlists set user_id = %s where id = %s", [ben, playlist])
    assert sync_profiles(supabase, store).written == 2
    assert playlist_names(store) == {anna: [], ben: ["Monday"]}


def test_a_new_name_of_the_user_arrives(supabase: Connection, store: HistoryStore) -> None:
    user = add_user(supabase)
    add_playlist(supabase, user)
    sync_profiles(supabase, store)
    supabase.execute("update public.users set username = 'anne', email = 'anne@example.org'")
    assert sync_profiles(supabase, store).written == 1
    assert contents(store.user_profiles)[user]["user"] == {"username": "anne"}
    supabase.execute("update public.users set email = 'a@example.org'")
    assert sync_profiles(supabase, store) == ProfileCounts()


@contextmanager
def acting_as(
    role: str, server: OwnedPostgres, supabase: Connection, claims: dict[str, str] | None = None
) -> Iterator[Connection]:
    """A transaction with the rights of a role, and with what Supabase says of who is signed in."""
    address = server.uri_of(SUPERUSER, server.password, supabase.info.dbname)
    with connect(address) as connection, connection.transaction():
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        connection.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps(claims or {})])
        yield connection


@pytest.mark.parametrize("role", [OWNER, "service_role"])
def test_linking_a_user_to_their_history_moves_the_document_to_the_new_id(
    supabase: Connection, postgres_server: OwnedPostgres, store: HistoryStore, role: str
) -> None:
    old = add_user(supabase)
    add_playlist(supabase, old)
    set_preferences(supabase, old)
    sync_profiles(supabase, store)
    with acting_as(role, postgres_server, supabase) as application:
        application.execute("update public.users set spotify_user_id = 'anna.s'")
    assert sync_profiles(supabase, store) == ProfileCounts(read=2, written=1, deleted=1)
    assert set(contents(store.user_profiles)) == {row_id("user", "anna.s")}
    assert proved(supabase, store)


def test_a_signed_in_user_changes_a_profile_without_rights_on_the_private_schema(
    supabase: Connection, postgres_server: OwnedPostgres, store: HistoryStore
) -> None:
    signed_in = uuid4()
    user = add_user(supabase, auth_user_id=signed_in)
    claims = {"sub": str(signed_in), "role": "authenticated"}

    def act(statement: LiteralString) -> None:
        with acting_as("authenticated", postgres_server, supabase, claims) as application:
            application.execute(statement, {"user": user})

    act("insert into public.playlists (user_id, name) values (%(user)s, 'Mine')")
    assert sync_profiles(supabase, store).written == 1
    act("update public.playlists set name = 'Ours'")
    assert sync_profiles(supabase, store).written == 1
    assert playlist_names(store) == {user: ["Ours"]}
    act("delete from public.playlists")
    assert sync_profiles(supabase, store).deleted == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        act("select echotune.mark_profiles(array[%(user)s::uuid])")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        act("update echotune.profile_changes set synced_version = 99")


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


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (f'{{"limit": {LARGEST + 1}}}', "preferences.recommendation_settings.limit is a number beyond"),
        (f'{{"limit": {-LARGEST - 2}}}', "preferences.recommendation_settings.limit is a number beyond"),
        ("[0, 1" + "0" * 5000 + "]", "preferences.recommendation_settings.1 is a number beyond"),
        ("[1" + "0" * 400 + ".5]", "preferences.recommendation_settings.0 is a number beyond"),
        ("[" * 99 + "]" * 99, "preferences.recommendation_settings is nested deeper than 100"),
        ("[" * 3000 + "]" * 3000, "preferences is nested deeper than 100"),
        (f'["{"x" * 17_000_000}"]', "profile is larger than the 16 MiB"),
        (f"[1{',1' * 1_500_000}]", "profile is larger than the 16 MiB"),
    ],
    ids=["over 64 bits", "under 64 bits", "digits", "double", "level 101", "level 3000", "text", "document"],
)
def test_a_value_that_mongodb_cannot_hold_is_rejected_and_others_go_on(
    supabase: Connection, store: HistoryStore, written: str, reason: str
) -> None:
    users = sorted(add_user(supabase, username=name) for name in ("anna", "ben", "cleo"))
    for user in users:
        set_preferences(supabase, user, settings={"limit": LARGEST})
    sync_profiles(supabase, store)
    before = contents(store.user_profiles)
    unfit = "update public.user_preferences set recommendation_settings = %s::jsonb where user_id = %s"
    supabase.execute(unfit, [written, users[1]])
    for user in (users[0], users[2]):
        add_playlist(supabase, user)
    assert sync_profiles(supabase, store) == ProfileCounts(read=3, written=2, rejected=1)
    assert contents(store.user_profiles)[users[1]] == before[users[1]]
    assert list(rejections(supabase)) == [users[1]]
    assert rejections(supabase)[users[1]].startswith(reason)
    assert sync_profiles(supabase, store) == ProfileCounts(), "it is not tried again before it changes"
    assert proved(supabase, store)
    set_preferences(supabase, users[1], settings={"limit": 1})
    assert sync_profiles(supabase, store).written == 1
    assert rejections(supabase) == {}


@pytest.mark.parametrize("time", ["infinity", "0044-03-15 12:00 BC", "12000-01-01"])
def test_a_time_that_mongodb_cannot_hold_is_rejected(supabase: Connection, store: HistoryStore, time: str) -> None:
    user = add_user(supabase)
    supabase.execute("insert into public.playlists (user_id, name, created_at) values (%s, 'Old', %s)", [user, time])
    assert sync_profiles(supabase, store).rejected == 1
    assert "not a time in the years 1 to 9999" in rejections(supabase)[user]
    supabase.execute("delete from public.users")
    assert sync_profiles(supabase, store) == ProfileCounts(read=1)
    assert rejections(supabase) == {}


def test_a_full_refresh_puts_right_what_somebody_changed_in_mongodb(supabase: Connection, store: HistoryStore) -> None:
    users = [add_user(supabase, username=name) for name in ("anna", "ben", "cleo", "without a profile")]
    for user in users[:3]:
        add_playlist(supabase, user)
    sync_profiles(supabase, store)
    before = contents(store.user_profiles, without=("updated_at",))
    store.user_profiles.delete_one({"_id": users[0]})
    store.user_profiles.update_one({"_id": users[1]}, {"$set": {"playlists.0.name": "Changed"}})
    store.user_profiles.insert_many([{"_id": uuid4()}, {"_id": "stranger"}, {"_id": users[3]}])
    assert sync_profiles(supabase, store) == ProfileCounts()
    with pytest.raises(NotReconciled) as failure:
        require_equal(verify_profiles(supabase, store))
    assert "expected 3, found 1" in str(failure.value)
    assert "of users without a profile: expected 0, found 1" in str(failure.value)
    assert "of no user: expected 0, found 2" in str(failure.value)
    found = sync_profiles(supabase, store, full_refresh=True)
    assert found == ProfileCounts(read=4, written=2, unchanged=1, deleted=3)
    assert contents(store.user_profiles, without=("updated_at",)) == before
    assert proved(supabase, store)


def test_a_full_refresh_finds_what_no_trigger_counted(supabase: Connection, store: HistoryStore) -> None:
    user = add_user(supabase)
    supabase.execute("alter table public.playlists disable trigger user")
    add_playlist(supabase, user)
    assert sync_profiles(supabase, store) == ProfileCounts()
    assert [check.passed for check in verify_profiles(supabase, store)] == [False, True, True]
    assert sync_profiles(supabase, store, full_refresh=True).written == 1
    assert proved(supabase, store)


def test_many_profiles_arrive_in_batches(
    supabase: Connection, store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    supabase.execute(
        "insert into public.users (username) select 'user ' || number from generate_series(1, 1201) number"
    )
    supabase.execute("insert into public.playlists (user_id, name) select id, username from public.users")
    # Text ends a batch as well as a number of users, and a user alone makes one.
    monkeypatch.setattr(profile_reader, "TEXT_A_BATCH", 4000)
    big = "update public.playlists set description = repeat('x', 3000) where name in ('user 7', 'user 8', 'user 9')"
    supabase.execute(big)
    assert sync_profiles(supabase, store) == ProfileCounts(read=1201, written=1201)
    names = {name for names in playlist_names(store).values() for name in names}
    assert names == {f"user {number}" for number in range(1, 1202)}
    assert proved(supabase, store)


def test_a_member_of_the_syncs_role_has_all_the_rights_it_needs(
    supabase: Connection, postgres_server: OwnedPostgres, store: HistoryStore
) -> None:
    add_playlist(supabase, add_user(supabase))
    login, password = f"least_{uuid4().hex}", new_password()
    postgres_server.add_role(login, password)
    postgres_server.grant("echotune_sync", login)
    with connect(postgres_server.uri_of(login, password, supabase.info.dbname)) as least:
        assert sync_profiles(least, store, full_refresh=True).written == 1
        assert proved(least, store)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST - 1, LARGEST)
    | st.floats(-1e15, 1e15, allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(value=JSON.filter(lambda value: value is not None))
@settings(max_examples=40)
def test_what_applications_write_arrives_as_it_is(supabase: Connection, store: HistoryStore, value: Any) -> None:
    supabase.execute("delete from public.users")
    user = add_user(supabase)
    set_preferences(supabase, user, settings=value)
    assert sync_profiles(supabase, store).written == 1
    assert contents(store.user_profiles)[user]["preferences"]["recommendation_settings"] == value
    assert proved(supabase, store)
