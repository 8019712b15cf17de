"""Archived plays and the sync: their rows stay, are proved, and come from the files where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bson import Int64
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.reconciliation import NotReconciled
from echotune.sync.archived import ArchiveReader, as_read
from echotune.sync.columns import Document
from echotune.sync.errors import SyncError
from echotune.sync.reconciliations import State
from echotune.sync.source import SyncSource
from echotune.sync.tables import LISTENING_HISTORY
from tests.support.archiving import archive_all, restore_all, source_of
from tests.support.both_sides import Tables, synced_rows
from tests.support.databases import fresh_store
from tests.support.proving import prove, synced_history
from tests.support.syncing import play, rows_of, small_history, sync_all, with_indexes

DECEMBER = "listening_history 2021-12"


@pytest.fixture
def synced(supabase: Connection[Any], store: HistoryStore) -> Tables:
    """A history of twenty plays, on both sides."""
    synced_history(supabase, store)
    return synced_rows(supabase)


@pytest.fixture
def archived(synced: Tables, store: HistoryStore, tmp_path: Path) -> Tables:
    """The same, with all plays archived since."""
    archive_all(store, tmp_path)
    assert store.plays.count_documents({}) == 0
    return synced


class NoFiles(ArchiveReader):
    """Files that must not be asked for."""

    def documents(self, start: datetime, end: datetime, archives: Any = None) -> Iterator[Document]:
        raise AssertionError(f"the files were read for {start}")


def test_rows_of_archived_plays_stay_and_are_proved_without_reading_a_file(
    supabase: Connection[Any], store: HistoryStore, archived: Tables
) -> None:
    sync_all(supabase, store)
    report = prove(supabase, store, SyncSource(store, archive=NoFiles()))
    assert {state for _, state in report.states} == {State.EQUAL}
    assert sum(one.documents.rows for one, _ in report.states if one.table == "listening_history") == 20
    assert synced_rows(supabase) == archived


@pytest.mark.parametrize("choice", [{"full_refresh": True}, {"verify_only": True}])
def test_they_are_proved_by_every_kind_of_run(
    supabase: Connection[Any], store: HistoryStore, archived: Tables, choice: dict[str, bool]
) -> None:
    prove(supabase, store, SyncSource(store, archive=NoFiles()), **choice)
    assert synced_rows(supabase) == archived


def test_a_deleted_play_is_told_from_an_archived_one_of_its_month(
    supabase: Connection[Any], store: HistoryStore, synced: Tables, tmp_path: Path
) -> None:
    store.plays.delete_one({"_id": play(2)["_id"]})
    archive_all(store, tmp_path)
    report = prove(supabase, store, SyncSource(store, archive=NoFiles()), max_deleted_share=1)
    assert report.where(State.REPAIRED) == [DECEMBER]
    assert synced["listening_history"] - synced_rows(supabase)["listening_history"] == {
        row for row in synced["listening_history"] if row[0] == play(2)["_id"]
    }


def test_plays_that_were_archived_before_any_sync_arrive(
    supabase: Connection[Any], store: HistoryStore, synced: Tables, supabase_uri: str, tmp_path: Path
) -> None:
    archive_all(store, tmp_path)
    supabase.execute("truncate listening_history, users, tracks, artists, albums, echotune.watermarks cascade")
    sync_all(supabase, store)
    report = prove(supabase, store, source_of(store))
    assert len(report.where(State.REPAIRED)) == 7
    assert synced_rows(supabase) == synced


def test_a_damaged_row_of_an_archived_play_is_mended_from_its_file(
    supabase: Connection[Any], store: HistoryStore, archived: Tables
) -> None:
    supabase.execute("update listening_history set ms_played = 7 where month = '2021-12-01'")
    supabase.execute("delete from listening_history where month = '2022-01-01'")
    report = prove(supabase, store, source_of(store))
    assert report.where(State.REPAIRED) == [DECEMBER, "listening_history 2022-01"]
    assert synced_rows(supabase) == archived


def test_a_row_that_nobody_tells_of_goes_also_from_an_archived_month(
    supabase: Connection[Any], store: HistoryStore, archived: Tables
) -> None:
    supabase.execute(
        "insert into listening_history (id, played_at, user_id, ms_played)"
        " select gen_random_uuid(), '2021-12-15Z', id, 1 from users"
    )
    report = prove(supabase, store, SyncSource(store, archive=NoFiles()), max_deleted_share=1)
    assert report.where(State.REPAIRED) == [DECEMBER]
    assert synced_rows(supabase) == archived


def test_it_is_said_when_files_are_needed_and_cannot_be_read(
    supabase: Connection[Any], store: HistoryStore, archived: Tables
) -> None:
    supabase.execute("delete from listening_history where month = '2021-12-01'")
    with pytest.raises(SyncError, match="nothing that reads their files"):
        prove(supabase, store, SyncSource(store))


def test_restored_plays_are_proved_as_any(supabase: Connection[Any], store: HistoryStore, archived: Tables) -> None:
    prove(supabase, store, SyncSource(store))
    restore_all(store, year=2021)
    sync_all(supabase, store)
    prove(supabase, store, SyncSource(store, archive=NoFiles()))
    assert synced_rows(supabase) == archived


def test_rows_are_not_kept_by_notes_that_are_gone(
    supabase: Connection[Any], store: HistoryStore, archived: Tables
) -> None:
    prove(supabase, store, SyncSource(store))
    store.archived_plays.delete_many({"_id": {"$in": [play(1)["_id"], play(2)["_id"]]}})
    with pytest.raises(NotReconciled, match=f"{DECEMBER}.*1 rows in MongoDB, 3 in"):
        prove(supabase, store, SyncSource(store), repair=False)


def test_checksums_by_other_rules_are_computed_anew_from_the_files(
    supabase: Connection[Any], store: HistoryStore, archived: Tables
) -> None:
    store.archives.update_many({}, {"$set": {"rules": "of an earlier version"}})
    store.archived_plays.update_many({}, {"$set": {"row_checksum": Int64(1)}})
    prove(supabase, store, source_of(store), repair=False)


def test_an_archived_play_that_postgresql_refuses_is_in_quarantine(
    supabase: Connection[Any], store: HistoryStore, tmp_path: Path
) -> None:
    small_history(with_indexes(store))
    archive_all(store, tmp_path)
    supabase.execute("alter table listening_history add constraint odd check (ms_played <> 1002)")
    sync_all(supabase, store)
    for _ in range(2):
        prove(supabase, store, source_of(store), full_refresh=True)
        assert rows_of(supabase, "echotune.rejected_documents", ["table_name", "document_id"]) == [
            ("listening_history", str(play(2)["_id"]))
        ]
    assert len(synced_rows(supabase)["listening_history"]) == 19


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab$.", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "ms_played"]), inner),
    max_leaves=4,
)
plays = st.fixed_dictionaries(
    {},
    optional={
        name: values | st.dictionaries(st.sampled_from(["username", "name", "ms_played", "skipped"]), values)
        for name in ("timestamp", "user", "track", "listening", "spotify_track_uri", "other")
    },
)


@given(st.lists(plays, min_size=1, max_size=8))
@settings(max_examples=25)
def test_a_document_is_read_as_mongodb_gives_it(
    mongodb_client: MongoClient[dict[str, Any]], documents: list[Document]
) -> None:
    with fresh_store(mongodb_client) as store:
        store.plays.insert_many([{"_id": UUID(int=number), **each} for number, each in enumerate(documents)])
        given_back = {each["_id"]: each for each in SyncSource(store).all_documents(LISTENING_HISTORY)}
        wrong = [each for each in given_back.values() if "wrong_sections" in each]
        for document in store.plays.find():
            here = as_read(document)
            assert ("wrong_sections" in here) == (here["_id"] in {each["_id"] for each in wrong})
            assert "wrong_sections" in here or here == given_back[here["_id"]]
