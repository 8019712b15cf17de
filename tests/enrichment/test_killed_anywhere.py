"""An enrichment that is killed before any of its commands, in any of its steps, is completed by the next run."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from echotune.enrichment.runs import is_to_announce
from echotune.history.catalog import refresh_catalog
from echotune.history.store import HistoryStore
from local.sample import write_sample
from tests.support.asking import TIMES
from tests.support.databases import contents, documents, put_back
from tests.support.dying import dies_at
from tests.support.loading import load_file
from tests.support.working import Desk, enrich, let_leases_end, without_redis

COLLECTIONS = ("listening_history", "tracks", "artists", "albums")
NOT_COMPARED = (*TIMES, "created_at")

COMMANDS_BETWEEN = 11
"""Of those that are tried here: all 137 take a minute."""


def state(store: HistoryStore) -> dict[str, dict[Any, Any]]:
    return {name: contents(store.database[name], without=NOT_COMPARED) for name in COLLECTIONS}


@pytest.fixture
def loaded(indexed: HistoryStore, path: Path) -> HistoryStore:
    write_sample(path, rows=120, seed=7)
    load_file(indexed, path)
    refresh_catalog(indexed)
    return indexed


def test_an_enrichment_that_was_killed_before_any_command_is_completed_by_the_next(
    desk: Desk, loaded: HistoryStore, mongodb_uri: str
) -> None:
    desk, before = without_redis(desk), documents(loaded)
    enrich(desk, "undisturbed")
    expected = state(loaded)

    def killed(own: HistoryStore) -> None:
        enrich(replace(desk, store=own), "killed")

    for number in count(1, COMMANDS_BETWEEN):
        put_back(loaded, before)
        if not dies_at(number, mongodb_uri, loaded.database.name, killed):
            break
        let_leases_end(loaded)
        told = enrich(desk, "next") or is_to_announce(loaded, "killed", learnt=False)
        assert (told, state(loaded)) == (True, expected), f"killed before command {number}"
    assert number > 100
