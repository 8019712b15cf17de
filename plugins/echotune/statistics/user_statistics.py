"""The statistics of one user, counted by MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from echotune.history.mark_duplicates import UNMARKED
from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json
from echotune.statistics.settings import StatisticsSettings

MS_A_MINUTE = 60_000
PIPELINES = ("tracks", "days", "sessions")
"""The longest first; two run side by side."""

Document = dict[str, Any]


def user_statistics(store: HistoryStore, username: str, settings: StatisticsSettings) -> Document:
    """Count a user's plays by every measure. Durations are in milliseconds where a name ends in ``ms``.

    Plays whose length is not known (those of the Web API) count as plays of no length. Archived plays and marked
    duplicates do not count.
    """
    zone = settings.zone_of(username)
    values = {"zone": zone, "pause": settings.session_pause_minutes * MS_A_MINUTE}
    with ThreadPoolExecutor(2) as beside:
        tracks, days, sessions = beside.map(lambda name: _run(store, username, name, values), PIPELINES)
    return {
        "_id": username,
        "time_zone": zone,
        "totals": _totals(days, tracks),
        "years": days["years"],
        "months": days["months"],
        "hours_of_week": days["hours_of_week"],
        "streaks": next(iter(days["streaks"]), {}),
        "sessions": _session_numbers(sessions),
        "top_tracks": tracks["tracks"],
        "top_artists": tracks["artists"],
        "top_genres": tracks["genres"],
        "most_skipped_tracks": tracks["skipped_tracks"],
        "first_heard_tracks": tracks["first_heard"],
        "new_tracks_by_year": tracks["new_tracks"],
        "new_artists_by_year": tracks["new_artists"],
    }


def _run(store: HistoryStore, username: str, name: str, values: Mapping[str, Any]) -> Document:
    """Run a pipeline over a user's plays; each gives one document."""
    pipeline = read_mongo_json(f"pipelines/statistics_{name}.json")["pipeline"]
    plays = {"$match": {"user.username": username, **UNMARKED}}
    return next(store.plays.aggregate([plays, *pipeline], let=values, allowDiskUse=True), {})


def _totals(days: Document, tracks: Document) -> Document:
    years = days["years"]
    totals = {name: sum(year[name] for year in years) for name in ("plays", "ms_played", "skipped", "skip_known")}
    known = totals.pop("skip_known")
    return {
        **totals,
        "skip_rate": totals["skipped"] / known if known else None,
        "tracks": sum(year["tracks"] for year in tracks["new_tracks"]),
        "artists": sum(year["artists"] for year in tracks["new_artists"]),
    }


def _session_numbers(sessions: Document) -> Document:
    if not sessions:
        return {"sessions": 0}
    return {**sessions, "average_ms": sessions["total_ms"] / sessions["sessions"]}
