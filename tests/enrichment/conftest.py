"""What tests of the enrichment share: one simulator and one database for all of them, as new for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from local.servers.simulator import SpotifySimulator
from local.simulator.settings import Settings
from tests.support.databases import fresh_store


@pytest.fixture(scope="session")
def simulator_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpotifySimulator]:
    server = SpotifySimulator(tmp_path_factory.mktemp("simulator"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def simulator(simulator_server: SpotifySimulator) -> SpotifySimulator:
    """The simulator with its first settings, no rule, nothing counted and no token valid."""
    control = simulator_server.control
    control.reset()
    control.settings(**Settings().model_dump(mode="json"))
    control.expire_tokens()
    return simulator_server


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
