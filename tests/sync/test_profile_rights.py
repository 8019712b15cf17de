"""Who may change a profile, and who may bring it to MongoDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from echotune.history.store import HistoryStore
from echotune.sync.profiles import ProfileCounts, sync_profiles
from echotune.sync.row_ids import row_id
from local.servers.base import new_password
from local.servers.postgres import SUPERUSER
from tests.support.databases import contents
from tests.support.profiles import add_playlist, add_user, playlist_names, proved, set_preferences
from tests.support.supabase import OWNER, Connection, OwnedPostgres, connect


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
