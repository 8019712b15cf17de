"""Keeps the collection of statistics true: one document a user, written whole."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from echotune.history.forgotten import ForgottenUsers
from echotune.history.store import HistoryStore
from echotune.statistics.settings import StatisticsSettings
from echotune.statistics.user_statistics import user_statistics

log = logging.getLogger(__name__)

MARGIN = timedelta(minutes=10)
"""Plays written so shortly before a refresh may have been on their way: they are looked at again."""


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What a refresh did.

    :param plays: plays of the users that were counted
    """

    users: int
    unchanged: int
    removed: int
    plays: int
    seconds: float


def refresh_statistics(store: HistoryStore, settings: StatisticsSettings) -> Refreshed:
    """Count the plays of every user anew whose plays or time zone changed, and drop users without plays.

    A reader sees the old numbers of a user or the new ones, never a part of each. Whoever is forgotten meanwhile has
    none in the end.
    """
    started = time.monotonic()
    users = [name for name in store.plays.distinct("user.username") if isinstance(name, str)]
    changed = users if settings.full_refresh else _changed(store, users, settings)
    forgotten = ForgottenUsers.of(store)
    plays = 0
    for username in changed:
        now = datetime.now(UTC)
        statistics = user_statistics(store, username, settings) | {"refreshed_at": now}
        store.listening_statistics.replace_one({"_id": username}, statistics, upsert=True)
        if forgotten.includes(username):
            store.listening_statistics.delete_one({"_id": username})
            continue
        plays += statistics["totals"]["plays"]
        log.info("%s plays counted in %s", f"{statistics['totals']['plays']:,}", statistics["time_zone"])
    removed = store.listening_statistics.delete_many({"_id": {"$nin": users}}).deleted_count
    return Refreshed(
        users=len(changed),
        unchanged=len(users) - len(changed),
        removed=removed,
        plays=plays,
        seconds=time.monotonic() - started,
    )


def _changed(store: HistoryStore, users: list[str], settings: StatisticsSettings) -> list[str]:
    known = {each["_id"]: each for each in store.listening_statistics.find({}, {"refreshed_at": 1, "time_zone": 1})}
    since = min((each["refreshed_at"] for each in known.values()), default=None)
    latest = _latest_changes(store, since - MARGIN) if since else {}
    return [
        name
        for name in users
        if name not in known
        or known[name]["time_zone"] != settings.zone_of(name)
        or (name in latest and latest[name] >= known[name]["refreshed_at"] - MARGIN)
    ]


def _latest_changes(store: HistoryStore, since: datetime) -> dict[str, datetime]:
    """When plays of each user changed last, of those that changed since then."""
    match = {"$match": {"updated_at": {"$gte": since}}}
    group: dict[str, Any] = {"$group": {"_id": "$user.username", "latest": {"$max": "$updated_at"}}}
    return {each["_id"]: each["latest"] for each in store.plays.aggregate([match, group])}
