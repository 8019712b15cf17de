"""One history from three sources that overlap: whatever their order, every play counts once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from echotune.history.mark_duplicates import UNMARKED, mark_duplicates
from echotune.history.store import HistoryStore
from local.sample import write_sample
from local.sample.export import record_of, write_export
from tests.support.exports import load_source
from tests.support.rows import read_csv, write_csv
from tests.support.same_plays import cell, distinct, in_other_words, item_of, load_recent

HISTORIES = 20
PLAYS = 400
REMEMBERED = 50
SHORTEST_OF_THE_API = 30_000
"""Milliseconds: the Web API tells no play that was shorter."""


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_every_play_counts_once(store: HistoryStore, tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    write_sample(tmp_path / "sample.csv", rows=PLAYS, seed=seed)
    plays = distinct(read_csv(tmp_path / "sample.csv"))
    username = cell(plays[0], "username")
    told_by_csv = plays[: int(len(plays) * chance.uniform(0.5, 1))]
    told_by_zip = plays[int(len(plays) * chance.uniform(0, 0.5)) :]
    write_csv(tmp_path / "history.csv", told_by_csv)
    records = [in_other_words(record_of(cells), chance) for cells in told_by_zip]
    write_export(tmp_path / "export.zip", records, records_a_file=150)
    long_enough = [
        cells
        for cells in plays
        if cell(cells, "spotify_track_uri") and int(cell(cells, "ms_played_x")) >= SHORTEST_OF_THE_API
    ]
    items = [item_of(cells, chance) for cells in long_enough[-REMEMBERED:]]
    loads: list[Callable[[], object]] = [
        lambda: load_source(store, tmp_path / "history.csv", username=username),
        lambda: load_source(store, tmp_path / "export.zip", username=username),
        lambda: load_recent(store, username, items),
    ]
    chance.shuffle(loads)
    for load in loads:
        load()
        mark_duplicates(store)
    assert store.plays.count_documents(UNMARKED) == len(plays)
    assert store.plays.count_documents({}) > len(plays)
