"""The same statistics computed with pandas, from documents as MongoDB has them: what the pipelines are held against."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pymongo.collection import Collection

MOST = 100
COUNTS = {
    "plays": ("end", "size"),
    "ms_played": ("ms", "sum"),
    "skipped": ("skipped", "sum"),
    "skip_known": ("known", "sum"),
}
FIELDS = {
    "_id": 0,
    "timestamp": 1,
    "spotify_track_uri": 1,
    "track": 1,
    "listening": 1,
    "metadata": 1,
    "content_type": 1,
}


def read_plays(plays: Collection[dict[str, Any]], username: str) -> pd.DataFrame:
    """A user's plays that are no duplicates: a row a play."""
    found = plays.find({"user.username": username, "duplicate_of": {"$exists": False}}, FIELDS)
    return pd.DataFrame(
        {
            "end": pd.Timestamp(play["timestamp"]).tz_convert("UTC"),
            "uri": play.get("spotify_track_uri"),
            "name": play.get("track", {}).get("name"),
            "artist": play.get("track", {}).get("artist"),
            "ms": play.get("listening", {}).get("ms_played", 0),
            "skipped": play.get("listening", {}).get("skipped") is True,
            "known": play.get("listening", {}).get("skipped") is not None,
            "genres": play.get("metadata", {}).get("genres"),
            "is_track": "content_type" not in play,
        }
        for play in found
    )


def pandas_statistics(plays: pd.DataFrame, zone: str, pause_minutes: int = 30) -> dict[str, Any]:
    """The numbers of ``user_statistics`` that are not lists of names, and the heads of those that are."""
    local = plays.assign(local=plays["end"].dt.tz_convert(zone))
    tracks = _tracks(plays)
    return {
        "years": _counts(local, local["local"].dt.year, "year"),
        "months": _counts(local, local["local"].dt.strftime("%Y-%m"), "month"),
        "hours_of_week": _hours(local),
        "streaks": _streaks(local),
        "sessions": _sessions(plays, pd.Timedelta(minutes=pause_minutes)),
        "tracks": len(tracks),
        "artists": int(tracks["artist"].nunique()),
        "top_tracks": _head(tracks, ["plays", "ms_played"], ["plays", "ms_played", "skipped"]),
        "top_artists": _head(_by_artist(tracks), ["plays", "ms_played"], ["plays", "ms_played", "skipped", "tracks"]),
        "top_genres": _genres(tracks),
        "new_tracks_by_year": _new(tracks["first"], zone, "tracks"),
        "new_artists_by_year": _new(tracks.groupby("artist")["first"].min(), zone, "artists"),
        "first_heard": [time.to_pydatetime() for time in tracks["first"].sort_values().head(MOST)],
    }


def _counts(plays: pd.DataFrame, key: pd.Series[Any], name: str) -> list[dict[str, Any]]:
    grouped = plays.groupby(key).agg(**COUNTS)
    return [{name: value, **{column: int(row[column]) for column in COUNTS}} for value, row in grouped.iterrows()]


def _hours(plays: pd.DataFrame) -> list[dict[str, int]]:
    local = plays["local"].dt
    grouped = plays.groupby([local.isocalendar().day, local.hour]).agg(plays=("end", "size"), ms_played=("ms", "sum"))
    return [
        {"weekday": int(day), "hour": int(hour), "plays": int(row["plays"]), "ms_played": int(row["ms_played"])}
        for (day, hour), row in grouped.iterrows()
    ]


def _streaks(plays: pd.DataFrame) -> dict[str, Any]:
    days = pd.Series(sorted(plays["local"].dt.date.unique())).pipe(pd.to_datetime)
    runs = days.groupby((days.diff() != pd.Timedelta(days=1)).cumsum()).agg(["size", "min", "max"])
    best = runs.sort_values(["size", "max"], ascending=False).iloc[0]
    return {"longest": _run(best), "latest": _run(runs.iloc[-1])}


def _run(run: pd.Series[Any]) -> dict[str, Any]:
    return {"days": int(run["size"]), "first_day": f"{run['min']:%Y-%m-%d}", "last_day": f"{run['max']:%Y-%m-%d}"}


def _sessions(plays: pd.DataFrame, pause: pd.Timedelta) -> dict[str, int]:
    timed = plays.assign(start=plays["end"] - pd.to_timedelta(plays["ms"], unit="ms"))
    ordered = timed.sort_values(["end", "start"])
    start = ordered["start"]
    begins = (start - ordered["end"].shift() > pause) | ordered["end"].shift().isna()
    sessions = pd.DataFrame({"number": begins.cumsum(), "start": start, "end": ordered["end"]}).groupby("number")
    lengths = (sessions["end"].last() - sessions["start"].first()) // pd.Timedelta(milliseconds=1)
    return {"sessions": len(lengths), "total_ms": int(lengths.sum()), "longest_ms": int(lengths.max())}


def _tracks(plays: pd.DataFrame) -> pd.DataFrame:
    tracks = plays[plays["is_track"] & plays["name"].notna() & (plays["name"] != "Unknown")]
    key = tracks["uri"].fillna(tracks["artist"].fillna("") + "\n" + tracks["name"])
    return tracks.groupby(key).agg(
        artist=("artist", "max"),
        genres=("genres", lambda genres: max(genres.dropna(), default=None)),
        plays=("end", "size"),
        ms_played=("ms", "sum"),
        skipped=("skipped", "sum"),
        first=("end", "min"),
    )


def _by_artist(tracks: pd.DataFrame) -> pd.DataFrame:
    return tracks.groupby("artist").agg(
        plays=("plays", "sum"), ms_played=("ms_played", "sum"), skipped=("skipped", "sum"), tracks=("plays", "size")
    )


def _genres(tracks: pd.DataFrame) -> list[dict[str, Any]]:
    plays = tracks.explode("genres").groupby("genres")["plays"].sum()
    ordered = sorted(plays.items(), key=lambda pair: (-pair[1], str(pair[0]).encode()))
    return [{"name": name, "plays": int(count)} for name, count in ordered[:MOST]]


def _head(table: pd.DataFrame, order: list[str], columns: list[str]) -> list[dict[str, int]]:
    rows = table.sort_values(order, ascending=False).head(MOST)
    return [{column: int(row[column]) for column in columns} for _, row in rows.iterrows()]


def _new(first: pd.Series[Any], zone: str, name: str) -> list[dict[str, int]]:
    by_year = first.dt.tz_convert(zone).dt.year.value_counts().sort_index()
    return [{"year": int(year), name: int(count)} for year, count in by_year.items()]
