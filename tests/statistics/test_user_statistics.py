"""What MongoDB counts of a user's plays, held against pandas and against numbers that a person can check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from benchmarks.listening_statistics import differences
from benchmarks.pandas_statistics import pandas_statistics, read_plays
from echotune.history.store import HistoryStore
from echotune.statistics.settings import StatisticsSettings
from echotune.statistics.user_statistics import user_statistics
from local.sample import write_sample
from tests.support.loading import load_file

MARK = {"play": UUID(int=1), "rule": "same_second"}
FIRST = datetime(2024, 3, 30, 22, 30, tzinfo=UTC)


def play(after: timedelta, *, track: int | None = 1, **fields: Any) -> dict[str, Any]:
    """A play that ended so long after the first."""
    document: dict[str, Any] = {
        "_id": uuid4(),
        "user": {"username": "anna"},
        "timestamp": FIRST + after,
        "listening": {"ms_played": 60_000, "skipped": False},
    }
    if track is not None:
        document["spotify_track_uri"] = f"spotify:track:{track:022}"
        document["track"] = {"name": f"Track {track}", "artist": f"Artist {track % 2}"}
    return document | fields


def counted(store: HistoryStore, *plays: dict[str, Any], **settings: Any) -> dict[str, Any]:
    store.plays.insert_many(plays)
    return user_statistics(store, "anna", StatisticsSettings.of(settings))


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns"])
def test_the_numbers_are_those_of_pandas(store: HistoryStore, tmp_path: Path, zone: str) -> None:
    write_sample(tmp_path / "history.csv", rows=4_000, seed=3)
    load_file(store, tmp_path / "history.csv")
    some = [each["_id"] for each in store.plays.find({}, {"_id": 1}).limit(600)]
    store.plays.update_many({"_id": {"$in": some[:200]}}, {"$set": {"duplicate_of": MARK}})
    store.plays.update_many({"_id": {"$in": some[200:400]}}, {"$set": {"content_type": "episode"}})
    unknown = {"listening.ms_played": "", "listening.skipped": ""}
    store.plays.update_many({"_id": {"$in": some[400:]}}, {"$unset": unknown})
    (username,) = store.plays.distinct("user.username")
    ours = user_statistics(store, username, StatisticsSettings(time_zone=zone))
    theirs = pandas_statistics(read_plays(store.plays, username), zone)
    assert differences(ours, theirs) == []


def test_days_and_hours_are_told_by_the_users_clock(store: HistoryStore) -> None:
    """The night in which Amsterdam goes from one hour to two hours before UTC."""
    found = counted(store, play(timedelta(0)), play(timedelta(hours=4)), time_zone="Europe/Amsterdam")
    assert [(each["weekday"], each["hour"]) for each in found["hours_of_week"]] == [(6, 23), (7, 4)]
    assert found["streaks"]["longest"] == {"days": 2, "first_day": "2024-03-30", "last_day": "2024-03-31"}


def test_a_session_ends_with_a_pause_that_is_longer_than_asked(store: HistoryStore) -> None:
    # The third play starts 30 minutes after the second ended, the fourth a second later than that.
    ends = [timedelta(0), timedelta(minutes=1), timedelta(minutes=32), timedelta(minutes=63, seconds=1)]
    found = counted(store, *map(play, ends))["sessions"]
    assert (found["sessions"], found["longest"]["ms"], found["total_ms"]) == (2, 33 * 60_000, 34 * 60_000)
    assert found["longest"]["started_at"] == FIRST - timedelta(minutes=1)


def test_a_play_whose_length_is_not_known_takes_no_time(store: HistoryStore) -> None:
    found = counted(store, play(timedelta(0), listening={}))
    assert (found["totals"]["plays"], found["totals"]["ms_played"], found["totals"]["skip_rate"]) == (1, 0, None)


def test_a_duplicate_counts_nowhere(store: HistoryStore) -> None:
    found = counted(store, play(timedelta(0)), play(timedelta(seconds=1), duplicate_of=MARK))
    assert (found["totals"]["plays"], found["top_tracks"][0]["plays"]) == (1, 1)


def test_an_episode_takes_time_and_is_no_track(store: HistoryStore) -> None:
    found = counted(store, play(timedelta(0), track=None, content_type="episode"))
    assert (found["totals"]["ms_played"], found["totals"]["tracks"]) == (60_000, 0)


def test_the_longest_streak_and_the_latest_are_told(store: HistoryStore) -> None:
    found = counted(store, *(play(timedelta(days=day)) for day in (0, 1, 2, 5, 6)))
    assert found["streaks"]["longest"]["days"] == 3
    assert found["streaks"]["latest"] == {"days": 2, "first_day": "2024-04-04", "last_day": "2024-04-05"}


def test_the_most_skipped_tracks_are_told(store: HistoryStore) -> None:
    skipped = {"ms_played": 5, "skipped": True}
    plays = [play(timedelta(seconds=second), track=2, listening=skipped) for second in (1, 2)]
    found = counted(store, play(timedelta(0)), *plays)
    assert found["most_skipped_tracks"] == [{"name": "Track 2", "artist": "Artist 0", "plays": 2, "skipped": 2}]
    assert found["totals"]["skip_rate"] == 2 / 3


def test_lists_end_at_a_hundred(store: HistoryStore) -> None:
    found = counted(store, *(play(timedelta(minutes=number), track=number) for number in range(130)))
    assert len(found["top_tracks"]) == len(found["first_heard_tracks"]) == 100
