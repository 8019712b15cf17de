"""The shape of a play: from an item of Spotify's recently played to its MongoDB document.

Spotify says what was played and when, in milliseconds, but not for how long, on which device and why it ended.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from echotune.enrichment.plain_text import storable
from echotune.history.document import Document
from echotune.history.duplicates import RECENTLY_PLAYED
from echotune.history.errors import CellError
from echotune.history.identity import play_id
from echotune.history.values import LARGEST_INTEGER, parse_instant

FORMAT = RECENTLY_PLAYED
"""Also part of the identity of such plays: it never changes."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def source_sha256(username: str) -> str:
    """What stands in the place of a file's SHA-256: one source a listener."""
    return hashlib.sha256(f"{FORMAT}\0{username}".encode()).hexdigest()


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - EPOCH) // MILLISECOND


def shape_play(item: Any, username: str, now: datetime) -> Document:
    """Return the document of an item.

    :param now: the time written as created_at and updated_at
    :raises CellError: it does not say what was played, or when
    """
    track, uri, played_at = _required(item)
    played = milliseconds(played_at)
    return _without_empty(
        {
            "_id": play_id((FORMAT, uri, str(played), username)),
            "spotify_track_uri": uri,
            "timestamp": played_at,
            "user": {"username": username},
            "track": {
                "name": _text(track.get("name")),
                "artist": _first_name(track.get("artists")),
                "album": _text(_object(track.get("album")).get("name")),
                "duration_ms": _duration(track.get("duration_ms")),
            },
            "listening": {"context_uri": _text(_object(item.get("context")).get("uri"))},
            "metadata": {
                "explicit": track.get("explicit") if isinstance(track.get("explicit"), bool) else None,
                "isrc": _text(_object(track.get("external_ids")).get("isrc")),
            },
            "source": {"format": FORMAT, "file": FORMAT, "sha256": source_sha256(username), "row": played},
            "created_at": now,
            "updated_at": now,
        }
    )


def _required(item: Any) -> tuple[Mapping[str, Any], str, datetime]:
    """What a play cannot be without: its track, the track's uri, its time."""
    found = _object(item)
    track = _object(found.get("track"))
    uri, written = _text(track.get("uri")), _text(found.get("played_at"))
    if uri is None:
        raise CellError(column="track", reason="has no uri")
    if written is None:
        raise CellError(column="played_at", reason="is empty")
    try:
        return track, uri, parse_instant(written)
    except ValueError as error:
        raise CellError(column="played_at", reason=str(error)) from None


def _object(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _text(found: Any) -> str | None:
    return storable(found) if isinstance(found, str) and found else None


def _first_name(artists: Any) -> str | None:
    return _text(_object(artists[0]).get("name")) if isinstance(artists, list) and artists else None


def _duration(found: Any) -> int | None:
    return found if type(found) is int and 0 < found <= LARGEST_INTEGER else None


def _without_empty(document: Document) -> Document:
    """A value that is missing is an absent field, and so is a section without one."""
    kept: Document = {}
    for name, value in document.items():
        inner = _without_empty(value) if isinstance(value, dict) else value
        if inner is not None and inner != {}:
            kept[name] = inner
    return kept
