"""Spotify's objects of tracks, artists and albums, as the fields of MongoDB.

A value that is absent, null, empty or Spotify's sign for unknown is an absent field. One that is wrong makes the whole
entry wrong, because what else is in it cannot be trusted either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from echotune.enrichment.errors import EntryError
from echotune.enrichment.plain_text import UNFIT, excerpt
from echotune.enrichment.providers.base import Values

LONGEST_TEXT = 1000
LONGEST_ADDRESS = 2000
MOST_PARTS = 1000
LARGEST_NUMBER = 2**31 - 1
HIGHEST_POPULARITY = 100
DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
UNKNOWN_YEAR = "0000"
ID = re.compile(r"[0-9A-Za-z]{1,64}")

Entry = Mapping[str, Any]


def answers_for(entry: Entry, asked: str) -> bool:
    """Whether an entry is what was asked for: by its id, or by the id it says it was linked from."""
    origin = entry.get("linked_from")
    return entry.get("id") == asked or (isinstance(origin, Mapping) and origin.get("id") == asked)


def read_track(entry: Entry) -> Values:
    """Return what a track's object says of it.

    ``artist`` is the album's first artist, as in the exports.

    :raises EntryError: a field that is there is wrong
    """
    album = _part(entry, "album")
    artists, album_artists = _credits(entry, "artists"), _credits(album, "artists")
    return _present(
        _about(entry, "track"),
        {
            "artist": next((name for _, name in album_artists), None),
            "album": _text(album, "name"),
            "album_uri": _uri(album, "album"),
            "artist_uris": [uri for uri, _ in artists],
            "artist_names": [name for _, name in artists],
            "album_artist_uris": [uri for uri, _ in album_artists],
            "album_artist_names": [name for _, name in album_artists],
            # A track that was taken away keeps its id and has an empty name and no duration.
            "duration_ms": _number(entry, "duration_ms") or None,
            "popularity": _popularity(entry),
            "explicit": _flag(entry, "explicit"),
            "isrc": _text(_part(entry, "external_ids"), "isrc"),
            "release_date": _date(album, "release_date"),
            "disc_number": _number(entry, "disc_number"),
            "track_number": _number(entry, "track_number"),
        },
    )


def read_artist(entry: Entry) -> Values:
    """Return what an artist's object says.

    :raises EntryError: a field that is there is wrong
    """
    return _present(
        _about(entry, "artist"),
        {
            "uri": _uri(entry, "artist"),
            "genres": _texts(entry, "genres"),
            "popularity": _popularity(entry),
            "followers": _number(_part(entry, "followers"), "total"),
            "image_url": _largest_image(entry),
        },
    )


def read_album(entry: Entry) -> Values:
    """Return what an album's object says.

    :raises EntryError: a field that is there is wrong
    """
    artists = _credits(entry, "artists")
    return _present(
        _about(entry, "album"),
        {
            "uri": _uri(entry, "album"),
            "artist": next((name for _, name in artists), None),
            "artist_uris": [uri for uri, _ in artists],
            "artist_names": [name for _, name in artists],
            "album_type": _text(entry, "album_type"),
            "release_date": _date(entry, "release_date"),
            "total_tracks": _number(entry, "total_tracks"),
            "label": _text(entry, "label"),
            "popularity": _popularity(entry),
            "genres": _texts(entry, "genres"),
            "upc": _text(_part(entry, "external_ids"), "upc"),
            "image_url": _largest_image(entry),
        },
    )


def _present(*groups: Values) -> Values:
    return {name: value for group in groups for name, value in group.items() if value is not None and value != []}


def _about(entry: Entry, kind: str) -> Values:
    """What every object has: that it is one of its kind, and its name."""
    if entry.get("type", kind) != kind:
        raise _wrong("type", entry["type"], kind)
    if not _is(ID, entry.get("id")):
        raise _wrong("id", entry.get("id"), "a Spotify id")
    if "name" not in entry:
        raise EntryError("name is missing")
    return {"name": _text(entry, "name")}


def _text(entry: Entry, name: str) -> str | None:
    value = entry.get(name)
    return None if value is None else _checked_text(name, value) or None


def _checked_text(name: str, value: Any, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str) or len(value) > longest or UNFIT.search(value):
        raise _wrong(name, value, f"text of at most {longest} characters")
    return value if value.strip() else ""


def _texts(entry: Entry, name: str) -> list[str]:
    return [text for part in _list(entry, name) if (text := _checked_text(name, part))]


def _number(entry: Entry, name: str, highest: int = LARGEST_NUMBER) -> int | None:
    value = entry.get(name)
    if value is None:
        return None
    # bool is an int to isinstance.
    if type(value) is not int or not 0 <= value <= highest:
        raise _wrong(name, value, f"a whole number from 0 to {highest}")
    return value


def _popularity(entry: Entry) -> int | None:
    return _number(entry, "popularity", HIGHEST_POPULARITY)


def _flag(entry: Entry, name: str) -> bool | None:
    value = entry.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, value, "true or false")
    return value


def _date(entry: Entry, name: str) -> str | None:
    """A day, month or year as written."""
    value = entry.get(name)
    if value is None or value == "":
        return None
    if not _is(DATE, value):
        raise _wrong(name, value, "a date such as 1999, 1999-12 or 1999-12-31")
    return None if value.startswith(UNKNOWN_YEAR) else str(value)


def _uri(entry: Entry, kind: str) -> str | None:
    """The uri, which must be the one that belongs to the id where both are there."""
    id_, uri = entry.get("id"), entry.get("uri")
    if id_ is None and uri is None:
        return None
    if id_ is None:
        id_ = str(uri).rpartition(":")[2]
    expected = f"spotify:{kind}:{id_}"
    if not _is(ID, id_) or uri not in (None, expected):
        raise _wrong("uri", uri if _is(ID, id_) else id_, f"spotify:{kind}: and its id")
    return expected


def _credits(entry: Entry, name: str) -> list[tuple[str, str]]:
    """Uri and name of each artist who has both: the lists of the two stay in step."""
    found = []
    for artist in _list(entry, name):
        if not isinstance(artist, Mapping):
            raise _wrong(name, artist, "a list of artists")
        uri, artist_name = _uri(artist, "artist"), _text(artist, "name")
        if uri and artist_name:
            found.append((uri, artist_name))
    return found


def _largest_image(entry: Entry) -> str | None:
    images = _list(entry, "images")
    if any(not isinstance(image, Mapping) for image in images):
        raise _wrong("images", images, "a list of images")
    largest: Entry = max(images, key=lambda image: _number(image, "width") or 0, default={})
    url = largest.get("url")
    if url is None:
        return None
    if not _checked_text("image url", url, LONGEST_ADDRESS).startswith(("https://", "http://")):
        raise _wrong("image url", url, "a web address")
    return str(url)


def _part(entry: Entry, name: str) -> Entry:
    value = entry.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(name, value, "an object")
    return value


def _list(entry: Entry, name: str) -> list[Any]:
    value = entry.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_PARTS:
        raise _wrong(name, value, f"a list of at most {MOST_PARTS} parts")
    return value


def _is(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _wrong(name: str, value: Any, expected: str) -> EntryError:
    return EntryError(f"{name} is {excerpt(value, 60)}, not {expected}")


READERS: Mapping[str, Callable[[Entry], Values]] = {"tracks": read_track, "artists": read_artist, "albums": read_album}
