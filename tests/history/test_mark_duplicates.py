"""Duplicates marked in MongoDB: whichever source comes first, nothing is lost and a mark goes with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from echotune.history.catalog import refresh_catalog
from echotune.history.mark_duplicates import UNMARKED, mark_duplicates
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from tests.support.dying import dies_at
from tests.support.exports import account_record, history_zip, load_source, record, write_json
from tests.support.loading import load_file
from tests.support.rows import row, write_csv

OTHER_WORDS = {"platform": "android", "conn_country": "DE"}


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "history.csv", [row(), row(ms_played_x="5")])


@pytest.fixture
def zip_(tmp_path: Path) -> Path:
    return history_zip(tmp_path / "export.zip", [record(OTHER_WORDS), record(OTHER_WORDS, ms_played=9_999)])


def marked(store: HistoryStore) -> list[dict[str, Any]]:
    return list(store.plays.find({"duplicate_of": {"$exists": True}}))


@pytest.mark.parametrize("csv_first", [True, False])
def test_the_same_play_is_marked_whichever_source_comes_first(
    store: HistoryStore, csv: Path, zip_: Path, csv_first: bool
) -> None:
    for source in (csv, zip_) if csv_first else (zip_, csv):
        load_source(store, source)
        mark_duplicates(store)
    (duplicate,) = marked(store)
    original = store.plays.find_one({"_id": duplicate["duplicate_of"]["play"]})
    assert original is not None
    assert (original["source"]["file"], duplicate["duplicate_of"]["rule"]) == ("history.csv", "same_second")
    assert (store.plays.count_documents({}), store.plays.count_documents(UNMARKED)) == (4, 3)


def test_what_was_marked_is_told_by_rule(store: HistoryStore, tmp_path: Path, csv: Path, zip_: Path) -> None:
    load_source(store, csv)
    load_source(store, zip_)
    load_source(store, write_json(tmp_path / "StreamingHistory0.json", [account_record()]))
    assert mark_duplicates(store) == {"same_second": 1, "same_minute": 1}
    assert mark_duplicates(store) == {}


def test_a_mark_changes_the_time_of_change(store: HistoryStore, csv: Path, zip_: Path) -> None:
    load_source(store, csv)
    load_source(store, zip_)
    before = datetime.now(UTC).replace(microsecond=0)
    mark_duplicates(store)
    assert marked(store)[0]["updated_at"] >= before


def test_a_mark_goes_when_its_reason_is_gone(store: HistoryStore, csv: Path, zip_: Path) -> None:
    load_source(store, csv)
    load_source(store, zip_)
    mark_duplicates(store)
    store.plays.delete_one({"_id": marked(store)[0]["duplicate_of"]["play"]})
    store.load_runs.update_many({"kind": "chunk"}, {"$set": {"duplicates_checked": False}})
    assert mark_duplicates(store) == {"unmarked": 1}
    assert marked(store) == []


def test_a_mark_stays_when_its_original_is_archived(store: HistoryStore, csv: Path, zip_: Path) -> None:
    load_source(store, csv)
    load_source(store, zip_)
    mark_duplicates(store)
    original = marked(store)[0]["duplicate_of"]["play"]
    store.plays.delete_one({"_id": original})
    store.archived_plays.insert_one({"_id": original})
    store.load_runs.update_many({"kind": "chunk"}, {"$set": {"duplicates_checked": False}})
    assert mark_duplicates(store) == {}
    assert len(marked(store)) == 1


@pytest.mark.parametrize("chunk_rows", [2, 3], ids=["a chunk that stays", "a chunk that grows"])
def test_plays_of_a_load_that_was_killed_anywhere_are_compared_also_when_its_file_has_grown(
    store: HistoryStore, tmp_path: Path, zip_: Path, mongodb_uri: str, chunk_rows: int
) -> None:
    before, later = [row(), row(ms_played_x="5")], row(ts_x="2023-01-01T00:00:00Z")

    def load(cells: Sequence[Sequence[str]], into: HistoryStore) -> None:
        load_file(into, write_csv(tmp_path / "history.csv", cells), chunk_rows=chunk_rows)

    number, died = 0, True
    while died:
        number += 1
        for collection in (store.plays, store.load_runs):
            collection.delete_many({})
        load_source(store, zip_)
        mark_duplicates(store)
        died = dies_at(number, mongodb_uri, store.database.name, partial(load, before))
        load([*before, later], store)
        assert mark_duplicates(store) == {"same_second": 1}, f"killed before command {number}"
    assert number > 5


def test_the_catalog_counts_a_play_once(store: HistoryStore, csv: Path, zip_: Path) -> None:
    load_source(store, csv)
    load_source(store, zip_)
    mark_duplicates(store)
    refresh_catalog(store)
    track = store.tracks.find_one()
    assert track is not None
    assert track["play_count"] == 3
    assert check_catalog(store).passed


def insert_recent(store: HistoryStore, times: Sequence[datetime], **record: int) -> None:
    """Plays of the Web API, as the only one that is there was played, and the record of their load."""
    plain = store.plays.find_one()
    assert plain is not None
    del plain["listening"]["ms_played"]
    source = {"format": "recently_played", "sha256": "a" * 64}
    for number, time in enumerate(times):
        place = {"_id": f"recent {number}", "timestamp": time, "source": source | {"row": number}}
        store.plays.insert_one(plain | place)
    store.load_runs.insert_one({"kind": "chunk", "source": source, "duplicates_checked": False} | record)


def test_partners_on_both_sides_of_a_months_end_are_found(store: HistoryStore, tmp_path: Path) -> None:
    last = {"ts_x": "2017-03-31 23:59:55+00:00"}
    load_file(store, write_csv(tmp_path / "history.csv", [row(last)]))
    insert_recent(store, [datetime(2017, 4, 1, 0, 0, 0, 500_000, tzinfo=UTC)])
    assert mark_duplicates(store) == {"recently_played": 1}


@pytest.mark.parametrize(("record", "marks"), [({}, {"recently_played": 1}), ({"uncounted_from": 1}, {})])
def test_only_months_are_looked_at_that_got_plays(
    store: HistoryStore, csv: Path, record: dict[str, int], marks: dict[str, int]
) -> None:
    load_file(store, csv)
    mark_duplicates(store)
    insert_recent(store, [datetime(2017, 4, 4, 6, 32, 5, tzinfo=UTC), datetime(2018, 4, 4, tzinfo=UTC)], **record)
    assert mark_duplicates(store) == marks


def test_the_plays_of_other_users_stay_their_own(store: HistoryStore, tmp_path: Path) -> None:
    load_file(store, write_csv(tmp_path / "history.csv", [row()]))
    load_source(store, history_zip(tmp_path / "export.zip", [record(OTHER_WORDS)]), username="bert")
    assert mark_duplicates(store) == {}
