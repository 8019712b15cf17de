"""What tests share: a real MongoDB, and property tests that try the same examples on every machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pymongo import MongoClient
from pymongo.database import Database

from echotune.history.store import HistoryStore
from local.servers.mongod import Mongod
from local.stack import Stack, open_stack
from tests.support.databases import fresh_database

settings.register_profile(
    "echotune",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("echotune")


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stack's MongoDB, or one of the session's own where no stack is there."""
    uri = os.environ.get("MONGODB_URI")
    if uri:
        yield uri
        return
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    server.start()
    yield server.uri
    server.stop()


@pytest.fixture(scope="session")
def mongodb_client(mongodb_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        yield client


@pytest.fixture
def database(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """An empty database, gone after the test."""
    with fresh_database(mongodb_client) as empty:
        yield empty


@pytest.fixture
def store(database: Database[dict[str, Any]]) -> HistoryStore:
    return HistoryStore.of(database)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack whose environment the tests have."""
    found = open_stack(os.environ.get("STACK", "test"))
    assert found is not None, "make test starts the stack; alone: make up STACK=test"
    assert found.airflow.health(), "the stack's Airflow does not answer: look at make status STACK=test"
    return found
