"""What a few plays change, counted by itself: it must come to what counting everything comes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from echotune.history import catalog, catalog_parts, load_runs, uncounted
from echotune.history.catalog import CATALOG, build_collections, refresh_catalog
from echotune.history.load_runs import make_catalog_due
from echotune.history.mark_duplicates import mark_duplicates
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from echotune.history.uncounted import MARKS, note_marks
from tests.support.archiving import archive_all
from tests.support.databases import contents, fresh_store
from tests.support.dying import dies_at
from tests.support.exports import history_zip, load_source, record
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv

FEW = 1.0
"""Of the plays of these tests, all of them are few."""

Names = dict[str, str]
"""The cells of a track: which it is, and what the file says of it."""


def uri(kind: str, letter: str) -> str:
    return f"spotify:{kind}:{letter * 22}" if letter else ""


def play(number: int, *, artist: str = "", album: str = "", artist_id: str = "", album_id: str = "") -> Names:
    """A play of the track of that number. A letter makes an id."""
    return {
        "spotify_track_uri": track_uri(number),
        "master_metadata_track_name_x": f"Track {number}",
        "master_metadata_album_artist_name_x": artist,
        "master_metadata_album_album_name_x": album,
        "Album Artist URI(s)_releases": uri("artist", artist_id),
        "Album URI_releases": uri("album", album_id),
    }


plays = st.builds(
    play,
    st.integers(1, 5),
    artist=st.sampled_from(["Ann", "Bob", ""]),
    album=st.sampled_from(["First", "Second", ""]),
    artist_id=st.sampled_from(["A", "B", ""]),
    album_id=st.sampled_from(["C", "D", ""]),
)
"""Plays of a few tracks, whose names and ids every file tells in its own way."""

ANN, BOB, CID = ({"artist": name, "album": "First"} for name in ("Ann", "Bob", "Cid"))
ONE, OTHER = {"artist_id": "A", "album_id": "C"}, {"artist_id": "B", "album_id": "D"}

ID_OF_ANOTHER_TRACK = [[play(1, **ANN, **ONE)], [play(2, **ANN)]]
A_SECOND_ID = [[play(1, **ANN, **ONE), play(2, **ANN)], [play(3, **ANN, **OTHER)]]
OTHER_NAMES = [[play(1, **ANN, **ONE), play(2, **BOB, **ONE), play(3, **BOB, **OTHER), play(4, **CID, **OTHER)]]


def write_plays(path: Path, files: int, cells: list[Names]) -> Path:
    """A file whose plays no other has."""
    hour = f"2018-01-{files // 24 + 1:02d} {files % 24:02d}"
    return write_csv(path, [row(one, ts_x=f"{hour}:00:{at:02d}+00:00") for at, one in enumerate(cells)])


@contextmanager
def parts_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail where all is counted."""
    with monkeypatch.context() as patched:
        patched.setattr(catalog, "build_collections", lambda *_: pytest.fail("all was counted"))
        yield


def counted(store: HistoryStore) -> dict[str, Any]:
    return {name: contents(store.database[name], without=("updated_at",)) for name in CATALOG}


