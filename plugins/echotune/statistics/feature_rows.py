"""The rows of the tables that a model learns from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json
from echotune.statistics.feature_columns import AUDIO_FEATURES

TRACKS_AT_ONCE = 5_000
NIGHT_ENDS = 6
"""The hour from which on it is no longer night."""
SATURDAY = 6
YEAR_DIGITS = 4

Row = dict[str, Any]
CATALOG = {
    "name": 1,
    "artist": 1,
    "duration_ms": 1,
    "popularity": 1,
    "explicit": 1,
    "release_date": 1,
    "genres": 1,
    "audio_features": 1,
    "enrichment.audio_features.provider": 1,
}


def track_rows(store: HistoryStore) -> Iterator[Row]:
    """One row a track that anyone played, in the order of their ids."""
    pipeline = read_mongo_json("pipelines/features_tracks.json")["pipeline"]
    # Left to itself the server sends 16 MB at once: with more tracks, more of them would be in memory.
    counted = store.plays.aggregate(pipeline, allowDiskUse=True, batchSize=TRACKS_AT_ONCE)
    while part := list(islice(counted, TRACKS_AT_ONCE)):
        ids = [each["_id"] for each in part]
        catalog = {track["_id"]: track for track in store.tracks.find({"_id": {"$in": ids}}, CATALOG)}
        for numbers in part:
            yield _track_row(numbers, catalog.get(numbers["_id"], {}))


def _track_row(numbers: Mapping[str, Any], track: Mapping[str, Any]) -> Row:
    features = track.get("audio_features") or {}
    duration, timed = track.get("duration_ms"), numbers["timed"]
    return {
        "track_id": numbers["_id"],
        "name": track.get("name"),
        "artist": track.get("artist"),
        "plays": numbers["plays"],
        "users": numbers["users"],
        "ms_played": numbers["ms_played"],
        "skip_rate": _share(numbers["skipped"], numbers["skip_known"]),
        "completion": _completion(numbers["ms_played"], timed, duration),
        "first_played_at": numbers["first_played_at"],
        "last_played_at": numbers["last_played_at"],
        "duration_ms": duration,
        "popularity": track.get("popularity"),
        "explicit": track.get("explicit"),
        "release_year": _year(track.get("release_date")),
        "genres": track.get("genres"),
        **{name: features.get(name) for name in AUDIO_FEATURES},
        "audio_features_provider": track.get("enrichment", {}).get("audio_features", {}).get("provider"),
    }


def user_rows(store: HistoryStore) -> Iterator[Row]:
    """One row a user of whom statistics are kept, in the order of their names."""
    found = store.plays.aggregate(read_mongo_json("pipelines/features_users.json")["pipeline"])
    means = {each["_id"]: each for each in found}
    for statistics in store.listening_statistics.find().sort("_id", 1):
        yield _user_row(statistics, means.get(statistics["_id"], {}))


def _user_row(statistics: Mapping[str, Any], means: Mapping[str, Any]) -> Row:
    totals, sessions, hours = statistics["totals"], statistics["sessions"], statistics["hours_of_week"]
    plays = totals["plays"]
    artists = statistics["top_artists"]
    return {
        "username": statistics["_id"],
        "time_zone": statistics["time_zone"],
        "plays": plays,
        "ms_played": totals["ms_played"],
        "tracks": totals["tracks"],
        "artists": totals["artists"],
        "skip_rate": totals["skip_rate"],
        "sessions": sessions["sessions"],
        "average_session_ms": sessions.get("average_ms"),
        "longest_streak_days": statistics["streaks"].get("longest", {}).get("days"),
        "top_artist_share": _share(artists[0]["plays"], plays) if artists else None,
        "night_share": _share(sum(each["plays"] for each in hours if each["hour"] < NIGHT_ENDS), plays),
        "weekend_share": _share(sum(each["plays"] for each in hours if each["weekday"] >= SATURDAY), plays),
        **{f"mean_{name}": means.get(name) for name in AUDIO_FEATURES},
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _completion(ms_played: int, timed: int, duration_ms: int | None) -> float | None:
    return min(1.0, ms_played / timed / duration_ms) if timed and duration_ms else None


def _year(date: str | None) -> int | None:
    """The year of a release date as written: ``2016``, ``2016-03`` or ``2016-03-04``."""
    year = (date or "")[:YEAR_DIGITS]
    return int(year) if len(year) == YEAR_DIGITS and year.isdecimal() else None
