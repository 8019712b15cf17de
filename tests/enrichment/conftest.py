"""What tests of the enrichment share: one simulator and one database for all of them, as new for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from local.servers.simulator import SpotifySimulator
from tests.support.databases import fresh_store
from tests.support.working import Desk


@pytest.fixture(scope="session")
def one_store(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    with fresh_store(mongodb_client) as store:
        yield store


@pytest.fixture
def store(one_store: HistoryStore) -> HistoryStore:
    """A store without a document. To drop a database takes a tenth of a second, so it is the same one for all."""
    for name in one_store.database.list_collection_names():
        one_store.database[name].delete_many({})
    return one_store


@pytest.fixture
def desk(store: HistoryStore, simulator: SpotifySimulator, redis_client: redis.Redis) -> Desk:
    """Workers against the simulator, with what they share in Redis."""
    return Desk(store=store, urls=simulator.settings, client=redis_client)


@pytest.fixture
def indexed(store: HistoryStore) -> HistoryStore:
    """The store, with its indexes."""
    ensure_indexes(store.database, declared_indexes(plays=store.plays.name))
    return store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"
