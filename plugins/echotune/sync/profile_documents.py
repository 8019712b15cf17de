"""A user's profile: their preferences and playlists, as the document that MongoDB has of them.

These are the rules for what applications write:

- What is null is absent. Inside the weights and settings everything stays as it is, nulls too.
- A whole number stays one, a number with a point becomes a double. One beyond 64 bits, or beyond a double, is unfit.
- Times keep their milliseconds. One outside the years 1 to 9999 is unfit.
- A profile of more than 16 MiB, as text or as document, or nested deeper than 100 levels, is unfit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions

from echotune.sync.errors import UnfitValue

LARGEST_PROFILE = 16 * 2**20 - 64
"""Bytes of a document that MongoDB takes, with room for the time of writing."""

DEEPEST = 100
"""Levels of nesting that MongoDB promises to take."""

LARGEST_INTEGER = 2**63 - 1
LONGEST_INTEGER = len(str(-LARGEST_INTEGER))

OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD, tz_aware=True)

Document = dict[str, Any]


def profile_document(user: UUID, profile: str | None) -> bytes:
    """Return the BSON of a profile, all but the time it is written.

    :param profile: the profile as sql/profiles/profiles.sql tells it; None where it is too large
    :raises UnfitValue: MongoDB cannot hold it
    """
    if profile is None:
        raise _too_large()
    told = _parse(profile)
    document: Document = {"_id": user, "user": _present(told["user"])}
    if told["preferences"]:
        document["preferences"] = _preferences(told["preferences"])
    if told["playlists"]:
        document["playlists"] = [
            _playlist(f"playlists.{position}", playlist) for position, playlist in enumerate(told["playlists"])
        ]
    _check("preferences", document.get("preferences"), level=2)
    encoded = bson.encode(document, codec_options=OPTIONS)
    if len(encoded) > LARGEST_PROFILE:
        raise _too_large()
    return encoded


def _parse(profile: str) -> Document:
    try:
        parsed: Document = json.loads(profile, parse_int=_whole_number)
    except RecursionError:
        raise _too_deep("preferences") from None
    return parsed


def _whole_number(digits: str) -> int | float:
    """A whole number that MongoDB can hold, or infinity, which is refused together with its field's name."""
    if len(digits) > LONGEST_INTEGER:
        return math.inf
    number = int(digits)
    return number if -LARGEST_INTEGER - 1 <= number <= LARGEST_INTEGER else math.inf


def _present(section: Mapping[str, Any]) -> Document:
    return {name: value for name, value in section.items() if value is not None}


def _preferences(told: Mapping[str, Any]) -> Document:
    genres = [genre for genre in told["genres"] if genre is not None]
    updated_at = _time("preferences.updated_at", told["updated_at"])
    return _present({**told, "genres": genres, "updated_at": updated_at})


def _playlist(field: str, told: Mapping[str, Any]) -> Document:
    times = {name: _time(f"{field}.{name}", told[name]) for name in ("created_at", "updated_at")}
    return _present({**told, "id": UUID(told["id"]), **times})


def _time(field: str, told: str) -> datetime:
    try:
        return datetime.fromisoformat(told).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnfitValue(field=field, reason=f"is {told}, not a time in the years 1 to 9999") from None


def _check(field: str, value: Any, *, level: int) -> None:
    """:raises UnfitValue: naming the first value below that MongoDB cannot hold"""
    if isinstance(value, float) and not math.isfinite(value):
        raise UnfitValue(field=field, reason="is a number beyond what MongoDB holds")
    if not isinstance(value, Mapping | list):
        return
    if level > DEEPEST:
        raise _too_deep(field)
    for name, inner in _members(value):
        if isinstance(inner, float | Mapping | list):
            _check(f"{field}.{name}", inner, level=level + 1)


def _members(value: Mapping[str, Any] | list[Any]) -> Iterator[tuple[str | int, Any]]:
    return iter(value.items()) if isinstance(value, Mapping) else enumerate(value)


def _too_large() -> UnfitValue:
    return UnfitValue(field="profile", reason="is larger than the 16 MiB of a document")


def _too_deep(field: str) -> UnfitValue:
    # The path of a hundred names would hide the reason.
    section = ".".join(field.split(".")[:2])
    return UnfitValue(field=section, reason=f"is nested deeper than {DEEPEST} levels")
