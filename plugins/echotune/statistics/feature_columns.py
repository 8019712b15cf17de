"""The columns of the tables that a model learns from, described once: in the files, and in docs/statistics.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

AUDIO_FEATURES = (
    "danceability",
    "energy",
    "key",
    "loudness",
    "mode",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
    "valence",
    "tempo",
    "time_signature",
)


@dataclass(frozen=True, kw_only=True)
class FeatureColumn:
    """A column: its name, its type in the file, and what it holds; null where nothing is known."""

    name: str
    type: pa.DataType
    meaning: str


def column(name: str, type_: pa.DataType, meaning: str) -> FeatureColumn:
    """Describe a column."""
    return FeatureColumn(name=name, type=type_, meaning=meaning)


TRACK_COLUMNS = (
    column("track_id", pa.string(), "Spotify's id, 22 characters; the key"),
    column("name", pa.string(), "the track's name"),
    column("artist", pa.string(), "the artist's name"),
    column("plays", pa.int64(), "plays of everyone"),
    column("users", pa.int64(), "users who played it"),
    column("ms_played", pa.int64(), "milliseconds played by everyone"),
    column("skip_rate", pa.float64(), "skipped plays by plays of which it is known, 0 to 1"),
    column("completion", pa.float64(), "mean share of the track that was heard, 0 to 1; needs its duration"),
    column("first_played_at", pa.timestamp("ms", tz="UTC"), "the first play's end"),
    column("last_played_at", pa.timestamp("ms", tz="UTC"), "the last play's end"),
    column("duration_ms", pa.int64(), "the track's length in milliseconds"),
    column("popularity", pa.int64(), "Spotify's popularity, 0 to 100"),
    column("explicit", pa.bool_(), "whether its words are explicit"),
    column("release_year", pa.int64(), "the year it came out"),
    column("genres", pa.list_(pa.string()), "genres of its artists"),
    *(column(name, pa.float64(), "as Spotify measures it") for name in AUDIO_FEATURES),
    column("audio_features_provider", pa.string(), "who told the audio features; `history` for the file itself"),
)

USER_COLUMNS = (
    column("username", pa.string(), "the Spotify user; the key"),
    column("time_zone", pa.string(), "by whose clock hours and days are told"),
    column("plays", pa.int64(), "plays"),
    column("ms_played", pa.int64(), "milliseconds played"),
    column("tracks", pa.int64(), "distinct tracks"),
    column("artists", pa.int64(), "distinct artists"),
    column("skip_rate", pa.float64(), "skipped plays by plays of which it is known, 0 to 1"),
    column("sessions", pa.int64(), "sessions"),
    column("average_session_ms", pa.float64(), "mean length of a session in milliseconds"),
    column("longest_streak_days", pa.int64(), "most days in a row with a play"),
    column("top_artist_share", pa.float64(), "the most played artist's share of plays, 0 to 1"),
    column("night_share", pa.float64(), "share of plays from 0 to 6 o'clock, 0 to 1"),
    column("weekend_share", pa.float64(), "share of plays on Saturday and Sunday, 0 to 1"),
    *(column(f"mean_{name}", pa.float64(), "mean over plays whose track is known by it") for name in AUDIO_FEATURES),
)


def schema_of(columns: Sequence[FeatureColumn]) -> pa.Schema:
    """The schema of a file; each field carries its meaning."""
    return pa.schema([pa.field(each.name, each.type, metadata={"meaning": each.meaning}) for each in columns])
