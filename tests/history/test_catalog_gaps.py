"""What lost its plays to others: nothing is counted of it any more, whoever was killed meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from echotune.history.catalog import build_collection, refresh_catalog
from echotune.history.store import HistoryStore
from tests.support.databases import contents
from tests.support.dying import dies_at
from tests.support.loading import load_file
from tests.support.rows import row, write_csv

OURS, ANOTHER, FORMER = ("B" * 22, "C" * 22, "D" * 22)
NO_COUNTS = (0, 0)


@pytest.fixture
def counted(store: HistoryStore, tmp_path: Path) -> HistoryStore:
    """A play of a track of our album."""
    of_ours = row({"Album URI_releases": f"spotify:album:{OURS}"})
    load_file(store, write_csv(tmp_path / "history.csv", [of_ours]))
    refresh_catalog(store)
    return store


def count(store: HistoryStore) -> None:
    build_collection(store, "albums")


def counts(store: HistoryStore) -> dict[str, tuple[int, int]]:
    """The plays and tracks of each album."""
    return {one: (album["play_count"], album["track_count"]) for one, album in contents(store.albums).items()}


def test_an_album_that_lost_its_tracks_has_none_whenever_the_count_was_killed(
    counted: HistoryStore, mongodb_uri: str
) -> None:
    before = contents(counted.albums)
    counted.tracks.update_one({}, {"$set": {"album_uri": f"spotify:album:{ANOTHER}"}})  # as Spotify tells it
    number, died = 0, True
    while died:
        number += 1
        counted.albums.delete_many({})
        counted.albums.insert_many(before.values())
        died = dies_at(number, mongodb_uri, counted.database.name, count)
        count(counted)
        assert counts(counted) == {OURS: NO_COUNTS, ANOTHER: (1, 1)}, f"killed before command {number}"
    assert number > 3


def test_a_count_of_tracks_that_stayed_without_plays_is_taken_away(counted: HistoryStore) -> None:
    counted.albums.insert_one({"_id": FORMER, "play_count": 0, "track_count": 2})
    count(counted)
    assert counts(counted) == {OURS: (1, 1), FORMER: NO_COUNTS}
