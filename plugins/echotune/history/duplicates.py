"""The rules by which two documents are one play: the same play, told by two sources in two ways.

What two sources tell in the same words has the same ``_id`` and is one document already. The rules here decide the
rest, for plays of one user and two files; plays of one file are never duplicates of each other. Each play of a file is
matched with at most one of another, so that two plays of one second stay two plays.

* ``same_second``: two exports that are exact to the second; the same time, the same track or names, ``ms_played``
  within a second, and the same reasons and flags. Spotify writes platform, country and names in other ways over time.
* ``recently_played``: one of the Web API, which tells no ``ms_played``; the same track or names, and times that lie
  within ``RECENT_TOLERANCE``.
* ``same_minute``: one of the account data, which is exact to the minute; the same names and ``ms_played``, and times
  within a minute.

Which of two is kept does not depend on which was loaded first: a combined CSV before an extended export, that before
the Web API, that before the account data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from echotune.history.exports import ACCOUNT, EXTENDED

RECENTLY_PLAYED = "recently_played"
"""``source.format`` of plays that the Web API told."""

RECENT_TOLERANCE = timedelta(seconds=10)
"""Between the Web API's time of a play, in milliseconds, and the export's, in seconds. The API tells only plays of
half a minute and more, so no two plays of a track lie so close in it."""
MINUTE = timedelta(minutes=1)
NEAR_MS_PLAYED = 1_000
"""Milliseconds by which two exports may tell the length of one play differently."""
NO_NAME = frozenset({"", "Unknown"})
"""What exports write where they know no name."""

PRECEDENCE = ("", EXTENDED.name, RECENTLY_PLAYED, ACCOUNT.name)
"""Formats, the one whose plays are kept first; a combined CSV has none."""

Names = tuple[str, str]
Flags = tuple[Any, ...]


class Rule(StrEnum):
    """By which two documents are one play."""

    SAME_SECOND = "same_second"
    RECENTLY_PLAYED = "recently_played"
    SAME_MINUTE = "same_minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPlay:
    """What the rules look at.

    :param time: milliseconds since 1970
    :param ms_played: None where the source does not tell it
    :param uri: of track, episode or chapter; empty where the source tells none
    :param names: artist and track, show and episode, or title and chapter
    :param flags: reasons and flags, None for what the source does not tell
    :param file: the SHA-256 of its source
    :param format: as in ``PRECEDENCE``
    """

    id: UUID
    time: int
    ms_played: int | None
    uri: str
    names: Names
    flags: Flags
    file: str
    format: str

    @property
    def is_named(self) -> bool:
        """Whether the source tells what was played."""
        return self.names[1] not in NO_NAME

    @property
    def rank(self) -> tuple[int, str, str]:
        """Its place among plays of one moment: the first is the one that is kept."""
        return PRECEDENCE.index(self.format), self.file, str(self.id)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Why a document is no play of its own.

    :param play: the ``_id`` of the document that is
    """

    play: UUID
    rule: Rule


def find_duplicates(plays: Iterable[TimedPlay]) -> dict[UUID, Duplicate]:
    """Return the duplicates among the plays of one user, by ``_id``; the order of the plays makes no difference."""
    by_format: dict[str, list[TimedPlay]] = defaultdict(list)
    for play in plays:
        by_format[play.format].append(play)
    exact = by_format[""] + by_format[EXTENDED.name]
    found = _same_seconds(exact)
    originals = [play for play in exact if play.id not in found]
    recent = by_format[RECENTLY_PLAYED]
    found |= _matches(recent, originals, Rule.RECENTLY_PLAYED, RECENT_TOLERANCE, (_by_uri, _by_names))
    originals += [play for play in recent if play.id not in found]
    return found | _matches(
        by_format[ACCOUNT.name], originals, Rule.SAME_MINUTE, MINUTE, (_by_names_and_length, _by_names_without_length)
    )


def _same_seconds(plays: Iterable[TimedPlay]) -> dict[UUID, Duplicate]:
    by_time: dict[int, list[TimedPlay]] = defaultdict(list)
    for play in plays:
        by_time[play.time].append(play)
    found: dict[UUID, Duplicate] = {}
    for group in by_time.values():
        if len(group) > 1:
            found |= _same_second(sorted(group, key=lambda play: play.rank))
    return found


