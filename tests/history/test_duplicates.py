"""The rules by which two documents are one play, and the plays that look alike and are two."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.history.duplicates import Rule, TimedPlay, find_duplicates

TRACK = "spotify:track:0000000000000000000001"
OTHER_TRACK = "spotify:track:0000000000000000000002"
USUAL = TimedPlay(
    id=UUID(int=0),
    time=1_491_287_524_000,
    ms_played=84_834,
    uri=TRACK,
    names=("Quartet", "Bohemian"),
    flags=("trackdone", "fwdbtn", False, True, False),
    file="csv",
    format="",
)
NO_FLAGS = (None,) * 5


def play(number: int, **fields: Any) -> TimedPlay:
    return replace(USUAL, id=UUID(int=number), **fields)


def exported(number: int, **fields: Any) -> TimedPlay:
    return play(number, **{"file": "zip", "format": "extended_export"} | fields)


def recent(number: int, **fields: Any) -> TimedPlay:
    usual = {"file": "api", "format": "recently_played", "ms_played": None, "flags": NO_FLAGS}
    return play(number, **usual | fields)


def of_account(number: int, **fields: Any) -> TimedPlay:
    minute = USUAL.time // 60_000 * 60_000
    usual = {"file": "year", "format": "account_export", "time": minute, "uri": "", "flags": NO_FLAGS}
    return play(number, **usual | fields)


def matched(*plays: TimedPlay) -> dict[int, tuple[int, str]]:
    """Which numbers are duplicates of which, by what; the same in every order of the plays."""
    found = [find_duplicates(order) for order in permutations(plays)]
    assert all(each == found[0] for each in found)
    return {play.int: (duplicate.play.int, duplicate.rule.value) for play, duplicate in found[0].items()}


def test_a_play_that_two_exports_write_differently_is_one() -> None:
    assert matched(play(1), exported(2)) == {2: (1, Rule.SAME_SECOND)}


@pytest.mark.parametrize(
    "fields",
    [
        {"ms_played": 84_835},
        {"names": ("The Quartet", "Bohemian")},
        {"uri": OTHER_TRACK},
        {"flags": ("trackdone", None, False, True, None)},
    ],
    ids=["near length", "other names", "another id of the track", "flags that are not told"],
)
def test_what_exports_write_differently_does_not_part_a_play(fields: dict[str, Any]) -> None:
    assert matched(play(1), exported(2, **fields)) == {2: (1, Rule.SAME_SECOND)}


@pytest.mark.parametrize(
    "fields",
    [
        {"time": USUAL.time + 1000},
        {"ms_played": 90_000},
        {"uri": OTHER_TRACK, "names": ("Quartet", "Another")},
        {"flags": ("clickrow", "fwdbtn", False, True, False)},
        {"file": "csv"},
    ],
    ids=["another second", "another length", "another track", "another reason", "the same file"],
)
def test_what_tells_plays_apart_keeps_both(fields: dict[str, Any]) -> None:
    assert matched(play(1), exported(2, **fields)) == {}


def test_two_plays_of_one_second_are_two_in_both_sources() -> None:
    assert sorted(matched(play(1), play(2), exported(3), exported(4))) == [3, 4]


def test_a_second_play_that_only_one_source_has_counts() -> None:
    assert len(matched(play(1), exported(2), exported(3))) == 1


def test_a_play_of_three_exports_is_one() -> None:
    assert sorted(matched(play(1), exported(2), exported(3, file="other zip"))) == [2, 3]


def test_what_a_csv_does_not_name_is_the_episode_of_that_second() -> None:
    unknown = play(1, uri="", names=("Unknown", "Unknown"))
    episode = exported(2, uri="spotify:episode:1", names=("Stories", "One"))
    assert matched(unknown, episode) == {2: (1, Rule.SAME_SECOND)}


def test_what_a_csv_does_not_name_is_no_track() -> None:
    assert matched(play(1, uri="", names=("Unknown", "Unknown")), exported(2)) == {}


@pytest.mark.parametrize("after", [-9_000, 0, 617, 10_000])
def test_the_web_api_tells_a_play_that_an_export_has(after: int) -> None:
    assert matched(play(1), recent(2, time=USUAL.time + after)) == {2: (1, Rule.RECENTLY_PLAYED)}


def test_the_web_api_may_give_a_track_another_id() -> None:
    assert matched(play(1), recent(2, uri=OTHER_TRACK)) == {2: (1, Rule.RECENTLY_PLAYED)}


def test_a_play_beyond_the_tolerance_is_another() -> None:
    assert matched(play(1), recent(2, time=USUAL.time + 10_001)) == {}


def test_another_track_of_the_same_second_is_another_play() -> None:
    assert matched(play(1), recent(2, uri=OTHER_TRACK, names=("Quartet", "Another"))) == {}


def test_each_play_is_matched_once() -> None:
    times = [USUAL.time + step for step in (0, 6_000)]
    exports = [exported(number, time=time) for number, time in enumerate(times, start=1)]
    recents = [recent(number, time=time + 5_000) for number, time in enumerate(times, start=3)]
    assert matched(*exports, *recents) == {3: (1, Rule.RECENTLY_PLAYED), 4: (2, Rule.RECENTLY_PLAYED)}


def test_account_data_tells_the_play_that_ended_in_its_minute() -> None:
    assert matched(play(1), of_account(2)) == {2: (1, Rule.SAME_MINUTE)}


def test_account_data_tells_the_play_that_the_web_api_has() -> None:
    assert matched(recent(1), of_account(2)) == {2: (1, Rule.SAME_MINUTE)}


@pytest.mark.parametrize("fields", [{"ms_played": 84_835}, {"names": ("Quartet", "Another")}])
def test_account_data_of_another_length_or_track_is_another_play(fields: dict[str, Any]) -> None:
    assert matched(play(1), of_account(2, **fields)) == {}


def test_all_sources_together_tell_one_play() -> None:
    assert set(matched(play(1), exported(2), recent(3), of_account(4)).values()) == {
        (1, Rule.SAME_SECOND),
        (1, Rule.RECENTLY_PLAYED),
        (1, Rule.SAME_MINUTE),
    }


TIMES = st.lists(st.integers(min_value=0, max_value=90).map(lambda second: USUAL.time + 1000 * second), max_size=8)


@given(TIMES, TIMES)
def test_no_original_is_itself_a_duplicate_and_none_is_taken_twice(ours: list[int], theirs: list[int]) -> None:
    plays = [exported(number, time=time) for number, time in enumerate(ours, start=1)]
    plays += [recent(number, time=time) for number, time in enumerate(theirs, start=100)]
    found = find_duplicates(plays)
    originals = [duplicate.play for duplicate in found.values()]
    assert len(set(originals)) == len(originals)
    assert not set(originals) & found.keys()
