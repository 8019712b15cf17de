"""The proof of a load: numbers that are off are failures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from echotune.history.catalog import refresh_catalog
from echotune.history.counts import LoadCounts
from echotune.history.errors import HistoryError
from echotune.history.reconcile import check_catalog, check_plays, check_rows, reconcile_load, require_user
from echotune.history.settings import LoadSettings
from echotune.history.store import HistoryStore
from echotune.reconciliation import Check
from tests.support.loading import Loaded, load_file
from tests.support.rows import row, rows, write_csv

SETTINGS = LoadSettings(max_bad_share=1)


@pytest.fixture
def loaded(store: HistoryStore, tmp_path: Path) -> Loaded:
    """Ten rows: eight plays, a repeat, a bad row."""
    path = write_csv(tmp_path / "history.csv", [*rows(8), *rows(1), row(Energy="loud")])
    result = load_file(store, path)
    refresh_catalog(store)
    return result


def failed(checks: list[Check]) -> list[str]:
    return [check.what for check in checks if not check.passed]


def state_of_file(store: HistoryStore) -> str:
    record = store.load_runs.find_one({"kind": "file"})
    assert record is not None
    return str(record["state"])


def test_a_right_load_passes_every_check(store: HistoryStore, loaded: Loaded) -> None:
    assert failed(reconcile_load(store, [(loaded.plan, loaded.counts)], SETTINGS)) == []


def test_a_right_load_is_recorded_as_done(store: HistoryStore, loaded: Loaded) -> None:
    reconcile_load(store, [(loaded.plan, loaded.counts)], SETTINGS)
    assert state_of_file(store) == "done"


def test_a_load_that_is_off_is_recorded_as_failed(store: HistoryStore, loaded: Loaded) -> None:
    reconcile_load(store, [(loaded.plan, replace(loaded.counts, rows=9))], SETTINGS)
    assert state_of_file(store) == "failed"


def test_rows_that_were_not_read_are_a_failure(loaded: Loaded) -> None:
    assert failed(check_rows(loaded.plan, replace(loaded.counts, rows=9))) == ["history.csv: rows read"]


@pytest.mark.parametrize("fate", ["inserted", "already_there", "repeats", "rejected", "other_users"])
def test_rows_whose_fates_do_not_add_up_are_a_failure(loaded: Loaded, fate: str) -> None:
    counts = loaded.counts + LoadCounts(**{fate: 1})
    assert failed(check_rows(loaded.plan, counts)) == ["history.csv: rows accounted for"]


def test_a_play_that_is_gone_is_a_failure(store: HistoryStore, loaded: Loaded) -> None:
    store.plays.delete_one({})
    assert str(check_plays(store, loaded.plan, SETTINGS)) == (
        "history.csv: plays in MongoDB: expected at least 8, found 7: OFF BY -1"
    )


def test_a_play_that_no_track_counts_is_a_failure(store: HistoryStore, loaded: Loaded) -> None:
    store.tracks.update_one({}, {"$inc": {"play_count": -1}})
    assert str(check_catalog(store)) == "plays counted in tracks: expected 8, found 7: OFF BY -1"


def test_a_play_that_is_marked_as_a_duplicate_is_not_expected_in_the_catalog(
    store: HistoryStore, loaded: Loaded
) -> None:
    play = store.plays.find_one()
    assert play is not None
    store.plays.insert_one(play | {"_id": "twin", "duplicate_of": {"play": play["_id"], "rule": "same_second"}})
    assert check_catalog(store).passed
    store.plays.update_one({"_id": "twin"}, {"$unset": {"duplicate_of": ""}})
    assert not check_catalog(store).passed


def test_an_empty_catalog_of_no_plays_is_right(store: HistoryStore) -> None:
    assert check_catalog(store).passed


def test_a_user_that_no_row_is_of_is_named() -> None:
    with pytest.raises(HistoryError, match="username is 'ana', and none of the 10 rows is of that user"):
        require_user(LoadCounts(rows=10, other_users=9, rejected=1), LoadSettings(username="ana"))


def test_a_user_with_rows_among_others_is_right() -> None:
    require_user(LoadCounts(rows=10, other_users=9, inserted=1), LoadSettings(username="anna"))


def test_bad_rows_of_all_chunks_together_count_as_too_many(store: HistoryStore, loaded: Loaded) -> None:
    with pytest.raises(HistoryError, match="history.csv: 1 of 10 rows are bad, more than max_bad_share .5.0%. allows"):
        reconcile_load(store, [(loaded.plan, loaded.counts)], LoadSettings())


def test_a_dry_run_is_checked_by_its_rows_alone(store: HistoryStore, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "history.csv", rows(3))
    result = load_file(store, path, dry_run=True)
    checks = reconcile_load(store, [(result.plan, result.counts)], LoadSettings(dry_run=True))
    assert [check.what for check in checks] == ["history.csv: rows read", "history.csv: rows accounted for"]
    assert store.database.list_collection_names() == []
