"""A listener's playlists into PostgreSQL: rows that say the same stay untouched, applications' own rows too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from echotune.enrichment.plain_text import storable
from echotune.resources import read_sql
from echotune.spotify_account.client import Account
from echotune.sync.row_ids import Kind, row_id
from echotune.sync.transaction import sync_transaction


@dataclass(frozen=True, kw_only=True)
class Playlist:
    """What is kept of a playlist."""

    spotify_id: str
    name: str
    description: str | None
    public: bool


@dataclass(frozen=True, kw_only=True)
class PlaylistCounts:
    """What became of a listener's playlists.

    :param told: playlists that Spotify told, each once
    :param inserted: rows that are new
    :param updated: rows that say something else now
    :param gone: playlists in PostgreSQL that Spotify no longer tells; their rows stay
    :param unreadable: items that are no playlists
    """

    told: int
    inserted: int
    updated: int
    gone: int
    unreadable: int

    def as_result(self, username: str) -> dict[str, Any]:
        """What a task returns of it."""
        return {"username": username, "counts": asdict(self)}


def sync_playlists(connection: Connection[Any], account: Account) -> PlaylistCounts:
    """Bring an account's playlists. Safe to stop and to start again at any point.

    :raises AccountError, AccountUnavailable, Postponed: Spotify did not tell all of them; nothing was written
    """
    # All are told before anything is written: no transaction waits for Spotify.
    read = [read_playlist(item) for item in account.playlists()]
    playlists = {found.spotify_id: found for found in read if found is not None}
    return write_playlists(connection, account.username, playlists.values(), unreadable=read.count(None))


def read_playlist(item: Any) -> Playlist | None:
    """A playlist as Spotify tells it; None for what is none, such as the nulls that it lists now and then."""
    if not isinstance(item, Mapping) or not isinstance(item.get("id"), str) or not isinstance(item.get("name"), str):
        return None
    description = item.get("description")
    return Playlist(
        spotify_id=storable(item["id"]),
        name=storable(item["name"]),
        description=storable(description) if isinstance(description, str) and description else None,
        # Null is what Spotify says where it does not tell: nobody may be shown it then.
        public=item.get("public") is True,
    )


def write_playlists(
    connection: Connection[Any], username: str, playlists: Iterable[Playlist], *, unreadable: int = 0
) -> PlaylistCounts:
    """Write a listener's playlists in one transaction; make their user where there is none."""
    told = list(playlists)
    user_id = row_id(Kind.USER, username)
    values = {
        "user_id": user_id,
        "username": username,
        "ids": [playlist_row_id(username, playlist.spotify_id) for playlist in told],
        "spotify_ids": [playlist.spotify_id for playlist in told],
        "names": [playlist.name for playlist in told],
        "descriptions": [playlist.description for playlist in told],
        "public": [playlist.public for playlist in told],
    }
    with sync_transaction(connection):
        connection.execute(read_sql("playlists/make_user.sql"), values)
        updated = connection.execute(read_sql("playlists/update.sql"), values).rowcount
        inserted = connection.execute(read_sql("playlists/insert.sql"), values).rowcount
        gone = connection.execute(read_sql("playlists/count_gone.sql"), values).fetchone()
    return PlaylistCounts(
        told=len(told), inserted=inserted, updated=updated, gone=gone[0] if gone else 0, unreadable=unreadable
    )


def playlist_row_id(username: str, spotify_id: str) -> UUID:
    """The id of a playlist's row: several listeners may have the same playlist."""
    return row_id(Kind.PLAYLIST, f"{username}/{spotify_id}")