def _same_second(group: Sequence[TimedPlay]) -> dict[UUID, Duplicate]:
    """Match the plays of one second. Each original takes one play of each other file."""
    found: dict[UUID, Duplicate] = {}
    originals: list[tuple[TimedPlay, set[str]]] = []
    for play in group:
        fitting = [
            (original, files)
            for original, files in originals
            if play.file not in files and is_same_play(original, play)
        ]
        # The same track before the same names, where both are there.
        best = min(fitting, key=lambda pair: pair[0].uri != play.uri, default=None)
        if best is None:
            originals.append((play, {play.file}))
        else:
            best[1].add(play.file)
            found[play.id] = Duplicate(best[0].id, Rule.SAME_SECOND)
    return found


def is_same_play(one: TimedPlay, other: TimedPlay) -> bool:
    """Whether two plays of one second, from exports that are exact to the second, are one."""
    if one.ms_played is None or other.ms_played is None or abs(one.ms_played - other.ms_played) > NEAR_MS_PLAYED:
        return False
    return _are_flags_alike(one.flags, other.flags) and _is_same_content(one, other)


def _are_flags_alike(ours: Flags, theirs: Flags) -> bool:
    """Whether no flag that both sources tell is told differently."""
    return all(mine is None or other is None or mine == other for mine, other in zip(ours, theirs, strict=True))


def _is_same_content(one: TimedPlay, other: TimedPlay) -> bool:
    if one.uri and one.uri == other.uri:
        return True
    if one.is_named and other.is_named:
        return one.names == other.names
    # A combined CSV knows neither name nor uri of what is no track.
    return not any(play.uri.startswith("spotify:track:") for play in (one, other))


Key = Callable[[TimedPlay], Hashable]


def _by_uri(play: TimedPlay) -> Hashable:
    return play.uri or None


def _by_names(play: TimedPlay) -> Hashable:
    return play.names if play.is_named else None


def _by_names_and_length(play: TimedPlay) -> Hashable:
    return (play.names, play.ms_played) if play.is_named and play.ms_played is not None else None


def _by_names_without_length(play: TimedPlay) -> Hashable:
    """Of plays of the Web API, whose length nobody knows, and of the account data, which is to be matched with them."""
    return play.names if play.is_named and play.format in (RECENTLY_PLAYED, ACCOUNT.name) else None


def _matches(
    plays: Sequence[TimedPlay], originals: Sequence[TimedPlay], rule: Rule, tolerance: timedelta, keys: Sequence[Key]
) -> dict[UUID, Duplicate]:
    """Match plays with originals of the same key whose times lie within the tolerance, each at most once."""
    found: dict[UUID, Duplicate] = {}
    taken: set[UUID] = set()
    for key in keys:
        waiting = _grouped((play for play in plays if play.id not in found), key)
        free = _grouped((play for play in originals if play.id not in taken), key)
        for value, group in waiting.items():
            for play, original in _in_order(group, free.get(value, ()), tolerance // timedelta(milliseconds=1)):
                found[play.id] = Duplicate(original.id, rule)
                taken.add(original.id)
    return found


def _grouped(plays: Iterable[TimedPlay], key: Key) -> Mapping[Hashable, list[TimedPlay]]:
    groups: dict[Hashable, list[TimedPlay]] = defaultdict(list)
    for play in plays:
        if (value := key(play)) is not None:
            groups[value].append(play)
    return groups


def _in_order(
    plays: Sequence[TimedPlay], originals: Sequence[TimedPlay], tolerance: int
) -> list[tuple[TimedPlay, TimedPlay]]:
    """Walk both in the order of time; to match the earliest that fit leaves the fewest without a match."""
    ours = sorted(plays, key=lambda play: (play.time, play.rank))
    theirs = sorted(originals, key=lambda play: (play.time, play.rank))
    pairs = []
    place = 0
    for play in ours:
        while place < len(theirs) and theirs[place].time < play.time - tolerance:
            place += 1
        if place < len(theirs) and theirs[place].time <= play.time + tolerance:
            pairs.append((play, theirs[place]))
            place += 1
    return pairs
