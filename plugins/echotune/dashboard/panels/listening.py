"""How many plays there are, by month and by hour of the week."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING

from echotune.dashboard.answers import NothingThereError
from echotune.history.mark_duplicates import MARKED
from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json

HOURS_A_DAY = 24
EPOCH_WEEKDAY = 4
"""The first of January 1970 was a Thursday; Monday is 1."""
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
    with ThreadPoolExecutor(1) as beside:
        by_hour = beside.submit(_counts, store, "dashboard_hours.json")
        by_month = _counts(store, "dashboard_months.json")
        hours = by_hour.result()
    return {
        "plays": sum(by_month.values()),
        "users": len(store.plays.distinct("user.username")),
        "first": first.isoformat(),
        "last": last.isoformat(),
        "months": [{"month": month, "plays": by_month.get(month, 0)} for month in months_between(first, last)],
        "hours_of_week": [
            {**_hour_of_week(hour), "plays": plays} for hour, plays in sorted(hours.items(), key=lambda one: one[0])
        ],
    }


def months_between(first: datetime, last: datetime) -> list[str]:
    """Every month from one time to another, both included: 2019-03."""
    numbers = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in numbers]


def _time_of(store: HistoryStore, direction: int) -> datetime | None:
    found = next(store.plays.find({}, {"_id": 0, "timestamp": 1}).sort("timestamp", direction).limit(1), None)
    time = found.get("timestamp") if found else None
    return time.astimezone(UTC) if time else None


def _counts(store: HistoryStore, name: str) -> dict[Any, int]:
    """Count plays without duplicates: all less those that are marked, for all times alone are in an index."""
    pipeline = read_mongo_json(f"pipelines/{name}")
    # Without the index it is slower and as right.
    options = {"hint": NEWEST} if NEWEST in store.plays.index_information() else {}
    command = {"aggregate": store.plays.name, "pipeline": pipeline, "cursor": {}}
    counts = Counter(_by_key(store.database.cursor_command({**command, **options})))
    counts.subtract(_by_key(store.plays.aggregate([{"$match": MARKED}, *pipeline])))
    return {key: plays for key, plays in counts.items() if plays}


def _by_key(groups: Iterable[Mapping[str, Any]]) -> dict[Any, int]:
    return {_key(group["_id"]): group["plays"] for group in groups if group["_id"] is not None}


def _key(value: Any) -> Any:
    return f"{value['year']:04}-{value['month']:02}" if isinstance(value, dict) else int(value)


def _hour_of_week(hours_since_thursday: int) -> dict[str, int]:
    """An hour counted from Thursday 00:00 UTC."""
    day, hour = divmod(hours_since_thursday, HOURS_A_DAY)
    return {"weekday": (EPOCH_WEEKDAY - 1 + day) % 7 + 1, "hour": hour}
