"""What tests of DAGs share: the stack's Airflow, and the collections that its DAGs write to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from local.airflow_api import AirflowApi
from local.stack import Stack
from tests.support.databases import dags_store


@pytest.fixture(scope="session", autouse=True)
def _no_dag_is_on(stack: Stack) -> None:
    """A run of the tests that was broken off may have left a DAG switched on, which would work between others."""
    with stack.api() as client:
        for dag in client.get("dags", paused=False, limit=100)["dags"]:
            client.patch(f"dags/{dag['dag_id']}", {"is_paused": True})


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.api() as client:
        yield client


@pytest.fixture
def store(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    """The collections that the DAGs write to, empty."""
    with dags_store(mongodb_client) as empty:
        yield empty


@pytest.fixture(scope="module")
def shared(stack: Stack) -> Iterator[redis.Redis]:
    """The Redis that the DAG's workers share."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client
