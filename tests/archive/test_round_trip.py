"""An archive of any history, and its restore, are that history."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bson import Decimal128, Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from tests.support.archiving import archive_all, bytes_of_plays, restore_all
from tests.support.databases import fresh_store
from tests.support.syncing import play

times = st.datetimes(datetime(1899, 1, 1), datetime(2027, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))
odd_values: st.SearchStrategy[Any] = st.sampled_from(
    [None, float("nan"), -0.0, Int64(1), 1, 1.0, Decimal128("1.10"), "", [], {}, ObjectId()]
)
documents = st.builds(
    lambda number, when, user, fields: play(number, username=user, timestamp=when) | fields,
    st.integers(0, 1000),
    times | st.sampled_from([None, "2019", []]),
    st.sampled_from(["anna", "bert", "ä/ö", "*", ".."]) | st.none(),
    st.dictionaries(st.sampled_from(["track", "listening", "updated_at", "more", "metadata"]), odd_values, max_size=2),
)
histories = st.lists(documents, max_size=25, unique_by=lambda document: document["_id"])


@given(histories, st.integers(1, 30), st.integers(1, 9), st.integers(0, 99))
@settings(max_examples=20)
def test_an_archive_and_its_restore_are_the_same_history(
    mongodb_client: MongoClient[dict[str, Any]],
    tmp_path: Path,
    history: list[dict[str, Any]],
    years: int,
    batch: int,
    seed: int,
) -> None:
    folder, chance = tmp_path / uuid4().hex, random.Random(seed)
    with fresh_store(mongodb_client) as store:
        if history:
            store.plays.insert_many(history)
        before = bytes_of_plays(store)
        done = archive_all(store, folder, years=years, batch_plays=batch)
        removed = sum(one.removed for one in done)
        assert len(bytes_of_plays(store)) == len(before) - removed
        assert store.archived_plays.count_documents({}) == removed
        if chance.random() < 0.5:
            restore_all(store, year=chance.randrange(2000, 2027), batch_plays=batch)
            archive_all(store, folder, years=1, batch_plays=batch)
        restore_all(store, batch_plays=batch)
        assert bytes_of_plays(store) == before
        assert store.archived_plays.count_documents({}) == 0


def test_uuids_of_other_kinds_and_bytes_survive(mongodb_client: MongoClient[dict[str, Any]], tmp_path: Path) -> None:
    with fresh_store(mongodb_client) as store:
        store.plays.insert_one(play(1, other=[UUID(int=3), b"\0\xff", datetime(1, 1, 1)]))
        before = bytes_of_plays(store)
        assert [one.removed for one in archive_all(store, tmp_path)] == [1]
        restore_all(store)
        assert bytes_of_plays(store) == before
