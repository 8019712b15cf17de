"""What tests of storage share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.uri_parser import parse_uri

from echotune.history.store import HistoryStore


@pytest.fixture
def reader(
    store: HistoryStore, mongodb_client: MongoClient[dict[str, Any]], mongodb_uri: str
) -> Iterator[HistoryStore]:
    """The store, as a user sees it who may read that database and nothing else."""
    name, password = f"reader_{uuid4().hex}", uuid4().hex
    roles = [{"role": "read", "db": store.database.name}]
    mongodb_client.admin.command("createUser", name, pwd=password, roles=roles)
    host, port = parse_uri(mongodb_uri)["nodelist"][0]
    with MongoClient[dict[str, Any]](
        host, port, directConnection=True, username=name, password=password, authSource="admin"
    ) as client:
        yield HistoryStore.of(client[store.database.name])
    mongodb_client.admin.command("dropUser", name)