@settings(max_examples=15)
@example(ID_OF_ANOTHER_TRACK)
@example(A_SECOND_ID)
@example([*OTHER_NAMES, [play(1, **ANN, **ONE)]])
@given(st.lists(st.lists(plays, min_size=1, max_size=4), min_size=1, max_size=4))
def test_parts_come_to_what_counting_everything_comes_to(
    mongodb_client: MongoClient[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: list[list[Names]],
) -> None:
    with fresh_store(mongodb_client) as in_parts, fresh_store(mongodb_client) as whole:
        for number, cells in enumerate(files):
            path = write_plays(tmp_path / "history.csv", number, cells)
            for store in (in_parts, whole):
                load_file(store, path)
            with parts_alone(monkeypatch):
                refresh_catalog(in_parts, few=FEW)
            refresh_catalog(whole, few=0)
            assert counted(in_parts) == counted(whole)


@pytest.fixture
def store_of_tracks(store: HistoryStore, tmp_path: Path) -> HistoryStore:
    """Three tracks, each with a play that is counted."""
    cells = [{"spotify_track_uri": track_uri(number)} for number in (1, 2, 3)]
    load_file(store, write_plays(tmp_path / "first.csv", 0, cells))
    refresh_catalog(store)
    return store


def load_more(store: HistoryStore, folder: Path, *numbers: int) -> None:
    """Load another play of some tracks."""
    cells = [{"spotify_track_uri": track_uri(number)} for number in numbers]
    load_file(store, write_plays(folder / "more.csv", 1, cells))


def count_few(store: HistoryStore) -> None:
    refresh_catalog(store, few=FEW)


def counts_all(store: HistoryStore) -> bool:
    """Whether the catalog is what counting everything makes of it, which is done hereby."""
    found = counted(store)
    build_collections(store, CATALOG)
    return counted(store) == found


def test_only_what_few_plays_change_is_counted(
    store_of_tracks: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_of_tracks.tracks.update_one({"uri": track_uri(1)}, {"$set": {"play_count": 99}})
    store_of_tracks.tracks.update_one({"uri": track_uri(2)}, {"$set": {"play_count": -97}})
    load_more(store_of_tracks, tmp_path, 3)
    with parts_alone(monkeypatch):
        count_few(store_of_tracks)
    counts = {track["uri"]: track["play_count"] for track in store_of_tracks.tracks.find()}
    assert counts == {track_uri(1): 99, track_uri(2): -97, track_uri(3): 2}


@pytest.mark.parametrize(("module", "limit"), [(uncounted, "TRACKS_AT_ONCE"), (load_runs, "RECORDS_AT_ONCE")])
def test_what_does_not_fit_into_one_command_is_counted_in_several(
    store_of_tracks: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, limit: str
) -> None:
    monkeypatch.setattr(module, limit, 1)
    load_more(store_of_tracks, tmp_path, 1, 2, 4)
    load_file(store_of_tracks, write_plays(tmp_path / "other.csv", 2, [{"spotify_track_uri": track_uri(1)}]))
    with parts_alone(monkeypatch):
        count_few(store_of_tracks)
    assert counts_all(store_of_tracks)


def test_artists_and_albums_that_are_too_many_to_name_are_all_counted(
    store_of_tracks: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_parts, "MOST_NAMES", 0)
    load_more(store_of_tracks, tmp_path, 1, 4)
    count_few(store_of_tracks)
    assert counts_all(store_of_tracks)


def test_archived_plays_of_a_track_count_with_its_new_ones(
    store_of_tracks: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_all(store_of_tracks, tmp_path)
    build_collections(store_of_tracks, CATALOG)
    load_more(store_of_tracks, tmp_path, 1)
    with parts_alone(monkeypatch):
        count_few(store_of_tracks)
    assert counts_all(store_of_tracks)
    assert store_of_tracks.archived_plays.count_documents({}) == 3


def test_all_is_counted_where_the_parts_do_not_add_up(store_of_tracks: HistoryStore, tmp_path: Path) -> None:
    store_of_tracks.plays.delete_many({"spotify_track_uri": track_uri(1)})
    load_more(store_of_tracks, tmp_path, 2)
    count_few(store_of_tracks)
    assert check_catalog(store_of_tracks).passed
    assert counts_all(store_of_tracks)


def test_all_is_counted_where_plays_were_taken_away(store_of_tracks: HistoryStore) -> None:
    store_of_tracks.plays.delete_many({"spotify_track_uri": track_uri(1)})
    make_catalog_due(store_of_tracks)
    count_few(store_of_tracks)
    assert counts_all(store_of_tracks)


def test_a_count_that_is_killed_anywhere_is_completed_by_the_next(
    store_of_tracks: HistoryStore, tmp_path: Path, mongodb_uri: str
) -> None:
    store, number, died = store_of_tracks, 0, True
    while died:
        number += 1
        # The track gets another artist's name: whoever comes next no longer finds the one it had.
        load_file(store, write_plays(tmp_path / "more.csv", number, [play(1, **(ANN, BOB)[number % 2])]))
        died = dies_at(number, mongodb_uri, store.database.name, count_few)
        count_few(store)
        assert counts_all(store)
    assert number > 20


# --- marks of duplicates

SAME_PLAY = {"platform": "android", "conn_country": "DE"}


@pytest.fixture
def store_of_an_export(store: HistoryStore, tmp_path: Path) -> HistoryStore:
    """Plays of Spotify's export, counted; of a CSV, one of them, loaded, and kept rather than the export's."""
    load_source(store, history_zip(tmp_path / "export.zip", [record(SAME_PLAY), record(SAME_PLAY, ms_played=9_999)]))
    mark_duplicates(store)
    refresh_catalog(store)
    load_file(store, write_csv(tmp_path / "history.csv", [row()]))
    return store


def test_a_play_that_is_marked_after_it_was_counted_counts_no_more(
    store_of_an_export: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mark_duplicates(store_of_an_export) == {"same_second": 1}
    with parts_alone(monkeypatch):
        count_few(store_of_an_export)
    assert counts_all(store_of_an_export)


@pytest.mark.parametrize("waits", [True, False], ids=["the load waits", "the load is counted"])
def test_a_count_just_before_plays_are_marked_is_mended_by_the_next(
    store_of_an_export: HistoryStore, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    if not waits:
        refresh_catalog(store_of_an_export)
    write = note_marks

    def note_and_count(store: HistoryStore, *note: Any) -> None:
        write(store, *note)
        monkeypatch.undo()
        refresh_catalog(store)

    monkeypatch.setattr("echotune.history.mark_duplicates.note_marks", note_and_count)
    assert mark_duplicates(store_of_an_export) == {"same_second": 1}
    assert not check_catalog(store_of_an_export).passed
    with parts_alone(monkeypatch):
        count_few(store_of_an_export)
    assert counts_all(store_of_an_export)


def test_marks_count_whenever_whoever_writes_them_is_killed(
    store_of_an_export: HistoryStore, mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, number = store_of_an_export, 1
    while dies_at(number, mongodb_uri, store.database.name, mark_duplicates):
        number += 1
        with parts_alone(monkeypatch):
            count_few(store)
        assert counts_all(store)
    assert number > 5


def test_no_note_of_marks_stays_once_they_are_counted(store_of_an_export: HistoryStore) -> None:
    mark_duplicates(store_of_an_export)
    assert store_of_an_export.load_runs.count_documents({"kind": MARKS}) == 1
    refresh_catalog(store_of_an_export)
    assert store_of_an_export.load_runs.count_documents({"kind": MARKS}) == 0
