"""What tests share: a real MongoDB, PostgreSQL and Redis; property tests try the same examples on every machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from pymongo import MongoClient
from pymongo.database import Database
from redis.cluster import RedisCluster

from echotune.history.store import HistoryStore
from echotune.sync.migrations import migrate
from local.servers.mongod import Mongod
from local.servers.redis import RedisServer
from local.servers.simulator import SpotifySimulator
from local.simulator.settings import Settings
from local.stack import Stack, open_stack
from tests.support import supabase as postgresql
from tests.support.databases import fresh_database
from tests.support.redis_server import RedisClusterServer, tests_database
from tests.support.supabase import OwnedPostgres

settings.register_profile(
    "echotune",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("echotune")

JOURNAL_MILLISECONDS = 10
"""Between two writes of the journal by a MongoDB of the session's own."""


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The stack's MongoDB, or one of the session's own where no stack is there."""
    uri = os.environ.get("MONGODB_URI")
    if uri:
        yield uri
        return
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    server.start()
    with MongoClient[dict[str, Any]](server.uri) as administrator:
        # To drop a database waits for the journal: with the default of 100 ms longer than most tests work.
        administrator.admin.command("setParameter", 1, journalCommitInterval=JOURNAL_MILLISECONDS)
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
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnedPostgres]:
    """The session's own PostgreSQL."""
    server = OwnedPostgres(tmp_path_factory.mktemp("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def empty_supabase(postgres_server: OwnedPostgres) -> Iterator[str]:
    """The address of an empty database, gone after the test."""
    with postgresql.fresh_database(postgres_server) as name:
        yield postgres_server.owners_uri(name)


@pytest.fixture(scope="session")
def supabase_template(postgres_server: OwnedPostgres) -> Iterator[str]:
    """The name of a migrated database that others are copied from; nobody stays connected to it."""
    with postgresql.fresh_database(postgres_server) as name:
        with postgresql.connect(postgres_server.owners_uri(name)) as connection:
            migrate(connection)
        yield name


@pytest.fixture
def supabase_uri(postgres_server: OwnedPostgres, supabase_template: str) -> Iterator[str]:
    """The address of a migrated database, gone after the test."""
    with postgresql.fresh_database(postgres_server, supabase_template) as name:
        yield postgres_server.owners_uri(name)


@pytest.fixture
def supabase(supabase_uri: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a migrated database."""
    with postgresql.connect(supabase_uri) as connection:
        yield connection


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
def simulator_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpotifySimulator]:
    """The session's own simulator of Spotify."""
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
