"""Single plays: what was played, for how long, and why it began and ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from local.sample.catalog import Track
from local.sample.chance import happens, pick
from local.sample.parts import Part
from local.sample.sessions import Session, pace

# Measured on 12,409 real rows: 917 repeat an earlier (uri, ts, username), 84 of them also its ms_played.
# A sitting's last row cannot be repeated, and so 0.944 of the repeats drawn come about.
_REPEAT_SHARE = 917 / 12_409 / 0.944
_TWIN_SHARE = 84 / 917

_STARTS = (
    ("trackdone",) * 55
    + ("clickrow",) * 17
    + ("fwdbtn",) * 16
    + ("backbtn",) * 4
    + ("playbtn",) * 3
    + ("appload",) * 2
    + ("remote",)
    + ("unknown",)
    + ("trackerror",)
)
_EARLY_ENDS = (
    ("fwdbtn",) * 28
    + ("",) * 12
    + ("endplay",) * 9
    + ("logout",) * 3
    + ("backbtn",) * 3
    + ("remote",) * 2
    + ("unknown",) * 2
    + ("unexpected-exit-while-paused",)
    + ("trackerror",)
)
_FINISHED_SHARE = 0.38
_UNKNOWN_DURATION_MS = 215_000
_LAST_SECOND_WITHOUT_SKIPPED = 1_388_534_399  # the end of 2013


@dataclass(frozen=True, slots=True)
class Play:
    """One row's own part: no track when the export lost it. `second` is the end of the play, Unix time."""

    track: Track | None
    second: int
    session: Session
    ms_played: int
    reason_start: str
    reason_end: str
    shuffle: bool
    skipped: str


class PlayMaker:
    """Makes the plays of one part, no two of them alike.

    Plays come in time order and no second belongs to two parts of a user, so two plays can only be
    alike within one second: remembering the plays of the current second is enough, at any file size.
    """

    def __init__(self, part: Part, chance: Random) -> None:
        """`chance` is the part's own."""
        self._chance = chance
        self._last_second = part.last_second
        self._pace = pace(part)
        self._clock = float(part.first_second)
        self._second = -1
        self._seen: set[tuple[object, ...]] = set()

    def play(self, track: Track | None, session: Session) -> Play:
        """The next play: it begins when the one before it or the wait for the session ends."""
        chance = self._chance
        finished = happens(chance, _FINISHED_SHARE)
        reason_end = "trackdone" if finished else pick(chance, _EARLY_ENDS)
        full_length = track.duration_ms if track else _UNKNOWN_DURATION_MS
        ms_played = full_length if finished else self._part_of(full_length)
        second = self._end_of(ms_played, session)
        return self._with_new_length(
            Play(
                track=track,
                second=second,
                session=session,
                ms_played=ms_played,
                reason_start=pick(chance, _STARTS),
                reason_end=reason_end,
                shuffle=session.shuffle,
                skipped=self._skipped(second, reason_end),
            )
        )

    def repeats(self, play: Play, at_most: int) -> Iterator[Play]:
        """Further plays the export gives the same track, second and user."""
        made = 0
        while made < at_most and happens(self._chance, _REPEAT_SHARE):
            yield self._repeat(play)
            made += 1

    def _repeat(self, play: Play) -> Play:
        if happens(self._chance, _TWIN_SHARE):
            twin = self._twin(play)
            if _identity(twin) not in self._seen:
                self._seen.add(_identity(twin))
                return twin
        return self._with_new_length(replace(play, ms_played=self._part_of(play.ms_played)))

    def _twin(self, play: Play) -> Play:
        if happens(self._chance, 0.5):
            return replace(play, shuffle=not play.shuffle)
        return replace(play, reason_start="clickrow" if play.reason_start == "fwdbtn" else "fwdbtn")

    def _end_of(self, ms_played: int, session: Session) -> int:
        self._clock = max(self._clock, float(session.start))
        if not session.offline:
            self._clock += ms_played / 1000 * self._pace
        return min(int(self._clock), self._last_second)

    def _part_of(self, length_ms: int) -> int:
        """Most plays that end early end soon."""
        return 1 + int(self._chance.random() * self._chance.random() * length_ms)

    def _skipped(self, second: int, reason_end: str) -> str:
        if second <= _LAST_SECOND_WITHOUT_SKIPPED or happens(self._chance, 0.05):
            return ""
        return str(reason_end in ("fwdbtn", "backbtn"))

    def _with_new_length(self, play: Play) -> Play:
        """The play, a little longer where its track was already played as long in the same second."""
        if play.second != self._second:
            self._second = play.second
            self._seen.clear()
        while _track_and_length(play) in self._seen:
            play = replace(play, ms_played=play.ms_played + 1)
        self._seen.add(_track_and_length(play))
        self._seen.add(_identity(play))
        return play


def _track_and_length(play: Play) -> tuple[object, ...]:
    return (play.track.uri if play.track else "", play.ms_played)


def _identity(play: Play) -> tuple[object, ...]:
    """What tells twins apart: they agree in everything else."""
    return (*_track_and_length(play), play.reason_start, play.shuffle)
