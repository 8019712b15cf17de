"""A second source of an enriched history, and what follows its load: whole, or killed anywhere and done again."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from echotune.enrichment.embedding import embed_due
from echotune.enrichment.outdated_plays import count_outdated_plays
from echotune.history.catalog import refresh_catalog
from echotune.history.load_runs import announce_new_plays, is_unfinished
from echotune.history.mark_duplicates import MARKED, UNMARKED, mark_duplicates
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from local.sample import write_sample
from local.sample.export import record_of, write_export
from tests.support.databases import TIMES_OF_WRITING, contents, documents, put_back
from tests.support.dying import dies_at
from tests.support.embedding import enriched_state
from tests.support.exports import load_source
from tests.support.rows import read_csv, write_csv
from tests.support.same_plays import cell, distinct, in_other_words

COLLECTIONS = ("listening_history", "tracks", "artists", "albums")

COMMANDS_BETWEEN = 7
"""Of those that are tried here: all take three quarters of a minute."""


class Sources:
    """Two sources of one listener's history, which share a third of it."""

    def __init__(self, folder: Path, *, csv_first: bool) -> None:
        sample = folder / "sample.csv"
        write_sample(sample, rows=160, seed=3)
        plays = distinct(read_csv(sample))
        self.username = cell(plays[0], "username")
        csv, export = folder / "history.csv", folder / "export.zip"
        write_csv(csv, plays[:110])
        chance = Random(3)
        write_export(export, [in_other_words(record_of(cells), chance) for cells in plays[60:]], records_a_file=30)
        self.first, self.second = (csv, export) if csv_first else (export, csv)

    def load(self, store: HistoryStore, source: Path, run: str) -> int:
        """Do what a run of the DAG does; return of how many chunks it tells."""
        load_source(store, source, username=self.username)
        mark_duplicates(store)
        refresh_catalog(store)
        embed_due(store)
        return announce_new_plays(store, run)


@pytest.fixture(params=[True, False], ids=["CSV first", "ZIP first"])
def sources(request: pytest.FixtureRequest, tmp_path: Path) -> Sources:
    return Sources(tmp_path, csv_first=request.param)


@pytest.fixture
def enriched(store: HistoryStore, sources: Sources) -> HistoryStore:
    """The first source, with every other track enriched."""
    sources.load(store, sources.first, "first")
    for number, track in enumerate(store.tracks.find().sort("_id", 1)):
        if number % 2:
            values = {"audio_features": {"energy": number / 100}, "genres": [f"genre {number}"]}
            states = {f"enrichment.{kind}": enriched_state("spotify") for kind in ("audio_features", "catalog")}
            change = {"$set": values | states, "$currentDate": {"embedding_due": True}}
            store.tracks.update_one({"_id": track["_id"]}, change)
    embed_due(store)
    return store


def state(store: HistoryStore) -> Mapping[str, Any]:
    hidden = (*TIMES_OF_WRITING, "embedding_due")
    return {name: contents(store.database[name], without=hidden) for name in COLLECTIONS}


def test_plays_that_change_no_count_get_what_is_known_of_their_tracks(enriched: HistoryStore, sources: Sources) -> None:
    sources.load(enriched, sources.second, "second")
    shared = [enriched.plays.count_documents(query) for query in (MARKED, UNMARKED)]
    assert (min(shared) > 0, count_outdated_plays(enriched)) == (True, 0)


def test_a_load_that_was_killed_before_any_command_is_completed_by_the_next(
    enriched: HistoryStore, sources: Sources, mongodb_uri: str
) -> None:
    before = documents(enriched)
    sources.load(enriched, sources.second, "undisturbed")
    expected = state(enriched)

    def killed(own: HistoryStore) -> None:
        sources.load(own, sources.second, "killed")

    for number in count(1, COMMANDS_BETWEEN):
        put_back(enriched, before)
        if not dies_at(number, mongodb_uri, enriched.database.name, killed):
            break
        told = sources.load(enriched, sources.second, "next") or announce_new_plays(enriched, "killed")
        assert (told > 0, state(enriched)) == (True, expected), f"killed before command {number}"
        assert (is_unfinished(enriched), check_catalog(enriched).passed) == (False, True)
    assert number > 50
