"""Tracks, artists and albums in Spotify's shapes, computed from their ids.

A track belongs to an album of a limited pool, an album to an artist of a limited pool, so both repeat over tracks
as they do in a real library. Album objects come without their list of tracks, which no id can tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from local.sample.chance import CAPITALS
from local.sample.words import ADJECTIVES, GENRES, LABELS, NOUNS, VERBS
from local.simulator.chance import between, identifier, numbers, pick

UNKNOWN_TRACK_SHARE = 0.003
ARTISTS = 9_800
ALBUMS = 24_000
MARKETS = ["AU", "BR", "CA", "DE", "ES", "FR", "GB", "IN", "JP", "MX", "NL", "PL", "SE", "US"]
IMAGE_WIDTHS = (640, 300, 64)
# What an application in development mode no longer gets.
CLOSED_FIELDS = {
    "track": ("popularity", "available_markets", "linked_from"),
    "artist": ("popularity", "followers", "genres"),
    "album": ("popularity", "available_markets", "label"),
}
_COUNTRIES = ("US", "GB", "SE", "DE", "QZ", "JP")
_CACHED_RECORDINGS = 1_000
_CACHED_PARTS = 40_000
_CACHED_OBJECTS = 12_000

Object = dict[str, Any]


def encode(value: object) -> bytes:
    """JSON as Spotify sends it: UTF-8 and no spaces."""
    return msgspec.json.encode(value)


def is_unknown_track(track_id: str) -> bool:
    """Whether no track has this id: three of a thousand."""
    return _recording(track_id)[0] < UNKNOWN_TRACK_SHARE


def duration_ms(track_id: str) -> int:
    """Length of a track in milliseconds, most near four minutes."""
    chance = _recording(track_id)
    return between(chance[1], 45_000, 190_000) + between(chance[2], 45_000, 190_000)


def isrc(track_id: str) -> str:
    """The recording's code: country, registrant, year, number."""
    country, year, number, *letters = _recording(track_id)[3:9]
    registrant = "".join([pick(letter, CAPITALS) for letter in letters])
    return f"{pick(country, _COUNTRIES)}{registrant}{int(year * 100):02d}{int(number * 100_000):05d}"


@lru_cache(_CACHED_OBJECTS)
def track(track_id: str, development: bool = False) -> bytes | None:
    """The track object as JSON; None where no track has this id."""
    if is_unknown_track(track_id):
        return None
    chance = numbers("track", track_id)
    # Squared: the first albums of the pool have most of the tracks, as a few have in a real library.
    album = _album_part(identifier("album", int(chance[0] * chance[0] * ALBUMS)), development)
    body = {
        "album": album.body,
        "artists": _performers(album.artist_id, chance),
        "available_markets": MARKETS,
        "disc_number": 2 if chance[1] < 0.04 else 1,
        "duration_ms": duration_ms(track_id),
        "explicit": chance[2] < 0.12,
        "external_ids": {"isrc": isrc(track_id)},
        **_links("track", track_id),
        "is_local": False,
        "name": title(chance[3], chance[4], chance[5]),
        "popularity": int(chance[6] * 95),
        "preview_url": None,
        "track_number": between(chance[7], 1, album.total_tracks),
    }
    return encode(_without_closed("track", body) if development else body)


@lru_cache(_CACHED_OBJECTS)
def artist(artist_id: str, development: bool = False) -> bytes:
    """The artist object as JSON; every id is an artist."""
    chance = numbers("artist", artist_id)
    drawn = [pick(number, GENRES) for number in chance[1 : 1 + int(chance[0] * 4)]]
    body = {
        **_links("artist", artist_id),
        "name": _artist_name(artist_id),
        "followers": {"href": None, "total": int(chance[5] * chance[5] * chance[6] * 4_000_000)},
        "genres": list(dict.fromkeys(drawn)),
        "images": _images(artist_id),
        "popularity": int(chance[5] * 90),
    }
    return encode(_without_closed("artist", body) if development else body)


@lru_cache(_CACHED_OBJECTS)
def album(album_id: str, development: bool = False) -> bytes:
    """The album object as JSON, without its tracks; every id is an album."""
    chance = numbers("album", album_id)
    simple = _simple_album(album_id, _album_artist(album_id))
    label = pick(chance[0], LABELS)
    year = simple["release_date"][:4]
    body = {
        **simple,
        "copyrights": [{"text": f"© {year} {label}", "type": "C"}, {"text": f"℗ {year} {label}", "type": "P"}],
        "external_ids": {"upc": f"{int(chance[1] * 10**6):06d}{int(chance[2] * 10**6):06d}"},
        "genres": [],
        "label": label,
        "popularity": int(chance[3] * 90),
    }
    return encode(_without_closed("album", body) if development else body)


