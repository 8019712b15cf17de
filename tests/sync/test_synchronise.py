"""A slice, copied: all of it once, from where it is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from echotune.history.store import HistoryStore
from echotune.sync.counts import SyncCounts
from echotune.sync.errors import SyncError
from echotune.sync.plan import plan_sync
from echotune.sync.runs import finish_run, read_slices, start_run
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from echotune.sync.synchronise import sync_slice
from echotune.sync.tables import TABLES
from echotune.sync.writer import write_batch
from tests.support.proving import prove
from tests.support.syncing import FIRST_PLAY, play, rows_of, small_history, sync_all, track

PLAYS_ONLY = {"tables": "listening_history"}


def planned(connection: Connection[Any], store: HistoryStore, **settings: Any) -> SyncSource:
    chosen = SyncSettings.of(settings)
    start_run(connection, "run", chosen)
    source = SyncSource(store)
    plan_sync(connection, source, "run", chosen)
    return source


def watermarks(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return rows_of(connection, "echotune.watermarks", ["table_name", "month"])


def test_a_first_sync_copies_everything(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    counts = sync_all(supabase, store, batch_documents=7)
    rows = {"users": 1, "artists": 2, "albums": 1, "tracks": 3, "track_artists": 6, "audio_features": 3}
    assert {table: count.inserted for table, count in counts.items()} == rows | {"listening_history": 20}
    for table in TABLES:
        found = supabase.execute(f"select count(*) from {table.name}".encode()).fetchone()
        assert found == ((rows | {"listening_history": 20})[table.name],)
    assert watermarks(supabase) == [(table, None) for table in sorted(counts) if table != "users"]


def test_any_order_of_slices_comes_to_the_same(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    source = planned(supabase, store, plays_a_slice=6)
    for record in reversed(read_slices(supabase, "run")):
        sync_slice(supabase, source, "run", record.slice.number)
    placeholders = "select count(*) from tracks, artists, albums where tracks.placeholder or artists.placeholder"
    assert supabase.execute(placeholders.encode()).fetchone() == (0,)
    assert len(rows_of(supabase, "listening_history", ["id", "played_at"])) == 20


def test_a_sync_with_nothing_new_writes_no_row(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    sync_all(supabase, store)
    assert sync_all(supabase, store) == {}
    counts = sync_all(supabase, store, full_refresh=True)
    assert all((count.inserted, count.updated, count.deleted) == (0, 0, 0) for count in counts.values())


def test_what_changed_is_written_and_nothing_else(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    sync_all(supabase, store)
    store.plays.update_one(
        {"_id": UUID(int=5)}, {"$set": {"listening.skipped": True}, "$currentDate": {"updated_at": True}}
    )
    counts = sync_all(supabase, store)
    assert counts["listening_history"].updated == 1
    assert counts["listening_history"].inserted == 0


def test_a_play_whose_duration_nobody_told_comes_without_one(supabase: Connection[Any], store: HistoryStore) -> None:
    store.plays.insert_many([play(1), play(2, listening={"context_uri": "spotify:album:0"})])
    assert sync_all(supabase, store)["listening_history"].inserted == 2
    assert rows_of(supabase, "public.listening_history", ["id", "ms_played"]) == [
        (UUID(int=1), 1001),
        (UUID(int=2), None),
    ]


def test_one_bad_document_stops_nothing(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    store.plays.insert_one(play(30, listening={"ms_played": 2**40}))
    store.plays.insert_one(play(31, timestamp="yesterday"))
    store.plays.insert_one({"_id": "no uuid", "timestamp": FIRST_PLAY})
    store.tracks.insert_one(track(9, duration_ms=[1, 2]))
    counts = sync_all(supabase, store)
    assert counts["listening_history"] == SyncCounts(
        documents=23, inserted=20, quarantined=3, seconds=counts["listening_history"].seconds
    )
    assert counts["tracks"].quarantined == 1
    assert rows_of(supabase, "echotune.rejected_documents", ["table_name", "document_id", "reason"]) == [
        (
            "listening_history",
            "00000000-0000-0000-0000-00000000001e",
            f"listening.ms_played is {2**40}, not a whole number from -2147483648 to 2147483647",
        ),
        (
            "listening_history",
            "00000000-0000-0000-0000-00000000001f",
            "timestamp is 'yesterday', not a date of the years 1900 to 2199",
        ),
        ("listening_history", "no uuid", "_id is 'no uuid', not a UUID"),
        ("tracks", f"{9:022d}", "duration_ms is [1, 2], not a whole number from -2147483648 to 2147483647"),
    ]


def test_a_slice_that_stopped_goes_on_where_it_was(
    supabase: Connection[Any], store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_history(store)
    source = planned(supabase, store, **PLAYS_ONLY)
    written: list[Any] = []

    def stop_at_the_third(*arguments: Any) -> SyncCounts:
        if len(written) == 2:
            raise ConnectionError
        written.append(arguments)
        return write_batch(*arguments)

    monkeypatch.setattr("echotune.sync.synchronise.write_batch", stop_at_the_third)
    with pytest.raises(ConnectionError):
        sync_slice(supabase, source, "run", 0, batch_documents=3)
    assert len(rows_of(supabase, "listening_history", ["id", "played_at"])) == 6
    assert watermarks(supabase) == []
    monkeypatch.undo()
    counts = sync_slice(supabase, source, "run", 0, batch_documents=3)
    assert (counts.inserted, counts.updated) == (20, 0)
    assert watermarks(supabase) == [("listening_history", None)]


def test_a_finished_slice_is_not_copied_again(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    source = planned(supabase, store, **PLAYS_ONLY)
    counts = sync_slice(supabase, source, "run", 0)
    store.plays.delete_many({})
    again = sync_slice(supabase, source, "run", 0)
    assert (again.documents, again.inserted) == (counts.documents, counts.inserted)


def test_months_are_ahead_of_their_table_until_all_are_there(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    source = planned(supabase, store, plays_a_slice=6, **PLAYS_ONLY)
    records = read_slices(supabase, "run")
    for record in records[:-1]:
        sync_slice(supabase, source, "run", record.slice.number)
        assert ("listening_history", record.slice.last_month) in watermarks(supabase)
        assert ("listening_history", None) not in watermarks(supabase)
    sync_slice(supabase, source, "run", records[-1].slice.number)
    assert watermarks(supabase) == [("listening_history", None)]


def test_a_slice_that_another_task_copies_is_left_to_it(
    supabase: Connection[Any], store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_history(store)
    source = planned(supabase, store, **PLAYS_ONLY)

    def overtaken(*arguments: Any) -> SyncCounts:
        supabase.execute("update echotune.sync_slices set position = 'elsewhere'")
        return write_batch(*arguments)

    monkeypatch.setattr("echotune.sync.synchronise.write_batch", overtaken)
    with pytest.raises(SyncError, match="another task"):
        sync_slice(supabase, source, "run", 0)
    assert rows_of(supabase, "listening_history", ["id", "played_at"]) == []


def test_a_slice_that_was_not_planned_is_refused(supabase: Connection[Any]) -> None:
    with pytest.raises(SyncError, match="no slice 7"):
        sync_slice(supabase, None, "run", 7)  # type: ignore[arg-type]


def test_a_run_keeps_its_settings_and_its_summary(supabase: Connection[Any]) -> None:
    start_run(supabase, "run", SyncSettings.of({"tables": "tracks"}))
    finish_run(supabase, "run", {"tracks": {"inserted": 3}})
    ((settings, summary, finished),) = supabase.execute(
        "select settings -> 'tables', summary, finished_at is not null from echotune.sync_runs"
    ).fetchall()
    assert (settings, summary, finished) == (["tracks"], {"tracks": {"inserted": 3}}, True)


@pytest.mark.parametrize("marked", [1, 20], ids=["one of them", "all of them"])
def test_a_play_that_is_marked_as_a_duplicate_loses_its_row_and_gets_it_back(
    supabase: Connection[Any], store: HistoryStore, marked: int
) -> None:
    small_history(store)
    sync_all(supabase, store)
    ids = [play["_id"] for play in store.plays.find({}, {"_id": 1}).limit(marked)]
    mark = {"duplicate_of": {"play": UUID(int=1), "rule": "same_second"}}
    changed = {"$currentDate": {"updated_at": True}}
    store.plays.update_many({"_id": {"$in": ids}}, {"$set": mark} | changed)
    assert sync_all(supabase, store)["listening_history"].deleted == marked
    assert len(rows_of(supabase, "listening_history", ["id", "played_at"])) == 20 - marked
    prove(supabase, store)
    store.plays.update_many({"_id": {"$in": ids}}, {"$unset": {"duplicate_of": ""}} | changed)
    assert sync_all(supabase, store)["listening_history"].inserted == marked
