"""From a document to the rows of each table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any
from uuid import UUID

from echotune.sync.columns import Document, Row
from echotune.sync.fields import (
    ALBUM_FIELDS,
    ARTIST_FIELDS,
    FEATURE_FIELDS,
    MS_PLAYED,
    PLAY_DETAILS,
    PLAY_FIELDS,
    TRACK_FIELDS,
    Place,
    places_of,
)
from echotune.sync.row_ids import Kind, row_id
from echotune.sync.values import (
    key,
    required,
    section,
    text,
    texts,
    time_of_play,
    unfit,
)

KNOWN_BY_NAME = "name:"
"""How an ``_id`` begins of which no Spotify id is known."""

URI = re.compile(r"spotify:(track|artist|album):([0-9A-Za-z]{22})")
URIS_KEPT = 32_768
"""Uris whose ids are kept computed: a history names the same tracks, albums and artists again and again."""
USERS_KEPT = 1_000

ARTIST_PLACES, ALBUM_PLACES, TRACK_PLACES = places_of(ARTIST_FIELDS), places_of(ALBUM_FIELDS), places_of(TRACK_FIELDS)
FEATURE_PLACES, DETAIL_PLACES = places_of(FEATURE_FIELDS), places_of(PLAY_DETAILS)

PLAY_CELLS = ("timestamp", "user.username", "spotify_track_uri", *(part.path for part in PLAY_FIELDS))
PLAY_SECTIONS = tuple(dict.fromkeys(path.partition(".")[0] for path in PLAY_CELLS if "." in path))
PLAY_PROJECTION: Mapping[str, Any] = {
    "updated_at": 1,
    "duplicate_of": 1,
    # A list of values takes half the time to read of an object in objects.
    "cells": [f"${path}" for path in PLAY_CELLS],
    "wrong_sections": {
        "$cond": [
            {"$and": [{"$in": [{"$type": f"${name}"}, ["object", "missing", "null"]]} for name in PLAY_SECTIONS]},
            "$$REMOVE",
            {name: f"${name}" for name in PLAY_SECTIONS},
        ]
    },
}

required_key = required(key)


def user_rows(document: Document) -> Sequence[Row]:
    """The user of a name in the plays."""
    username = required_key("user.username", document["_id"])
    return ((_user_id(username), username, username),)


def artist_rows(document: Document) -> Sequence[Row]:
    """The artist of a document."""
    identity, spotify_id = identified(Kind.ARTIST, document)
    return ((identity, spotify_id, *_values(ARTIST_PLACES, document)),)


def album_rows(document: Document) -> Sequence[Row]:
    """The album of a document, and what is known of its artist for a placeholder."""
    identity, spotify_id = identified(Kind.ALBUM, document)
    values = _values(ALBUM_PLACES, document)
    artist_id, artist_spotify_id, artist_name = next(iter(credits(document)), (None, None, None))
    return ((identity, spotify_id, *values, artist_id, artist_spotify_id, artist_name),)


def track_rows(document: Document) -> Sequence[Row]:
    """The track of a document, and what is known of its album for a placeholder."""
    identity, spotify_id = identified(Kind.TRACK, document)
    return ((identity, spotify_id, *_values(TRACK_PLACES, document), *_album_of(document)),)


def track_artist_rows(document: Document) -> Sequence[Row]:
    """The artists of a track in their order, and what is known of them and the track for placeholders."""
    track_id, track_spotify_id = identified(Kind.TRACK, document)
    track_name = text("name", document.get("name"))
    return [
        (track_id, artist_id, position, track_spotify_id, track_name, artist_spotify_id, artist_name)
        for position, (artist_id, artist_spotify_id, artist_name) in enumerate(credits(document))
    ]


def audio_feature_rows(document: Document) -> Sequence[Row]:
    """How a track sounds, where anything of it is known."""
    features = section("audio_features", document.get("audio_features"))
    values = _values(FEATURE_PLACES, features)
    if values.count(None) == len(values):
        return ()
    track_id, spotify_id = identified(Kind.TRACK, document)
    states = section("enrichment", document.get("enrichment"))
    state = section("enrichment.audio_features", states.get("audio_features"))
    provider = text("enrichment.audio_features.provider", state.get("provider"))
    return ((track_id, *values, provider, spotify_id, text("name", document.get("name"))),)


def play_rows(document: Document) -> Sequence[Row]:
    """The play of a document, and what is known of its user and track for placeholders; none of a duplicate."""
    if "duplicate_of" in document:
        return ()
    if "wrong_sections" in document:
        _refuse_sections(document["wrong_sections"])
    played_at, username, uri, ms_played, *details = document["cells"]
    identity = document["_id"]
    if type(identity) is not UUID:
        raise unfit("_id", identity, "a UUID")
    username = required_key("user.username", username)
    track_id, spotify_id = named_by(Kind.TRACK, uri if type(uri) is str else text("spotify_track_uri", uri))
    return (
        (
            identity,
            time_of_play("timestamp", played_at),
            _user_id(username),
            track_id,
            MS_PLAYED.read(MS_PLAYED.path, ms_played),
            *[
                None if cell is None else read(path, cell)
                for (_, path, read), cell in zip(DETAIL_PLACES, details, strict=True)
            ],
            username,
            spotify_id,
        ),
    )


def _refuse_sections(sections: Mapping[str, Any]) -> None:
    for name, value in sections.items():
        section(name, value)


def identified(kind: Kind, document: Document) -> tuple[UUID, str | None]:
    """The id of a catalog document's row, and its Spotify id where it has one."""
    name = document["_id"]
    if not isinstance(name, str) or not name:
        raise unfit("_id", name, "a text")
    name = text("_id", name) or ""
    return row_id(kind, name), None if name.startswith(KNOWN_BY_NAME) else key("_id", name)


