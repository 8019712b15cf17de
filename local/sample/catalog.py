"""The invented music catalog: every artist, album and track is computed from the seed and its number.

Nothing is stored but the most recently used entries, so a file of two million rows needs no more
memory than a small one, and a track has the same values wherever and whenever it is played.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from urllib.parse import quote_plus

from local.sample.chance import between, happens, skewed_below, spotify_id, stream
from local.sample.naming import artist_name, artist_script, title

ROWS_PER_TRACK = 208_934 / 41_900
TRACKS_PER_ARTIST = 41_900 / 9_800
PLAYLIST_SHARE = 0.094
LONGEST_PLAY_MS = 1_561_133
_CACHED_TRACKS = 50_000
_CACHED_OTHERS = 20_000

# In every thousand-odd tracks, one of each oddity: rare, and still present in a small sample.
_ODDITY_PERIOD = 997
_ODD_TITLES = {
    61: "Null",
    131: "NA",
    197: "None",
    263: "nan",
    331: "Side One\nSide Two",
    397: " Intro (Untitled)",
    463: "Outro ",
}
_LOCAL_FILE = 521
_EPISODE = 563


@dataclass(frozen=True, slots=True)
class Artist:
    """A performer, and the script the name is written in (None for Latin)."""

    name: str
    uri: str
    script: int | None


@dataclass(frozen=True, slots=True)
class Album:
    """A release by one artist; `number` counts the artist's albums."""

    artist_number: int
    number: int
    name: str
    uri: str
    release_year: int


@dataclass(frozen=True, slots=True)
class Track:
    """What every play of the track repeats; `on_playlist` tells whether a playlist export knows it."""

    number: int
    uri: str
    title: str
    artists: tuple[Artist, ...]
    album: Album
    duration_ms: int
    on_playlist: bool

    @property
    def track_id(self) -> str:
        """The last part of the uri, which is what the join that made the file used."""
        return self.uri.rpartition(":")[2]


class Catalog:
    """Looks up artists, albums and tracks by number."""

    def __init__(self, seed: int) -> None:
        """A catalog of its own for each seed."""
        self.seed = seed
        self.artist = lru_cache(_CACHED_OTHERS)(self._make_artist)
        self.album = lru_cache(_CACHED_OTHERS)(self._make_album)
        self.track = lru_cache(_CACHED_TRACKS)(self._make_track)

    def _make_artist(self, number: int) -> Artist:
        chance = stream(self.seed, "artist", number)
        uri = "spotify:artist:" + spotify_id(chance)
        return Artist(artist_name(number, self.seed, chance), uri, artist_script(number, self.seed))

    def _make_album(self, artist_number: int, number: int) -> Album:
        chance = stream(self.seed, "album", artist_number * 16 + number)
        name = title(self.artist(artist_number).script, chance)
        uri = "spotify:album:" + spotify_id(chance)
        # Most are older than the history; the others stand for reissues, which carry the later date.
        year = between(chance, 1968, 2010) if happens(chance, 0.75) else between(chance, 2011, 2023)
        return Album(artist_number, number, name, uri, year)

    def _make_track(self, number: int) -> Track:
        chance = stream(self.seed, "track", number)
        artist_number = _artist_of(number, chance)
        album = self.album(artist_number, skewed_below(chance, 5))
        artists = self._performers(artist_number, number, chance)
        oddity = number % _ODDITY_PERIOD
        name = _ODD_TITLES.get(oddity) or title(artists[0].script, chance)
        duration_ms = _duration(chance)
        uri = _track_uri(oddity, artists[0].name, album.name, name, duration_ms, chance)
        on_playlist = uri.startswith("spotify:track:") and happens(chance, PLAYLIST_SHARE)
        return Track(number, uri, name, artists, album, duration_ms, on_playlist)

    def _performers(self, artist_number: int, track_number: int, chance: Random) -> tuple[Artist, ...]:
        main = self.artist(artist_number)
        if not happens(chance, 0.15):
            return (main,)
        guest = skewed_below(chance, _artists_known(track_number))
        return (main,) if guest == artist_number else (main, self.artist(guest))


def _artists_known(track_number: int) -> int:
    """How many artists the tracks up to this one have brought in."""
    return 1 + int(track_number / TRACKS_PER_ARTIST)


def _artist_of(track_number: int, chance: Random) -> int:
    """Each fourth track or so brings a new artist; the others go to known ones, mostly the early ones."""
    known = _artists_known(track_number)
    is_new = track_number == 0 or _artists_known(track_number - 1) < known
    return known - 1 if is_new else skewed_below(chance, known)


def _duration(chance: Random) -> int:
    if happens(chance, 0.002):
        return between(chance, 600_000, LONGEST_PLAY_MS)
    # The sum of two even draws: most songs near the middle, few very short or long.
    return between(chance, 45_000, 190_000) + between(chance, 45_000, 190_000)


def _track_uri(oddity: int, artist: str, album: str, name: str, duration_ms: int, chance: Random) -> str:
    if oddity == _LOCAL_FILE:
        parts = ":".join(quote_plus(part) for part in (artist, album, name))
        return f"spotify:local:{parts}:{duration_ms // 1000}"
    kind = "episode" if oddity == _EPISODE else "track"
    return f"spotify:{kind}:{spotify_id(chance)}"
