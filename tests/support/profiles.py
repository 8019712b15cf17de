"""Users with preferences and playlists in PostgreSQL, and what came of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from echotune.history.store import HistoryStore
from echotune.reconciliation import require_equal
from echotune.sync.profile_checks import verify_profiles
from tests.support.databases import contents
from tests.support.supabase import Connection


def add_user(supabase: Connection, **columns: Any) -> UUID:
    """Add a user, and return their id."""
    columns = {"username": "anna", "spotify_user_id": None, "auth_user_id": None} | columns
    row = supabase.execute(
        "insert into public.users (username, spotify_user_id, auth_user_id) "
        "values (%(username)s, %(spotify_user_id)s, %(auth_user_id)s) returning id",
        columns,
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def add_playlist(supabase: Connection, user: UUID, name: str = "Monday") -> UUID:
    """Add a playlist of a user, and return its id."""
    row = supabase.execute(
        "insert into public.playlists (user_id, name) values (%s, %s) returning id", [user, name]
    ).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def set_preferences(supabase: Connection, user: UUID, *, settings: Any = None, genres: list[str] | None = None) -> None:
    """Write a user's preferences, new or other ones."""
    supabase.execute(
        "insert into public.user_preferences (user_id, preferred_genres, recommendation_settings) values (%s, %s, %s) "
        "on conflict (user_id) do update set preferred_genres = excluded.preferred_genres, "
        "recommendation_settings = excluded.recommendation_settings",
        [user, genres or [], Jsonb(settings if settings is not None else {})],
    )


def versions(supabase: Connection) -> dict[UUID, tuple[int, int]]:
    """How often each user's profile changed, and up to which change it was brought to MongoDB."""
    rows = supabase.execute("select user_id, version, synced_version from echotune.profile_changes")
    return {user: (version, synced) for user, version, synced in rows}


def playlist_names(store: HistoryStore) -> dict[UUID, list[str]]:
    """The names of each user's playlists in MongoDB."""
    documents = contents(store.user_profiles)
    return {
        user: [playlist["name"] for playlist in document.get("playlists", [])] for user, document in documents.items()
    }


def proved(supabase: Connection, store: HistoryStore) -> bool:
    """Whether both sides are equal; raises where they are not."""
    require_equal(verify_profiles(supabase, store))
    return True