def title(shape: float, first: float, second: float) -> str:
    """The readable name of a song or an album."""
    noun = pick(second, NOUNS)
    if shape < 0.2:
        return f"{pick(first, VERBS)} the {noun}"
    if shape < 0.4:
        return f"{pick(first, NOUNS)} of the {noun}"
    return f"{pick(first, ADJECTIVES)} {noun}"


@lru_cache(_CACHED_RECORDINGS)
def _recording(track_id: str) -> tuple[float, ...]:
    """The chances of what several objects of a track tell alike; asked for a few times in a row."""
    return numbers("recording", track_id)


@lru_cache(_CACHED_PARTS)
def _artist_part(artist_id: str) -> msgspec.Raw:
    """The artist as tracks and albums hold it."""
    return msgspec.Raw(encode({**_links("artist", artist_id), "name": _artist_name(artist_id)}))


def _artist_name(artist_id: str) -> str:
    chance = numbers("artist name", artist_id)
    article = "The " if chance[2] < 0.25 else ""
    return f"{article}{pick(chance[0], ADJECTIVES)} {pick(chance[1], NOUNS)}"


@dataclass(frozen=True, slots=True)
class _AlbumPart:
    """The album as tracks hold it, and what they need to know of it."""

    body: msgspec.Raw
    artist_id: str
    total_tracks: int


@lru_cache(_CACHED_PARTS)
def _album_part(album_id: str, development: bool) -> _AlbumPart:
    artist_id = _album_artist(album_id)
    album = _simple_album(album_id, artist_id)
    body = encode(_without_closed("album", album) if development else album)
    return _AlbumPart(msgspec.Raw(body), artist_id, album["total_tracks"])


def _album_artist(album_id: str) -> str:
    number = numbers("album artist", album_id)[0]
    return identifier("artist", int(number * number * ARTISTS))


def _simple_album(album_id: str, artist_id: str) -> Object:
    chance = numbers("album parts", album_id)
    tracks = between(chance[1], 1, 3) if chance[2] < 0.3 else between(chance[1], 7, 18)
    return {
        "album_type": "single" if tracks < 4 else "compilation" if chance[2] > 0.95 else "album",
        "artists": [_artist_part(artist_id)],
        "available_markets": MARKETS,
        **_links("album", album_id),
        "images": _images(album_id),
        "name": title(chance[3], chance[4], chance[5]),
        **_release(chance[6:10]),
        "total_tracks": tracks,
    }


def _release(chance: tuple[float, ...]) -> Object:
    """A year, a month or a day: catalogs know old releases less exactly."""
    year, month, day = between(chance[1], 1964, 2023), between(chance[2], 1, 12), between(chance[3], 1, 28)
    if chance[0] < 0.15:
        return {"release_date": str(year), "release_date_precision": "year"}
    if chance[0] < 0.22:
        return {"release_date": f"{year}-{month:02d}", "release_date_precision": "month"}
    return {"release_date": f"{year}-{month:02d}-{day:02d}", "release_date_precision": "day"}


def _performers(main: str, chance: tuple[float, ...]) -> list[msgspec.Raw]:
    """The album's artist first, and one or two guests on one track in six."""
    guests = 0 if chance[8] < 0.83 else 1 if chance[8] < 0.96 else 2
    drawn = [identifier("artist", int(number * number * ARTISTS)) for number in chance[9 : 9 + guests]]
    return [_artist_part(one) for one in dict.fromkeys([main, *drawn])]


def _links(kind: str, item_id: str) -> Object:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{item_id}"},
        "href": f"https://api.spotify.com/v1/{kind}s/{item_id}",
        "id": item_id,
        "type": kind,
        "uri": f"spotify:{kind}:{item_id}",
    }


def _images(item_id: str) -> list[Object]:
    url = f"https://i.scdn.co/image/{item_id.encode().hex()[:40]}"
    return [{"url": url, "height": width, "width": width} for width in IMAGE_WIDTHS]


def _without_closed(kind: str, body: Object) -> Object:
    return {name: value for name, value in body.items() if name not in CLOSED_FIELDS[kind]}
