"""The collections of a listening history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from tests.support.databases import fresh_database

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("options", [{}, {"uuidRepresentation": "pythonLegacy", "tz_aware": False}])
def test_ids_and_times_are_the_same_whatever_the_client_was_opened_with(
    mongodb_uri: str, options: dict[str, Any]
) -> None:
    document = {"_id": UUID(int=7), "timestamp": NOW}
    with MongoClient[dict[str, Any]](mongodb_uri, **options) as client, fresh_database(client) as database:
        store = HistoryStore.of(database)
        store.plays.insert_one(dict(document))
        assert store.plays.find_one() == document


def test_the_collection_of_plays_has_the_name_of_the_deployment(store: HistoryStore) -> None:
    assert HistoryStore.of(store.database, plays="plays_of_anna").plays.name == "plays_of_anna"
