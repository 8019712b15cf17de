"""Crashes in the middle of a load: the next load ends as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from echotune.history.store import HistoryStore
from echotune.resources import PROJECT
from local.sample import write_sample
from local.servers.mongod import Mongod
from tests.support.databases import checksum, fresh_store
from tests.support.loading import load_file, require_reconciled

ROWS = 14_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "history.csv"
    write_sample(path, rows=ROWS, users=2, seed=12, bad_rows=10)
    return path


@pytest.fixture(scope="module")
def undisturbed(mongodb_client: MongoClient[dict[str, Any]], path: Path) -> tuple[int, str]:
    """Number and checksum of the plays that a load without a crash leaves."""
    with fresh_store(mongodb_client) as store:
        load_file(store, path)
        return checksum(store)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Mongod]:
    """A mongod of the test's own, to be killed."""
    one = Mongod(tmp_path / "mongod")
    one.start()
    yield one
    one.stop()


def wait_for_plays(store: HistoryStore, wanted: int, goes_on: Callable[[], bool]) -> None:
    """Look until that many plays are there, or the load has ended."""
    # An estimate has those too that the server is about to write, and does not once their writer is killed.
    while store.plays.count_documents({}, limit=wanted) < wanted and goes_on():
        pass


def start_loading(uri: str, store: HistoryStore, path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.support.loading", store.database.name, str(path)]
    environment = {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'plugins'}", "MONGODB_URI": uri}
    return subprocess.Popen(command, cwd=PROJECT, env=environment)


@pytest.mark.parametrize("wanted", [1, 6_000])
def test_a_load_that_was_killed_is_completed_by_the_next(
    mongodb_uri: str, store: HistoryStore, path: Path, undisturbed: tuple[int, str], wanted: int
) -> None:
    with start_loading(mongodb_uri, store, path) as process:
        wait_for_plays(store, wanted, lambda: process.poll() is None)
        process.kill()
    assert 0 < store.plays.count_documents({}) < undisturbed[0], "the kill came before or after the load"
    require_reconciled(store, load_file(store, path))
    assert checksum(store) == undisturbed


def test_bad_rows_of_a_load_that_was_killed_are_kept_once(mongodb_uri: str, store: HistoryStore, path: Path) -> None:
    with start_loading(mongodb_uri, store, path) as process:
        wait_for_plays(store, 6_000, lambda: process.poll() is None)
        process.kill()
    load_file(store, path)
    assert store.rejected_rows.count_documents({}) == 10


def test_a_load_whose_server_was_killed_is_completed_by_the_next(
    server: Mongod, path: Path, undisturbed: tuple[int, str]
) -> None:
    with MongoClient[dict[str, Any]](server.uri) as client, ThreadPoolExecutor(1) as loader:
        store = HistoryStore.of(client["spotify_analytics"])
        load = loader.submit(load_file, store, path)
        wait_for_plays(store, 6_000, lambda: not load.done())
        server.kill()
        assert not load.done(), "the load ended before the server was killed"
        server.start()
        assert isinstance(load.exception(), PyMongoError | None)
        require_reconciled(store, load_file(store, path))
        assert checksum(store) == undisturbed
