"""Columns 23-57: what a playlist export and the catalog say about a track, as text cells."""

from __future__ import annotations

from functools import lru_cache
from random import Random

from local.sample.catalog import Album, Catalog, Track
from local.sample.chance import (
    CAPITALS,
    HEXADECIMAL,
    below,
    between,
    happens,
    letters,
    pick,
    stream,
)
from local.sample.columns import CATALOG_COLUMNS, FEATURE_COLUMNS
from local.sample.words import GENRES, LABELS

EMPTY_CELLS = ("",) * len(CATALOG_COLUMNS)
_NO_FEATURES = [""] * len(FEATURE_COLUMNS)
_CACHED_ROWS = 10_000
_PREVIEW_APP = "774b29d4f13844c495f206cafdad9c86"


class Releases:
    """The catalog cells of a track; the same track always has the same ones."""

    def __init__(self, catalog: Catalog, added_by: str) -> None:
        """`added_by` is the user whose playlists were exported."""
        self._catalog = catalog
        self._added_by = added_by
        self.cells = lru_cache(_CACHED_ROWS)(self._make_cells)

    def _make_cells(self, track_number: int) -> tuple[str, ...]:
        track = self._catalog.track(track_number)
        if not track.on_playlist:
            return EMPTY_CELLS
        chance = stream(self._catalog.seed, "catalog", track_number)
        features = _features(chance) if happens(chance, 0.6) else _NO_FEATURES
        playlist = self._playlist_cells(track, chance)
        genres = self._artist_genres(track.album.artist_number)
        return (*playlist, genres, *features, *_album_cells(track.album, chance))

    def _playlist_cells(self, track: Track, chance: Random) -> list[str]:
        main = track.artists[0]
        return [
            track.uri,
            track.title,
            ", ".join(artist.uri for artist in track.artists),
            ", ".join(_listed_name(artist.name) for artist in track.artists),
            track.album.uri,
            track.album.name,
            main.uri,
            _listed_name(main.name),
            *self._album_facts(track.album),
            _as_float(2 if happens(chance, 0.04) else 1),
            _as_float(between(chance, 1, 18)),
            _as_float(track.duration_ms),
            _preview_url(chance),
            str(happens(chance, 0.12)),
            _as_float(below(chance, 95)),
            _isrc(track.album.release_year, chance),
            f"spotify:user:{self._added_by}",
            _added_at(chance),
        ]

    def _album_facts(self, album: Album) -> tuple[str, str]:
        """Release date and image, drawn from the album so that its tracks agree."""
        chance = stream(self._catalog.seed, "release", album.artist_number * 16 + album.number)
        date = _release_date(album.release_year, chance)
        return date, "https://i.scdn.co/image/ab67616d0000b273" + letters(chance, HEXADECIMAL, 24)

    def _artist_genres(self, artist_number: int) -> str:
        """Drawn from the artist, so that the tracks of one artist agree."""
        chance = stream(self._catalog.seed, "genres", artist_number)
        if happens(chance, 0.2):
            return ""
        drawn = [pick(chance, GENRES) for _ in range(between(chance, 1, 4))]
        return ",".join(dict.fromkeys(drawn))


def _as_float(number: int) -> str:
    """A whole number as pandas writes it once its column has an empty cell."""
    return f"{number}.0"


def _listed_name(name: str) -> str:
    """The exporter joins names with commas and puts a backslash before a comma that belongs to a name."""
    return name.replace(",", "\\,")


def _release_date(year: int, chance: Random) -> str:
    """A year, a month or a day: catalogs know old releases less exactly."""
    precision = chance.random()
    if precision < 0.15:
        return str(year)
    if precision < 0.22:
        return f"{year}-{between(chance, 1, 12):02d}"
    return f"{year}-{between(chance, 1, 12):02d}-{between(chance, 1, 28):02d}"


def _preview_url(chance: Random) -> str:
    if happens(chance, 0.4):
        return ""
    return f"https://p.scdn.co/mp3-preview/{letters(chance, HEXADECIMAL, 40)}?cid={_PREVIEW_APP}"


def _isrc(year: int, chance: Random) -> str:
    country = pick(chance, ("US", "GB", "SE", "DE", "QZ", "JP"))
    registrant = letters(chance, CAPITALS, 3)
    return f"{country}{registrant}{year % 100:02d}{below(chance, 100_000):05d}"


def _added_at(chance: Random) -> str:
    day = f"{between(chance, 2012, 2023)}-{between(chance, 1, 12):02d}-{between(chance, 1, 28):02d}"
    return f"{day}T{below(chance, 24):02d}:{below(chance, 60):02d}:{below(chance, 60):02d}Z"


def _features(chance: Random) -> list[str]:
    """Twelve audio features within Spotify's ranges, as pandas writes floats (`1.2e-05` included)."""
    squared = chance.random() * chance.random()
    instrumental = 0.0 if happens(chance, 0.4) else squared * squared * squared * 0.9
    return [
        repr(round(0.1 + (chance.random() + chance.random()) * 0.44, 3)),
        repr(round(0.02 + chance.random() * 0.97, 3)),
        _as_float(below(chance, 12)),
        repr(round(-1.5 - chance.random() * chance.random() * 28, 3)),
        _as_float(below(chance, 2)),
        repr(round(0.0224 + squared * 0.6, 4)),
        repr(round(chance.random() * chance.random() * 0.99, 5)),
        repr(round(instrumental, 8)),
        repr(round(0.02 + chance.random() * chance.random() * 0.95, 4)),
        repr(round(0.03 + chance.random() * 0.94, 3)),
        repr(round(58 + (chance.random() + chance.random()) * 70, 3)),
        pick(chance, ("4.0",) * 17 + ("3.0", "3.0", "5.0", "1.0")),
    ]


def _album_cells(album: Album, chance: Random) -> tuple[str, str, str]:
    # Drawn by album number, not by chance: the tracks of one album share a label.
    label = LABELS[(album.artist_number * 5 + album.number) % len(LABELS)]
    genres = pick(chance, GENRES) if happens(chance, 0.1) else ""
    return genres, label, f"C © {album.release_year} {label}, P ℗ {album.release_year} {label}"
