"""The rows of a sample file, as lists of 57 text cells."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from local.sample.catalog import Catalog, Track
from local.sample.chance import happens, stream
from local.sample.parts import Part, plan_parts
from local.sample.picking import TrackPicker
from local.sample.plays import Play, PlayMaker
from local.sample.release import EMPTY_CELLS, Releases
from local.sample.sessions import make_listener, sessions

_UNKNOWN_SHARE = 0.085
_UNKNOWN_NAMES = ("Unknown", "Unknown", "Unknown")
_NO_MATCHED_PLAY = ("",) * 6


def sample_rows(*, rows: int, users: int = 1, seed: int = 0) -> Iterator[list[str]]:
    """Yields the rows of the file in order, without the header; the same arguments give the same rows."""
    if not 1 <= users <= rows:
        raise ValueError(f"users must be between 1 and the number of rows ({rows}), not {users}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, but is {seed}")
    return _RowMaker(rows, users, seed).rows()


class _RowMaker:
    def __init__(self, rows: int, users: int, seed: int) -> None:
        self._seed = seed
        self._parts = plan_parts(rows, users, seed)
        self._listeners = [make_listener(number, seed) for number in range(users)]
        self._catalog = Catalog(seed)
        self._releases = Releases(self._catalog, self._listeners[0].name)
        self._picker = TrackPicker(rows, users)
        self._matched_plays = _MatchedPlays()
        self._rows_made = 0

    def rows(self) -> Iterator[list[str]]:
        for part in self._parts:
            for play in self._plays(part):
                yield self._row(play, part)
                self._rows_made += 1

    def _plays(self, part: Part) -> Iterator[Play]:
        chance = stream(self._seed, "plays", part.number)
        maker = PlayMaker(part, chance)
        for session in sessions(part, self._listeners[part.user], chance):
            remaining = session.rows
            while remaining:
                play = maker.play(self._next_track(part.user, chance), session)
                yield play
                remaining -= 1
                for repeat in maker.repeats(play, at_most=remaining):
                    yield repeat
                    remaining -= 1

    def _next_track(self, user: int, chance: Random) -> Track | None:
        if happens(chance, _UNKNOWN_SHARE):
            return None
        return self._catalog.track(self._picker.next_track(user, self._rows_made, chance))

    def _row(self, play: Play, part: Part) -> list[str]:
        track = play.track
        if track is None:
            return [*_play_cells(play, "", _UNKNOWN_NAMES), *_NO_MATCHED_PLAY, *EMPTY_CELLS]
        names = (track.title, track.artists[0].name, track.album.name)
        second, ms_played = self._matched_plays.of(play, track.number)
        matched = (track.track_id, *names, _timestamp(second), f"{ms_played}.0")
        catalog = self._releases.cells(track.number) if part.joined else EMPTY_CELLS
        return [*_play_cells(play, track.uri, names), *matched, *catalog]


class _MatchedPlays:
    """The play of each track that columns 17-22 repeat in all its rows: the first one in the file."""

    def __init__(self) -> None:
        self._seconds = array("q")
        self._lengths = array("q")

    def of(self, play: Play, track_number: int) -> tuple[int, int]:
        if track_number == len(self._seconds):
            self._seconds.append(play.second)
            self._lengths.append(play.ms_played)
        return self._seconds[track_number], self._lengths[track_number]


def _play_cells(play: Play, uri: str, names: tuple[str, str, str]) -> tuple[str, ...]:
    session = play.session
    return (
        uri,
        _timestamp(play.second),
        session.listener.name,
        session.platform,
        str(play.ms_played),
        session.country,
        session.ip_address,
        session.user_agent,
        *names,
        play.reason_start,
        play.reason_end,
        str(play.shuffle),
        play.skipped,
        str(session.offline),
    )


def _timestamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat(sep=" ")
