"""What a run finds to copy."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from echotune.history.store import HistoryStore
from echotune.sync.errors import SyncError
from echotune.sync.plan import MonthChanges, cut_months, plan_sync
from echotune.sync.runs import start_run
from echotune.sync.settings import SyncSettings
from echotune.sync.slices import Slice
from echotune.sync.source import SyncSource
from echotune.sync.synchronise import sync_slice
from echotune.sync.tables import TABLE_NAMES
from tests.support.syncing import FIRST_PLAY, now, play, small_history, spotify_id, sync_all


def plan(connection: Connection[Any], store: HistoryStore, run_id: str = "run", **settings: Any) -> list[Slice]:
    chosen = SyncSettings.of(settings)
    start_run(connection, run_id, chosen)
    return plan_sync(connection, SyncSource(store), run_id, chosen)


def months_of(slices: list[Slice]) -> list[tuple[date | None, date | None]]:
    return [(slice_.first_month, slice_.last_month) for slice_ in slices if slice_.table == "listening_history"]


def test_the_first_run_copies_all_tables_in_the_order_of_their_references(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    small_history(store)
    slices = plan(supabase, store)
    assert [slice_.table for slice_ in slices] == list(TABLE_NAMES)
    assert [slice_.number for slice_ in slices] == list(range(len(slices)))
    assert {slice_.since for slice_ in slices} == {None}


def test_an_empty_history_has_nothing_to_copy(supabase: Connection[Any], store: HistoryStore) -> None:
    assert plan(supabase, store) == []


def test_plays_are_cut_at_months(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    slices = plan(supabase, store, plays_a_slice=5, tables="listening_history")
    assert months_of(slices) == [
        (date(2021, 11, 1), date(2021, 12, 1)),
        (date(2022, 1, 1), date(2022, 1, 1)),
        (date(2022, 2, 1), date(2022, 2, 1)),
        (date(2022, 3, 1), date(2022, 3, 1)),
        (date(2022, 4, 1), date(2022, 4, 1)),
        (date(2022, 5, 1), date(2022, 5, 1)),
    ]


def test_after_a_run_nothing_is_left_to_copy(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    sync_all(supabase, store)
    before = supabase.execute("select * from echotune.watermarks order by 1").fetchall()
    assert plan(supabase, store) == []
    assert supabase.execute("select * from echotune.watermarks order by 1").fetchall() == before


def test_only_months_that_changed_are_copied(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    # Long ago: what changed within the safety window is read once more when any of it changes again.
    store.plays.update_many({}, {"$set": {"updated_at": FIRST_PLAY}})
    sync_all(supabase, store)
    store.plays.update_one({"_id": UUID(int=5)}, {"$set": {"track.name": "New"}, "$currentDate": {"updated_at": True}})
    (slice_,) = plan(supabase, store)
    assert (slice_.table, slice_.first_month, slice_.last_month) == (
        "listening_history",
        date(2022, 1, 1),
        date(2022, 1, 1),
    )
    assert slice_.since is not None


def test_a_document_that_was_written_late_is_found_within_the_safety_window(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    small_history(store)
    sync_all(supabase, store)
    store.plays.insert_one(play(50, updated_at=now() - timedelta(minutes=30)))
    assert [slice_.table for slice_ in plan(supabase, store)] == ["listening_history"]
    assert sync_all(supabase, store)["listening_history"].inserted == 1
    assert plan(supabase, store) == []


def test_a_deletion_within_the_safety_window_is_looked_at_once(supabase: Connection[Any], store: HistoryStore) -> None:
    store.plays.insert_one(play(1))
    sync_all(supabase, store, tables="listening_history")
    store.plays.delete_many({})
    first = supabase.execute("select through from echotune.watermarks").fetchone()
    assert plan(supabase, store, "second", tables="listening_history") == []
    second = supabase.execute("select through from echotune.watermarks").fetchone()
    assert plan(supabase, store, "third", tables="listening_history") == []
    assert first is not None
    assert second is not None
    assert first < second
    assert supabase.execute("select through from echotune.watermarks").fetchone() == second


def test_a_full_refresh_copies_all(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    sync_all(supabase, store)
    slices = plan(supabase, store, full_refresh=True)
    # Of users there is nothing but their names, and all are known.
    assert [slice_.table for slice_ in slices] == [name for name in TABLE_NAMES if name != "users"]
    assert {slice_.since for slice_ in slices} == {None}


def test_with_a_time_only_what_changed_since_is_copied_and_no_watermark_moves(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    small_history(store)
    store.plays.update_many({"_id": {"$lt": UUID(int=18)}}, {"$set": {"updated_at": FIRST_PLAY}})
    counts = sync_all(supabase, store, since="2022-01-01", tables="listening_history")
    assert counts["listening_history"].documents == 2
    assert supabase.execute("select * from echotune.watermarks").fetchall() == []


def test_a_verification_copies_nothing(supabase: Connection[Any], store: HistoryStore) -> None:
    small_history(store)
    assert plan(supabase, store, verify_only=True) == []


def test_months_that_an_unfinished_run_copied_are_not_copied_again(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    store.plays.insert_many([play(number, updated_at=FIRST_PLAY) for number in range(20)])
    first, *_ = plan(supabase, store, "first", plays_a_slice=5, tables="listening_history")
    sync_slice(supabase, SyncSource(store), "first", first.number)
    slices = plan(supabase, store, "second", tables="listening_history")
    assert months_of(slices) == [(date(2022, 1, 1), date(2022, 5, 1))]
    store.plays.insert_one(play(0, _id=UUID(int=99)))
    slices = plan(supabase, store, "third", tables="listening_history")
    assert [(slice_.first_month, slice_.since is None) for slice_ in slices] == [
        (date(2021, 11, 1), False),
        (date(2022, 1, 1), True),
    ]


def test_a_name_that_is_not_known_makes_users_a_slice(supabase: Connection[Any], store: HistoryStore) -> None:
    store.plays.insert_one(play(1))
    sync_all(supabase, store)
    store.plays.insert_one(play(2, username="another"))
    assert plan(supabase, store)[0].table == "users"


def test_a_watermark_moves_with_each_run_that_copies(supabase: Connection[Any], store: HistoryStore) -> None:
    began = datetime.now(UTC) - timedelta(seconds=5)
    store.tracks.insert_one({"_id": spotify_id(1), "updated_at": FIRST_PLAY})
    sync_all(supabase, store, tables="tracks")
    ((through,),) = supabase.execute("select through from echotune.watermarks").fetchall()
    assert through > began


@given(
    changes=st.lists(
        st.builds(
            MonthChanges,
            month=st.dates(date(2000, 1, 1), date(2020, 1, 1)).map(lambda day: day.replace(day=1)),
            since=st.sampled_from([None, FIRST_PLAY]),
            documents=st.integers(1, 50),
        ),
        unique_by=lambda change: change.month,
    ),
    most=st.integers(1, 100),
)
def test_cut_months_are_all_there_in_order_and_no_larger_than_allowed(changes: list[MonthChanges], most: int) -> None:
    parts = list(cut_months(changes, most))
    assert [change for part in parts for change in part] == sorted(changes, key=lambda change: change.month)
    for part in parts:
        assert len({change.since for change in part}) == 1
        assert len(part) == 1 or sum(change.documents for change in part) <= most


def test_months_are_cut_evenly_so_that_no_task_works_on_what_is_left() -> None:
    changes = [MonthChanges(month=date(2021, month, 1), since=None, documents=10) for month in range(1, 12 + 1)]
    parts = cut_months(changes, 50)
    assert [sum(change.documents for change in part) for part in parts] == [40, 40, 40]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tables": "plays"}, "tables is 'plays': name one or more of users"),
        ({"tables": ""}, "name one or more of"),
        ({"since": "yesterday"}, "since is 'yesterday'"),
        ({"since": "2024-01-01", "full_refresh": True}, "leave since empty"),
        ({"max_deleted_share": 2}, "max_deleted_share is 2"),
        ({"read_preference": "any"}, "read_preference is 'any'"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SyncError, match=message):
        SyncSettings.of(settings)


def test_settings_are_read_from_text() -> None:
    settings = SyncSettings.of({"tables": "tracks, users", "since": "2024-05-01", "full_refresh": "false"})
    assert settings.tables == ("users", "tracks")
    assert settings.since == datetime(2024, 5, 1, tzinfo=UTC)
    assert SyncSettings.of({"since": ""}).since is None
