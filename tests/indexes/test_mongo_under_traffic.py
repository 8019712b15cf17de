"""Indexes are made while plays are written and read: nothing fails, nothing is lost, nobody waits for long."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import MongoClient

from benchmarks.maintenance_mongo import rebuild_under_traffic
from tests.support.databases import fresh_store
from tests.support.large_history import fill
from tests.support.maintaining import maintain

PLAYS = 15_000
LONGEST_WAIT_SECONDS = 1


@pytest.fixture(scope="module")
def noticed(mongodb_client: MongoClient[dict[str, Any]], mongodb_uri: str) -> dict[str, float]:
    """What a writer and a reader noticed of a rebuild in both ways and of a new index."""
    with fresh_store(mongodb_client) as store:
        fill(store, PLAYS)
        maintain(store)
        return rebuild_under_traffic(mongodb_uri, store.database.name)


def test_the_traffic_was_that_of_an_application(noticed: dict[str, float]) -> None:
    assert noticed["mongodb rows a second"] >= 450
    assert noticed["mongodb reads"] >= 20


def test_no_write_and_no_query_fails(noticed: dict[str, float]) -> None:
    assert noticed["mongodb failed"] == 0


def test_no_row_is_lost(noticed: dict[str, float]) -> None:
    assert noticed["mongodb lost rows"] == 0


@pytest.mark.parametrize("what", ["write", "read"])
def test_nobody_waits_for_long(noticed: dict[str, float], what: str) -> None:
    assert noticed[f"mongodb longest {what} seconds"] < LONGEST_WAIT_SECONDS
