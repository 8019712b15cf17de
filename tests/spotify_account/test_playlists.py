"""Playlists into PostgreSQL: written where they differ, and nobody else's touched."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from echotune.history.store import HistoryStore
from echotune.spotify_account.client import Account
from echotune.spotify_account.errors import AccountUnavailable
from echotune.spotify_account.playlists import PlaylistCounts, read_playlist, sync_playlists
from echotune.spotify_account.progress import newest_known, playlists_due, remember_playlists
from echotune.spotify_account.tokens import AccountAuthorization
from local.servers.simulator import SpotifySimulator
from tests.support.accounts import QUICK, Kept, gate, open_account, refresh_token_of
from tests.support.http_server import raw_server, replies, reply

Connection = psycopg.Connection[Any]
ROWS = "select spotify_playlist_id, name, description, public from public.playlists order by spotify_playlist_id"


def playlist(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"list{number:03d}", "name": f"List {number}", "description": "", "public": True} | more


def test_playlists_without_an_end_are_an_answer_that_makes_no_sense() -> None:
    with raw_server() as server:
        tokens = reply(body=b'{"access_token": "a", "expires_in": 3600}')
        server.answer = replies(tokens, reply(body=json.dumps({"items": [playlist(1)] * 50}).encode()))
        authorization = AccountAuthorization(client_id="id", accounts_url=server.url + "/api/token", bounds=QUICK)
        account = Account("anna", authorization, "old", keep=str, gate=gate(), api_url=server.url + "/v1", bounds=QUICK)
        with pytest.raises(AccountUnavailable, match="anna: Spotify tells of playlists without an end"):
            list(account.playlists())


def test_half_a_character_is_replaced() -> None:
    found = read_playlist(playlist(1, name="a\ud800b", description="\0"))
    assert found is not None
    assert (found.name, found.description) == ("a\ufffdb", "\ufffd")


@pytest.fixture
def anna(simulator: SpotifySimulator) -> Kept:
    return Kept(refresh_token_of(simulator, "anna"))


def bring(connection: Connection, simulator: SpotifySimulator, kept: Kept, username: str = "anna") -> PlaylistCounts:
    return sync_playlists(connection, open_account(simulator, username, kept))


def test_playlists_of_all_pages_become_rows_of_the_listener(
    supabase: Connection, simulator: SpotifySimulator, anna: Kept
) -> None:
    simulator.control.set_playlists("anna", [playlist(number) for number in range(120)])
    counts = bring(supabase, simulator, anna)
    assert counts == PlaylistCounts(told=120, inserted=120, updated=0, gone=0, unreadable=0)
    owners = supabase.execute(
        "select distinct users.spotify_user_id, users.username, users.id = echotune.row_id('user', 'anna')"
        " from public.playlists join public.users on users.id = playlists.user_id"
    ).fetchall()
    assert owners == [("anna", "anna", True)]


def test_only_what_differs_is_written(supabase: Connection, simulator: SpotifySimulator, anna: Kept) -> None:
    simulator.control.set_playlists("anna", [playlist(1), playlist(2, description="Old"), playlist(3)])
    bring(supabase, simulator, anna)
    before = dict(supabase.execute("select spotify_playlist_id, xmin::text from public.playlists").fetchall())
    assert bring(supabase, simulator, anna).updated == 0
    told = [playlist(1), playlist(2, description="New", public=None), playlist(4, name="It's\0")]
    simulator.control.set_playlists("anna", told)
    assert bring(supabase, simulator, anna) == PlaylistCounts(told=3, inserted=1, updated=1, gone=1, unreadable=0)
    assert supabase.execute(ROWS).fetchall() == [
        ("list001", "List 1", None, True),
        ("list002", "List 2", "New", False),
        ("list003", "List 3", None, True),
        ("list004", "It's\ufffd", None, True),
    ]
    after = dict(supabase.execute("select spotify_playlist_id, xmin::text from public.playlists").fetchall())
    assert {name for name in before if before[name] != after[name]} == {"list002"}


def test_rows_of_applications_stay_as_they_are(supabase: Connection, simulator: SpotifySimulator, anna: Kept) -> None:
    supabase.execute("insert into public.users (spotify_user_id, username) values ('anna', 'Anna Livia')")
    supabase.execute(
        "insert into public.playlists (user_id, spotify_playlist_id, name) values"
        " (echotune.row_id('user', 'anna'), null, 'Mine'), (echotune.row_id('user', 'anna'), 'list001', 'List 1')"
    )
    simulator.control.set_playlists("anna", [playlist(1), playlist(2)])
    counts = bring(supabase, simulator, anna)
    assert (counts.inserted, counts.updated) == (1, 1)
    assert supabase.execute(ROWS).fetchall() == [
        ("list001", "List 1", None, True),
        ("list002", "List 2", None, True),
        (None, "Mine", None, False),
    ]
    assert supabase.execute("select username from public.users").fetchall() == [("Anna Livia",)]


def test_two_listeners_may_have_the_same_playlist(
    supabase: Connection, simulator: SpotifySimulator, anna: Kept
) -> None:
    bert = Kept(refresh_token_of(simulator, "bert"))
    for username, kept in (("anna", anna), ("bert", bert)):
        simulator.control.set_playlists(username, [playlist(1)])
        assert bring(supabase, simulator, kept, username).inserted == 1


def test_playlists_make_the_profile_due_on_its_way_to_mongodb(
    supabase: Connection, simulator: SpotifySimulator, anna: Kept
) -> None:
    simulator.control.set_playlists("anna", [playlist(1)])
    for expected in (1, 1):
        bring(supabase, simulator, anna)
        assert supabase.execute("select version from echotune.profile_changes").fetchall() == [(expected,)]


def test_playlists_are_due_once_a_day(store: HistoryStore) -> None:
    assert playlists_due(store, "anna", 24)
    remember_playlists(store, "anna")
    assert not playlists_due(store, "anna", 24)
    assert (playlists_due(store, "anna", 0), playlists_due(store, "bert", 24)) == (True, True)
    yesterday = datetime.now(UTC) - timedelta(hours=23, minutes=50)
    store.load_runs.update_many({}, {"$set": {"playlists_at": yesterday}})
    assert playlists_due(store, "anna", 24)
    assert newest_known(store, "anna") is None


def test_what_is_no_playlist_is_counted_and_left_out() -> None:
    items: list[Any] = [None, [], {}, {"id": 1, "name": "a"}, {"id": "a", "name": None}]
    assert [read_playlist(item) for item in items] == [None] * len(items)
