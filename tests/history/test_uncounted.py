"""What waits to be counted: exactly the tracks whose plays a load may have brought, and never too few."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from echotune.history.catalog import refresh_catalog
from echotune.history.load_runs import make_catalog_due
from echotune.history.store import HistoryStore
from echotune.history.uncounted import Uncounted, note_marks
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"


def load(store: HistoryStore, path: Path, *numbers: int) -> None:
    """Load a play of each of some tracks."""
    cells = [row(spotify_track_uri=track_uri(number), ms_played_x=str(number)) for number in numbers]
    load_file(store, write_csv(path, cells), chunk_rows=1_000)


def cut_off(*_: object, **__: object) -> None:
    raise ConnectionError


def waiting(store: HistoryStore) -> set[str]:
    return {uri for uris in Uncounted.of(store).tracks() for uri in uris}


def test_the_tracks_of_new_plays_wait_until_they_are_counted(store: HistoryStore, path: Path) -> None:
    load(store, path, 1, 2)
    assert waiting(store) == {track_uri(1), track_uri(2)}
    refresh_catalog(store)
    assert waiting(store) == set()


def test_of_a_file_that_grew_only_what_is_new_waits(store: HistoryStore, path: Path) -> None:
    load(store, path, *range(1, 1_001))
    refresh_catalog(store)
    load(store, path, *range(1, 1_003))
    assert waiting(store) == {track_uri(1_001), track_uri(1_002)}


def test_plays_of_a_load_that_was_cut_off_wait_too(
    store: HistoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echotune.history.load.finish_chunk", cut_off)
    with pytest.raises(ConnectionError):
        load(store, path, 1, 2)
    assert waiting(store) == {track_uri(1), track_uri(2)}
    assert (Uncounted.of(store).is_at_most(1), Uncounted.of(store).is_at_most(2)) == (False, True)


def test_plays_that_are_no_tracks_wait_for_nothing(store: HistoryStore, path: Path) -> None:
    load_file(store, write_csv(path, [row(spotify_track_uri=uri) for uri in ("", "spotify:episode:" + "0" * 22)]))
    assert waiting(store) == set()


def test_a_load_while_the_others_are_counted_waits_for_the_next_count(store: HistoryStore, path: Path) -> None:
    load(store, path, 1)
    counted = Uncounted.of(store)
    store.load_runs.update_many({"kind": "chunk"}, {"$currentDate": {"updated_at": True}})  # as a load does
    counted.settle()
    assert waiting(store) == {track_uri(1)}


def test_how_many_plays_changed_is_told_by_loads_and_marks(store: HistoryStore, path: Path) -> None:
    load(store, path, 1, 2)
    assert (Uncounted.of(store).is_at_most(1), Uncounted.of(store).is_at_most(2)) == (False, True)
    note_marks(store, uuid4(), [track_uri(3), track_uri(3)])
    assert (Uncounted.of(store).is_at_most(2), Uncounted.of(store).is_at_most(3)) == (False, True)


def test_who_was_forgotten_may_have_had_any_number_of_plays(store: HistoryStore) -> None:
    make_catalog_due(store)
    assert not Uncounted.of(store).is_at_most(1_000_000)
