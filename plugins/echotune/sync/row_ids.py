"""The ids of synced rows: computed from what they are called, the same in Python and in SQL (echotune.row_id)."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha256
from uuid import UUID

VERSION_AND_VARIANT = 0xF000 << 64 | 0xC000 << 48
VERSION_8 = 0x8000 << 64 | 0x8000 << 48


class Kind(StrEnum):
    """What is identified."""

    USER = "user"
    ARTIST = "artist"
    ALBUM = "album"
    TRACK = "track"
    PLAYLIST = "playlist"


def row_id(kind: str, key: str) -> UUID:
    """Return the UUID, of version 8 (RFC 9562), that a row has everywhere.

    :param kind: one of :class:`Kind`
    :param key: a user name, a Spotify id, or MongoDB's ``_id`` of something of which only the name is known
    """
    digest = sha256(f"{kind}:{key}".encode()).digest()
    return UUID(int=int.from_bytes(digest[:16]) & ~VERSION_AND_VARIANT | VERSION_8)