Credit = tuple[UUID, str | None, str | None]
"""An artist's id, Spotify id and name."""


def credits(document: Document) -> list[Credit]:
    """The artists that a track or album names, each once; by uri, or else the one of whom only the name is known."""
    uris = texts("artist_uris", document.get("artist_uris")) or []
    names = texts("artist_names", document.get("artist_names")) or []
    found: dict[UUID, Credit] = {}
    for uri, name in zip_longest(uris, names):
        identity, spotify_id = named_by(Kind.ARTIST, uri)
        if identity:
            found.setdefault(identity, (identity, spotify_id, name))
    artist = text("artist", document.get("artist"))
    if not found and artist:
        identity = row_id(Kind.ARTIST, f"{KNOWN_BY_NAME}{artist}")
        return [(identity, None, artist)]
    return list(found.values())


@lru_cache(maxsize=URIS_KEPT)
def named_by(kind: str, uri: str | None) -> tuple[UUID, str] | tuple[None, None]:
    """The row's id and the Spotify id of what a uri names; a local file or an episode has neither."""
    match = URI.fullmatch(uri or "")
    if not match or match[1] != kind:
        return None, None
    return row_id(kind, match[2]), match[2]


@lru_cache(maxsize=USERS_KEPT)
def _user_id(username: str) -> UUID:
    return row_id(Kind.USER, username)


def _album_of(document: Document) -> tuple[UUID | None, str | None]:
    identity, spotify_id = named_by(Kind.ALBUM, text("album_uri", document.get("album_uri")))
    if identity:
        return identity, spotify_id
    artist, album = text("artist", document.get("artist")), text("album", document.get("album"))
    if artist and album:
        return row_id(Kind.ALBUM, f"{KNOWN_BY_NAME}{artist}\n{album}"), None
    return None, None


def _values(places: Iterable[Place], within: Mapping[str, Any]) -> list[Any]:
    """Read fields from the object that holds them."""
    get = within.get
    return [None if (value := get(name)) is None else read(path, value) for name, path, read in places]
