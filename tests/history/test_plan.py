"""The plan of a load, and the record of loads that it rests on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from echotune.history.plan import FilePlan, plan_file
from echotune.history.preflight import inspect_file
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryFile
from echotune.history.store import HistoryStore
from tests.support.databases import plays_of
from tests.support.loading import load_file, require_reconciled
from tests.support.rows import row, rows, write_csv


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "history.csv", rows(10))


def waiting(store: HistoryStore, path: Path, **settings: Any) -> list[int]:
    chosen = LoadSettings.of({"chunk_rows": 4} | settings)
    return [chunk.index for chunk in plan_file(store, path, inspect_file(HistoryFile(path=path)), chosen)[1]]


def test_a_new_file_is_planned_whole(store: HistoryStore, path: Path) -> None:
    plan, chunks = plan_file(store, path, inspect_file(HistoryFile(path=path)), LoadSettings(chunk_rows=4))
    assert (plan.rows, plan.done_chunks, [chunk.rows for chunk in chunks]) == (10, 0, [4, 4, 2])


def test_a_done_chunk_is_skipped(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4, order=lambda chunks: chunks[:2])
    assert waiting(store, path) == [2]


def test_the_rows_of_a_skipped_chunk_are_already_there(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    plan, _ = plan_file(store, path, inspect_file(HistoryFile(path=path)), LoadSettings(chunk_rows=4))
    assert (plan.done_chunks, plan.done.rows, plan.done.already_there, plan.done.inserted) == (3, 10, 10, 0)


def test_the_same_content_under_another_name_is_skipped(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    assert waiting(store, path.rename(path.with_name("renamed.csv"))) == []


def test_the_old_chunks_of_a_file_that_grew_are_skipped(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    write_csv(path, rows(13))
    assert waiting(store, path) == [2, 3]


def test_a_chunk_of_another_user_is_not_skipped(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4, username="berta")
    assert waiting(store, path, username="anna") == [0, 1, 2]


def test_a_chunk_under_another_policy_is_not_skipped(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    assert waiting(store, path, pii_policy="keep") == [0, 1, 2]


def test_a_chunk_with_bad_rows_is_not_skipped_where_a_person_wants_to_stop_at_them(
    store: HistoryStore, path: Path
) -> None:
    write_csv(path, [*rows(5), row(Energy="loud"), *rows(4, start=5)])
    load_file(store, path, chunk_rows=4)
    assert waiting(store, path, on_bad_row="stop") == [1]


def test_deleted_plays_are_loaded_again(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    before = plays_of(store)
    store.plays.delete_many({"source.row": {"$in": [2, 9]}})
    again = load_file(store, path, chunk_rows=4)
    assert plays_of(store) == before
    require_reconciled(store, again)


def test_deleted_plays_of_a_file_that_grew_are_loaded_again(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    write_csv(path, rows(13))
    load_file(store, path, chunk_rows=4)
    store.plays.delete_many({"source.row": 2})
    again = load_file(store, path, chunk_rows=4)
    assert store.plays.count_documents({}) == 13
    require_reconciled(store, again)


def test_a_dropped_collection_is_loaded_again(store: HistoryStore, path: Path) -> None:
    load_file(store, path)
    store.plays.drop()
    assert load_file(store, path).counts.inserted == 10


def test_a_load_that_brought_nothing_new_is_skipped_the_next_time(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    load_file(store, write_csv(path.with_name("part.csv"), rows(6)), chunk_rows=4)
    assert waiting(store, path.with_name("part.csv")) == []


def test_other_chunks_are_skipped_as_well_once_they_are_loaded(store: HistoryStore, path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    load_file(store, path, chunk_rows=3)
    assert waiting(store, path, chunk_rows=3) == []


def test_a_recorded_plan_is_the_plan_made_anew(store: HistoryStore, path: Path) -> None:
    file, settings = inspect_file(HistoryFile(path=path)), LoadSettings(chunk_rows=4)
    assert plan_file(store, path, file, settings) == plan_file(store, path, file, settings)


def test_a_dry_run_records_no_plan(store: HistoryStore, path: Path) -> None:
    waiting(store, path, dry_run=True)
    assert store.database.list_collection_names() == []


def test_a_plan_survives_its_way_between_tasks(store: HistoryStore, path: Path) -> None:
    plan, _ = plan_file(store, path, inspect_file(HistoryFile(path=path)), LoadSettings(chunk_rows=4))
    assert FilePlan.from_dict(asdict(plan)) == plan
