"""What tests share: a real MongoDB, a real Redis, and property tests that try the same examples on every machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis
from hypothesis import HealthCheck, settings
from pymongo import MongoClient
from pymongo.database import Database
from redis.cluster import RedisCluster

from echotune.history.store import HistoryStore
from local.servers.mongod import Mongod
from local.servers.redis import RedisServer
from local.stack import Stack, open_stack
from tests.support.databases import fresh_database
from tests.support.redis_server import RedisClusterServer, tests_database

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
def redis_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The tests' own database in the stack's Redis, or in one of the session's own where no stack is there."""
    uri = os.environ.get("REDIS_URL")
    if uri:
        yield tests_database(uri)
        return
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield tests_database(server.uri)
    server.stop()


@pytest.fixture
def redis_client(redis_uri: str) -> Iterator[redis.Redis]:
    """A client of an empty database."""
    with redis.Redis.from_url(redis_uri) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def redis_cluster_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis Cluster, which refuses commands and scripts whose keys may be on several nodes."""
    server = RedisClusterServer(tmp_path_factory.mktemp("redis-cluster"))
    server.start()
    yield server.uri
    server.stop()


@pytest.fixture
def redis_cluster(redis_cluster_uri: str) -> redis.Redis:
    # It has the methods of the other client, and no common type with it.
    return cast(redis.Redis, RedisCluster.from_url(redis_cluster_uri))


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack whose environment the tests have."""
    found = open_stack(os.environ.get("STACK", "test"))
    assert found is not None, "make test starts the stack; alone: make up STACK=test"
    assert found.airflow.health(), "the stack's Airflow does not answer: look at make status STACK=test"
    return found
