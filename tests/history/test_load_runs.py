"""What the record of loads says that is still to be done: new plays are told of once, and never left untold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from echotune.enrichment.embedding import embed_due
from echotune.history.catalog import refresh_catalog
from echotune.history.load_runs import announce_new_plays, is_unfinished
from echotune.history.mark_duplicates import mark_duplicates
from echotune.history.store import HistoryStore
from tests.support.dying import dies_at
from tests.support.loading import load_file
from tests.support.rows import row, write_csv


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "history.csv", [row(Energy="0.5"), row(ms_played_x="5")])


def test_new_plays_are_announced_by_one_run_alone(store: HistoryStore, csv: Path) -> None:
    load_file(store, csv)
    refresh_catalog(store)
    assert [announce_new_plays(store, run) for run in ("first", "second")] == [1, 0]


def test_a_run_that_is_tried_again_announces_what_it_did_before(store: HistoryStore, csv: Path) -> None:
    load_file(store, csv)
    refresh_catalog(store)
    assert [announce_new_plays(store, "first") for _ in range(2)] == [1, 1]


def test_plays_of_a_run_that_failed_behind_the_load_are_announced_by_the_next(store: HistoryStore, csv: Path) -> None:
    load_file(store, csv)
    refresh_catalog(store)  # and then it failed
    assert not load_file(store, csv).chunks, "they are there, and not read again"
    refresh_catalog(store)
    assert announce_new_plays(store, "next") == 1


def test_plays_of_a_load_that_was_killed_anywhere_are_announced_by_the_next(
    store: HistoryStore, csv: Path, mongodb_uri: str
) -> None:
    for number in count(1):
        died = dies_at(number, mongodb_uri, store.database.name, lambda own: load_file(own, csv))
        load_file(store, csv)
        refresh_catalog(store)
        assert announce_new_plays(store, "next") == 1, f"killed before command {number}"
        if not died:
            break
        for collection in (store.plays, store.load_runs):
            collection.delete_many({})


def test_plays_that_are_not_in_the_catalog_wait(store: HistoryStore, csv: Path) -> None:
    load_file(store, csv)
    assert announce_new_plays(store, "first") == 0
    refresh_catalog(store)
    assert announce_new_plays(store, "second") == 1


def test_a_file_whose_plays_are_all_known_is_not_announced(store: HistoryStore, csv: Path, tmp_path: Path) -> None:
    load_file(store, csv)
    refresh_catalog(store)
    announce_new_plays(store, "first")
    load_file(store, write_csv(tmp_path / "again.csv", [row(ms_played_x="5"), row()]))
    refresh_catalog(store)
    assert announce_new_plays(store, "second") == 0


STEPS: dict[str, Callable[[HistoryStore], object]] = {
    "duplicates": mark_duplicates,
    "catalog": refresh_catalog,
    "embedding": embed_due,
    "announcement": lambda store: announce_new_plays(store, "run"),
}


def test_a_load_is_finished_once_all_behind_it_is_done(store: HistoryStore, csv: Path) -> None:
    load_file(store, csv)
    for step in STEPS.values():
        step(store)
    assert not is_unfinished(store)


@pytest.mark.parametrize("missing", STEPS)
def test_a_load_is_unfinished_while_a_step_behind_it_is_not_done(store: HistoryStore, csv: Path, missing: str) -> None:
    load_file(store, csv)
    for name, step in STEPS.items():
        if name != missing:
            step(store)
    assert is_unfinished(store)
    for step in STEPS.values():
        step(store)
    assert not is_unfinished(store)
