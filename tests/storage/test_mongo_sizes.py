"""What a real MongoDB says of its sizes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.storage.mongo_sizes import measure_mongodb
from echotune.storage.sizes import Size
from tests.support.databases import everything, fresh_database
from tests.support.measuring import NOW, fill_mongodb, write_checkpoint

NEWEST = datetime(2026, 10, 1, tzinfo=UTC)


def test_the_places_add_up_to_the_database(store: HistoryStore) -> None:
    fill_mongodb(store, plays=2_000, newest=NEWEST)
    store.tracks.insert_many({"_id": str(number), "name": "x" * 500} for number in range(500))
    write_checkpoint(store)
    measured = measure_mongodb(store, archive_years=3, now=NOW)
    assert Size.total(place.size for place in measured.places) == measured.own
    assert {place.place: place.rows for place in measured.places} == {"listening_history": 2_000, "tracks": 500}


def test_data_is_counted_before_compression(store: HistoryStore) -> None:
    store.tracks.insert_many({"_id": number, "name": "x" * 10_000} for number in range(500))
    write_checkpoint(store)
    (tracks,) = measure_mongodb(store, archive_years=3, now=NOW).places
    assert tracks.size.data > 5_000_000 > 5 * tracks.size.disk


def test_an_index_counts(store: HistoryStore) -> None:
    fill_mongodb(store, plays=100, newest=NEWEST)
    before = measure_mongodb(store, archive_years=3, now=NOW).own
    store.plays.create_index("timestamp")
    after = measure_mongodb(store, archive_years=3, now=NOW).own
    added = after.indexes - before.indexes
    assert added > 0
    assert after.disk - before.disk >= added


def test_plays_a_month_are_those_of_the_year_up_to_the_newest(store: HistoryStore) -> None:
    fill_mongodb(store, plays=1_000, newest=NEWEST)
    plays = measure_mongodb(store, archive_years=3, now=NOW).plays
    assert plays is not None
    assert (plays.newest, round(plays.a_month * 12)) == (NEWEST, 365)


def test_old_plays_are_those_before_the_day_so_many_years_ago(store: HistoryStore) -> None:
    fill_mongodb(store, plays=1_000, newest=NEWEST)
    plays = measure_mongodb(store, archive_years=1, now=NOW).plays
    assert plays is not None
    # From the 1st of October 2026 back to the 30th of November 2025 are 306 days.
    assert (plays.old, plays.old_before) == (1_000 - 306, NOW.replace(year=2025))


def test_an_empty_database_has_nothing_and_no_plays(store: HistoryStore) -> None:
    measured = measure_mongodb(store, archive_years=3, now=NOW)
    assert (measured.own, measured.places, measured.plays) == (Size(), (), None)


def test_other_databases_of_the_server_are_seen(
    store: HistoryStore, mongodb_client: MongoClient[dict[str, Any]]
) -> None:
    with fresh_database(mongodb_client) as other:
        other["things"].insert_one({"_id": 1})
        assert measure_mongodb(store, archive_years=3, now=NOW).others.disk > 0


def test_a_user_who_may_read_one_database_measures_that(store: HistoryStore, reader: HistoryStore) -> None:
    fill_mongodb(store, plays=50, newest=NEWEST)
    write_checkpoint(store)
    expected = measure_mongodb(store, archive_years=3, now=NOW)
    assert measure_mongodb(reader, archive_years=3, now=NOW) == replace(expected, others=Size())


def test_measuring_writes_nothing(store: HistoryStore) -> None:
    fill_mongodb(store, plays=10, newest=NEWEST)
    before = everything(store.database)
    measure_mongodb(store, archive_years=3, now=NOW)
    assert everything(store.database) == before
