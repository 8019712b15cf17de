"""Killed before any command: no play is lost or doubled, and the next run ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from echotune.archive.archives import HOLDING, Archives
from echotune.history.store import HistoryStore
from tests.support.archiving import archive_all, bytes_of_plays, restore_all
from tests.support.databases import fresh_database
from tests.support.dying import dies_at
from tests.support.standalone import StandaloneMongod
from tests.support.syncing import changed, play

PLAYS = 7
BATCH = 3


@pytest.fixture(scope="module", params=["replica set", "standalone"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with transactions, and of one without."""
    if request.param == "replica set":
        yield request.getfixturevalue("mongodb_uri")
        return
    alone = StandaloneMongod(tmp_path_factory.mktemp("standalone"))
    alone.start()
    yield alone.uri
    alone.stop()


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](server) as one:
        yield one


@pytest.fixture
def store(client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    with fresh_database(client) as database:
        yield HistoryStore.of(database)


def load(store: HistoryStore) -> dict[Any, bytes]:
    for collection in store.database.list_collection_names():
        store.database[collection].delete_many({})
    store.plays.insert_many([play(number) for number in range(PLAYS)])
    return bytes_of_plays(store)


def has_transactions(store: HistoryStore) -> bool:
    return "setName" in store.database.client.admin.command("hello")


def end_transactions(store: HistoryStore) -> None:
    """What the server itself does a minute after it last heard of a transaction."""
    if has_transactions(store):
        store.database.client.admin.command("killSessions", [])


def require_all_there(store: HistoryStore, plays: dict[Any, bytes]) -> None:
    """Each play is in the collection, or noted as archived in a file that has it; with transactions never both."""
    found, archived = bytes_of_plays(store), archived_bytes(store)
    assert archived | found == plays
    if has_transactions(store):
        assert not found.keys() & archived.keys()


def archived_bytes(store: HistoryStore) -> dict[Any, bytes]:
    archives = {archive.id: archive for archive in Archives(store).in_states(HOLDING)}
    held: dict[Any, bytes] = {}
    for note in store.archived_plays.find():
        table = pq.read_table(archives[note["archive"]].address, columns=["id", "document"], partitioning=None)
        documents = dict(zip(table["id"].to_pylist(), table["document"].to_pylist(), strict=True))
        held[note["_id"]] = documents[note["_id"]]
    return held


def test_an_archive_that_was_killed_before_any_command_is_completed_by_the_next(
    server: str, store: HistoryStore, tmp_path: Path
) -> None:
    for number in count(1):
        plays, folder = load(store), tmp_path / str(number)

        def work(dying: HistoryStore, folder: Path = folder) -> None:
            archive_all(dying, folder, batch_plays=BATCH)

        died = dies_at(number, server, store.database.name, work)
        end_transactions(store)
        require_all_there(store, plays)
        archive_all(store, folder, batch_plays=BATCH)
        assert bytes_of_plays(store) == {}
        assert archived_bytes(store) == plays
        assert len(list(folder.rglob("*.parquet"))) == store.archives.count_documents({}) == 2
        if not died:
            break
    assert number > 20


def test_a_restore_that_was_killed_before_any_command_is_completed_by_the_next(
    server: str, store: HistoryStore, tmp_path: Path
) -> None:
    for number in count(1):
        plays = load(store)
        archive_all(store, tmp_path / str(number))
        died = dies_at(number, server, store.database.name, lambda dying: restore_all(dying, batch_plays=BATCH))
        end_transactions(store)
        require_all_there(store, plays)
        restore_all(store)
        assert bytes_of_plays(store) == plays
        assert store.archived_plays.count_documents({}) == 0
        if not died:
            break
    assert number > 10


class Meddler(CommandListener):
    """Changes a play whenever another command is sent: somebody enriches it meanwhile."""

    def __init__(self, store: HistoryStore, command: str) -> None:
        self._store, self._command, self.changes = store, command, 0

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == self._command and self.changes == 0:
            self.changes += 1
            self._store.plays.replace_one({"_id": play(1)["_id"]}, changed(play(1), popularity=99))

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


@pytest.mark.parametrize("command", ["insert", "find", "findAndModify", "aggregate", "update", "delete"])
def test_a_play_that_changes_meanwhile_is_kept_as_it_is(
    server: str, store: HistoryStore, tmp_path: Path, command: str
) -> None:
    load(store)
    meddler = Meddler(store, command)
    with MongoClient[dict[str, Any]](server, event_listeners=[meddler]) as client:
        archive_all(HistoryStore.of(client[store.database.name]), tmp_path)
    assert meddler.changes == 1
    assert archived_bytes(store).keys().isdisjoint(bytes_of_plays(store))
    restore_all(store)
    (after,) = store.plays.find({"_id": play(1)["_id"]})
    assert after["popularity"] == 99
    assert store.plays.count_documents({}) == PLAYS
