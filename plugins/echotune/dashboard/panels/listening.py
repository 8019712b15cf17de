"""How many plays there are, by month and by hour of the week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING

from echotune.dashboard.answers import NothingThereError
from echotune.history.mark_duplicates import MARKED
from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json

HOURS_A_DAY, HOURS_A_WEEK = 24, 168
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEWEST = "newest"
"""The index over the times of all plays: with it nothing but times is read."""
NO_PLAYS = "There are no plays yet: run csv_backfill."


def listening(store: HistoryStore) -> dict[str, Any]:
    """Plays by month without a gap, and by weekday (1 is Monday) and hour, in UTC.

    :raises NothingThereError: there are no plays
    """
    first, last = _time_of(store, ASCENDING), _time_of(store, DESCENDING)
    if first is None or last is None:
        raise NothingThereError(NO_PLAYS)
    by_day, by_hour_of_week = Counter[int](), Counter[int]()
    for hour, plays in _plays_by_hour(store).items():
        by_day[hour // HOURS_A_DAY] += plays
        by_hour_of_week[hour % HOURS_A_WEEK] += plays
    by_month = Counter[str]()
    for day, plays in by_day.items():
        by_month[f"{EPOCH + timedelta(days=day):%Y-%m}"] += plays
    return {
        "plays": by_month.total(),
        "users": len(store.plays.distinct("user.username")),
        "first": first.isoformat(),
        "last": last.isoformat(),
        "months": [{"month": month, "plays": by_month[month]} for month in months_between(first, last)],
        "hours_of_week": [_hour_of_week(hour, plays) for hour, plays in sorted(by_hour_of_week.items())],
    }


def months_between(first: datetime, last: datetime) -> list[str]:
    """Every month from one time to another, both included: 2019-03."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]


def _time_of(store: HistoryStore, direction: int) -> datetime | None:
    found = next(store.plays.find({}, {"_id": 0, "timestamp": 1}).sort("timestamp", direction).limit(1), None)
    time = found.get("timestamp") if found else None
    return time.astimezone(UTC) if time else None


def _plays_by_hour(store: HistoryStore) -> dict[int, int]:
    """Count plays by hours since 1970, without duplicates: all less the marked, for all times alone are in an index.

    Hours give months and hours of the week in one reading, and there are 88,000 of them in ten years at most.
    """
    pipeline = read_mongo_json("pipelines/dashboard_hours.json")
    # Without the index it is slower and as right.
    options = {"hint": NEWEST} if NEWEST in store.plays.index_information() else {}
    command = {"aggregate": store.plays.name, "pipeline": pipeline, "cursor": {}}
    counts = Counter(_by_hour(store.database.cursor_command({**command, **options})))
    counts.subtract(_by_hour(store.plays.aggregate([{"$match": MARKED}, *pipeline])))
    return {hour: plays for hour, plays in counts.items() if plays}


def _by_hour(groups: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    return {int(group["_id"]): group["plays"] for group in groups if group["_id"] is not None}


def _hour_of_week(hour: int, plays: int) -> dict[str, int]:
    """An hour of any week: counted from a Thursday, as all times since 1970 are."""
    time = EPOCH + timedelta(hours=hour)
    return {"weekday": time.isoweekday(), "hour": time.hour, "plays": plays}
