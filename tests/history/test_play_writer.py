"""Plays into the collection, whichever order chunks come in and however often."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from echotune.history.chunks import Chunk
from echotune.history.plan import plan_file
from echotune.history.preflight import inspect_file
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryFile
from echotune.history.store import HistoryStore
from tests.support.databases import fresh_store, plays_of
from tests.support.loading import Loaded, Order, load_file, load_planned, require_reconciled
from tests.support.rows import row, rows, write_csv

DETAILS = {"Energy": "0.5", "Label": "EMI", "Popularity_releases": "7.0", "ip_addr_decrypted": "203.0.113.7"}


def backwards(chunks: Sequence[Chunk]) -> Sequence[Chunk]:
    return list(reversed(chunks))


def arranged(*places: int) -> Order:
    return lambda chunks: [chunks[place] for place in places]


@pytest.mark.parametrize("places", list(permutations(range(3))))
def test_exact_repeats_across_chunks_come_out_the_same_in_any_order(
    store: HistoryStore, tmp_path: Path, mongodb_client: MongoClient[dict[str, Any]], places: tuple[int, ...]
) -> None:
    path = write_csv(tmp_path / "history.csv", [*rows(3), *rows(3, start=1), *rows(3, start=2)])
    load_file(store, path, chunk_rows=3)
    with fresh_store(mongodb_client) as other:
        load_file(other, path, chunk_rows=3, order=arranged(*places))
        assert plays_of(other) == plays_of(store)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=20), st.integers(1, 6), st.integers(0, 99))
@settings(max_examples=12)
def test_chunks_in_any_order_come_out_the_same(
    mongodb_client: MongoClient[dict[str, Any]], tmp_path: Path, plays: list[int], chunk_rows: int, seed: int
) -> None:
    path = write_csv(tmp_path / "history.csv", [row(ms_played_x=str(number)) for number in plays])

    def shuffled(chunks: Sequence[Chunk]) -> Sequence[Chunk]:
        return random.Random(seed).sample(chunks, len(chunks))

    with fresh_store(mongodb_client) as store, fresh_store(mongodb_client) as other:
        load_file(store, path, chunk_rows=chunk_rows)
        loaded = load_file(other, path, chunk_rows=chunk_rows, order=shuffled)
        require_reconciled(other, loaded)
        assert plays_of(other) == plays_of(store)


@pytest.mark.parametrize("first", [{}, DETAILS], ids=["details in the later row", "details in the earlier row"])
def test_repeats_that_differ_in_details_come_out_the_same_in_any_order(
    store: HistoryStore, tmp_path: Path, mongodb_client: MongoClient[dict[str, Any]], first: dict[str, str]
) -> None:
    second = {} if first else DETAILS
    path = write_csv(tmp_path / "history.csv", [row(first), row(second)])
    load_file(store, path, chunk_rows=1)
    with fresh_store(mongodb_client) as other:
        load_file(other, path, chunk_rows=1, order=backwards)
        assert plays_of(other) == plays_of(store)


def test_the_first_of_the_rows_that_repeat_each_other_is_the_source(store: HistoryStore, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "history.csv", [row(), row(), row()])
    load_file(store, path, chunk_rows=1, order=backwards)
    assert [play["source"]["row"] for play in store.plays.find()] == [1]


def test_enrichment_survives_when_an_earlier_row_becomes_the_source(store: HistoryStore, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "history.csv", [row(), row()])
    load_file(store, path, chunk_rows=1, order=arranged(1))
    store.plays.update_many(
        {}, {"$set": {"track.popularity": 77, "audio_features": {"energy": 0.5}, "updated_at": datetime.now(UTC)}}
    )
    load_file(store, path, chunk_rows=1)
    assert store.plays.count_documents({"track.popularity": 77, "audio_features.energy": 0.5}) == 1


def test_a_chunk_that_is_tried_again_after_a_later_one_is_reconciled(store: HistoryStore, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "history.csv", [row(), row()])
    chosen = LoadSettings(chunk_rows=1)
    plan, (first, second) = plan_file(store, path, inspect_file(HistoryFile(path=path)), chosen)
    later = load_planned(store, path, second, plan, chosen)
    load_planned(store, path, first, plan, chosen)  # and the worker dies before it can tell
    again = load_planned(store, path, first, plan, chosen)
    require_reconciled(store, Loaded(plan=plan, chunks=(second, first), counts=later + again))


def test_repeats_across_chunks_are_counted_once_in_any_order(store: HistoryStore, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "history.csv", [*rows(3), *rows(3), *rows(3)])
    counts = load_file(store, path, chunk_rows=3, order=backwards).counts
    assert (counts.inserted, counts.repeats, counts.already_there) == (3, 6, 0)


def test_a_block_with_known_and_new_plays_inserts_the_new_ones(store: HistoryStore, tmp_path: Path) -> None:
    load_file(store, write_csv(tmp_path / "one.csv", rows(10)))
    counts = load_file(
        store, write_csv(tmp_path / "two.csv", [*rows(5, start=20), *rows(5), *rows(5, start=30)])
    ).counts
    assert (counts.inserted, counts.already_there) == (10, 5)
