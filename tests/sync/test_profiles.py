"""Preferences and playlists on their way to MongoDB."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from echotune.history.store import HistoryStore
from echotune.reconciliation import NotReconciled, require_equal
from echotune.sync import profile_reader
from echotune.sync.profile_checks import verify_profiles
from echotune.sync.profiles import ProfileCounts, sync_profiles
from echotune.sync.row_ids import row_id
from tests.support.databases import contents
from tests.support.profiles import add_playlist, add_user, playlist_names, proved, set_preferences, versions
from tests.support.supabase import Connection

LARGEST = 2**63 - 1


def rejections(supabase: Connection) -> dict[UUID, str]:
    found = supabase.execute(
        "select row_id, reason from echotune.rejected_documents where table_name = 'user_profiles'"
    )
    return dict(found.fetchall())


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
