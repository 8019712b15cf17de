"""The tables that a model learns from: a row a track and a row a user, in columns that say what they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from echotune.history.catalog import refresh_catalog
from echotune.history.store import HistoryStore
from echotune.statistics.feature_columns import TRACK_COLUMNS, USER_COLUMNS
from echotune.statistics.feature_files import write_features
from echotune.statistics.refresh import refresh_statistics
from echotune.statistics.settings import StatisticsSettings
from local.sample import write_sample
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv

KNOWN = {"Danceability": "0.5", "Energy": "0.25", "Track Duration (ms)_releases": "100000.0"}


@pytest.fixture
def written(store: HistoryStore, tmp_path: Path) -> Path:
    """The files of two users' plays of two tracks."""
    first, second = track_uri(1), track_uri(2)
    load_file(
        store,
        write_csv(
            tmp_path / "history.csv",
            [
                row(KNOWN, spotify_track_uri=first, ms_played_x="50000", skipped="True"),
                row(KNOWN, spotify_track_uri=first, ms_played_x="100000", skipped="False", username="bert"),
                row(spotify_track_uri=second, ms_played_x="5", skipped=""),
            ],
        ),
    )
    refresh_catalog(store)
    refresh_statistics(store, StatisticsSettings())
    write_features(store, str(tmp_path / "features"), Path)
    return tmp_path / "features"


def rows_of(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / name).to_pylist()
    return found


def test_a_track_has_one_row_whoever_played_it(written: Path) -> None:
    first, second = rows_of(written, "tracks.parquet")
    assert (first["track_id"], first["plays"], first["users"]) == (f"{1:022}", 2, 2)
    assert (first["skip_rate"], first["completion"], first["danceability"]) == (0.5, 0.75, 0.5)
    assert (second["skip_rate"], second["completion"], second["danceability"]) == (None, None, None)


def test_a_user_has_one_row(written: Path) -> None:
    anna, bert = rows_of(written, "users.parquet")
    assert (anna["username"], anna["plays"], anna["tracks"]) == ("anna", 2, 2)
    assert (bert["mean_energy"], bert["skip_rate"], bert["longest_streak_days"]) == (0.25, 0.0, 1)


@pytest.mark.parametrize(("name", "columns"), [("tracks", TRACK_COLUMNS), ("users", USER_COLUMNS)])
def test_each_column_says_what_it_holds(written: Path, name: str, columns: Any) -> None:
    schema = pq.read_schema(written / f"{name}.parquet")
    assert [field.name for field in schema] == [column.name for column in columns]
    assert all(field.metadata[b"meaning"] for field in schema)


def test_files_are_replaced_whole(store: HistoryStore, written: Path) -> None:
    store.plays.delete_many({"user.username": "bert"})
    write_features(store, str(written), Path)
    assert [each["users"] for each in rows_of(written, "tracks.parquet")] == [1, 1]
    assert sorted(path.name for path in written.iterdir()) == ["tracks.parquet", "users.parquet"]


def test_a_sample_gives_a_row_for_every_track_that_was_played(store: HistoryStore, tmp_path: Path) -> None:
    write_sample(tmp_path / "sample.csv", rows=1_500, seed=5)
    load_file(store, tmp_path / "sample.csv")
    refresh_catalog(store)
    refresh_statistics(store, StatisticsSettings())
    tracks, _ = write_features(store, str(tmp_path / "features"), Path)
    found = rows_of(tmp_path / "features", "tracks.parquet")
    assert tracks.rows == len(found) == store.tracks.count_documents({})
    assert sum(each["plays"] for each in found) == sum(each["play_count"] for each in store.tracks.find())
    assert all(each["first_played_at"] > datetime(2009, 1, 1, tzinfo=UTC) for each in found)
