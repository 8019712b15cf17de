"""What is read of MongoDB: all of it, in order, whatever it holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import bson
import pytest
from bson.datetime_ms import DatetimeMS
from bson.raw_bson import RawBSONDocument

from echotune.history.store import HistoryStore
from echotune.sync import source as source_module
from echotune.sync.slices import Slice
from echotune.sync.source import Order, Position, SyncSource
from echotune.sync.tables import TABLES, Table, table_named
from tests.support.syncing import FIRST_PLAY, artist, now, play, small_history, track, with_indexes

PLAYS, TRACKS, USERS = table_named("listening_history"), table_named("tracks"), table_named("users")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def source(store: HistoryStore) -> SyncSource:
    """An empty history."""
    return SyncSource(with_indexes(store))


def whole(table: Table, since: datetime | None = None, **fields: Any) -> Slice:
    return Slice(number=0, table=table.name, since=since, through=LATER, **fields)


def ids(documents: Any) -> list[Any]:
    return [document["_id"] for document in documents]


def test_changes_are_counted_by_month(store: HistoryStore, source: SyncSource) -> None:
    store.plays.insert_many([play(number) for number in range(8)])
    store.plays.insert_one(play(90, timestamp="yesterday"))
    store.plays.insert_one(play(91, timestamp=[FIRST_PLAY]))
    store.plays.insert_one(play(92, timestamp=DatetimeMS(-(2**61))))
    months = {date(2021, 11, 1): 1, date(2021, 12, 1): 3, date(2022, 1, 1): 3, date(2022, 2, 1): 1, None: 3}
    assert source.changed_by_month(PLAYS, None) == months
    assert source.changed_by_month(PLAYS, FIRST_PLAY) == months
    assert source.changed_by_month(PLAYS, LATER) == {}


def test_a_table_without_months_is_counted_whole(store: HistoryStore, source: SyncSource) -> None:
    store.tracks.insert_many([track(number) for number in range(3)])
    assert source.changed_by_month(TRACKS, None) == {None: 3}
    assert source.changed_by_month(TRACKS, LATER) == {}


def test_a_document_without_a_time_of_change_counts_as_changed(store: HistoryStore, source: SyncSource) -> None:
    store.tracks.insert_many([track(1, updated_at=None), track(2, updated_at="new"), track(3)])
    assert source.has_changed(TRACKS, LATER)
    assert source.changed_by_month(TRACKS, LATER) == {None: 2}
    assert len(ids(source.documents(TRACKS, whole(TRACKS, LATER), Order.CHANGE))) == 2


@pytest.mark.parametrize("order", Order)
def test_a_slice_goes_on_behind_its_position(store: HistoryStore, source: SyncSource, order: Order) -> None:
    small_history(store)
    slice_ = whole(PLAYS, first_month=date(2021, 12, 1), last_month=date(2022, 3, 1))
    read = list(source.documents(PLAYS, slice_, order))
    assert ids(read) == [UUID(int=number) for number in range(1, 14)]
    written = str(Position.of({"updated_at": now()} | read[4], order))
    rest = ids(source.documents(PLAYS, slice_, order, Position.read(written)))
    assert set(rest) >= set(ids(read)[5:])
    assert len(rest) <= len(read[4:])


@pytest.mark.parametrize("value", [None, "text", 7, DatetimeMS(2**61), FIRST_PLAY])
def test_a_position_can_be_behind_any_value(store: HistoryStore, source: SyncSource, value: Any) -> None:
    store.tracks.insert_many([track(number, updated_at=value) for number in range(3)] + [track(3)])
    read = list(source.documents(TRACKS, whole(TRACKS), Order.CHANGE))
    assert len(read) == 4
    for place, document in enumerate(read):
        position = Position.read(str(Position.of(document, Order.CHANGE)))
        assert ids(source.documents(TRACKS, whole(TRACKS), Order.CHANGE, position)) == ids(read)[place + 1 :]


def test_plays_of_no_month_are_read_by_themselves(store: HistoryStore, source: SyncSource) -> None:
    odd = [play(90, timestamp="yesterday"), play(91, timestamp=[FIRST_PLAY]), play(92, timestamp=DatetimeMS(2**61))]
    store.plays.insert_many([play(0), *odd])
    months = whole(PLAYS, first_month=date(2021, 11, 1), last_month=date(2021, 12, 1))
    for order in Order:
        assert ids(source.documents(PLAYS, months, order)) == [UUID(int=0)]
    without = set(ids(source.documents(PLAYS, whole(PLAYS, without_month=True), Order.CHANGE)))
    assert without == {UUID(int=number) for number in (90, 91, 92)}
    assert set(ids(source.all_documents(PLAYS, None))) == without
    assert ids(source.all_documents(PLAYS, date(2021, 11, 1))) == [UUID(int=0)]
    assert len(ids(source.all_documents(PLAYS))) == 4


def test_few_changes_are_read_by_change_and_many_by_month(
    store: HistoryStore, source: SyncSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_history(store)
    months: dict[str, Any] = {"first_month": date(2021, 12, 1), "last_month": date(2022, 3, 1)}
    assert source.order(PLAYS, whole(PLAYS, FIRST_PLAY, **months)) is Order.CHANGE
    assert source.order(PLAYS, whole(PLAYS, **months)) is Order.TIME
    assert source.order(TRACKS, whole(TRACKS)) is Order.CHANGE
    monkeypatch.setattr(source_module, "FEW_CHANGES", 19)
    assert source.order(PLAYS, whole(PLAYS, FIRST_PLAY, **months)) is Order.TIME


def test_user_names_are_read_of_all_plays(store: HistoryStore, source: SyncSource) -> None:
    users: tuple[Any, ...] = ("b", "a", 7, "a", None)
    store.plays.insert_many([play(number, username=name) for number, name in enumerate(users)])
    assert ids(source.documents(USERS, whole(USERS), Order.CHANGE)) == [7, "a", "b"]
    position = Position(order=Order.CHANGE, value=None, id="a")
    assert ids(source.documents(USERS, whole(USERS), Order.CHANGE, position)) == ["b"]


def test_a_window_is_told_from_any_other(store: HistoryStore, source: SyncSource) -> None:
    start, end = FIRST_PLAY, FIRST_PLAY + timedelta(hours=1)
    inside = FIRST_PLAY + timedelta(minutes=1)
    assert source.window_fingerprint(TRACKS, start, end)[0] == 0
    store.tracks.insert_many([track(1, updated_at=inside), track(2, updated_at=inside), track(3, updated_at=LATER)])
    before = source.window_fingerprint(TRACKS, start, end)
    assert before[0] == 2
    assert source.window_fingerprint(TRACKS, start, end) == before
    store.tracks.delete_one({"_id": track(1)["_id"]})
    store.tracks.insert_one(track(4, updated_at=inside))
    assert source.window_fingerprint(TRACKS, start, end)[0] == 2
    assert source.window_fingerprint(TRACKS, start, end) != before


def test_a_revision_changes_with_any_document_of_its_month(store: HistoryStore, source: SyncSource) -> None:
    small_history(store)
    before = source.revisions(PLAYS)
    assert source.revisions(PLAYS) == before
    store.plays.update_one({"_id": UUID(int=1)}, {"$set": {"updated_at": LATER}})
    after = source.revisions(PLAYS)
    assert [month for month in before if after[month] != before[month]] == [date(2021, 12, 1)]
    assert set(source.revisions(TRACKS)) == {None}


def test_text_that_is_no_utf8_is_mended(store: HistoryStore, source: SyncSource) -> None:
    encoded = bson.encode(artist(1, name="Sigur R?s")).replace(b"R?s", b"R\xd3s")
    store.database.get_collection("artists").insert_one(RawBSONDocument(encoded))
    (document,) = source.all_documents(table_named("artists"))
    assert document["name"] == "Sigur R\ufffds"


def test_every_table_is_read_with_the_declared_indexes_and_without(store: HistoryStore) -> None:
    small_history(store)
    read = [documents_of_all(SyncSource(store)), documents_of_all(SyncSource(with_indexes(store)))]
    assert read[0] == read[1]


def documents_of_all(source: SyncSource) -> dict[str, set[Any]]:
    """The ids of what is read for each table."""
    found = {}
    for table in TABLES:
        documents = list(source.documents(table, whole(table), Order.CHANGE))
        assert documents
        assert all(table.rows(document) for document in documents)
        found[table.name] = set(ids(documents))
        assert found[table.name] == set(ids(source.all_documents(table)))
    return found
