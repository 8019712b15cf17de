"""The rights that include/mongo/role.json gives: enough for everything that the platform does, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from echotune.connection_checks.settings import check_settings
from echotune.history.catalog import refresh_catalog
from echotune.history.preflight import check_room
from echotune.history.store import HistoryStore
from echotune.indexes.mongo_server import read_server
from echotune.indexes.mongo_statistics import look
from echotune.indexes.steps import Outcome
from echotune.storage.mongo_sizes import measure_mongodb
from local.servers.mongod import Mongod
from tests.support.archiving import NOW, restore_all
from tests.support.forgetting import documents, fill, forgetting_of
from tests.support.loading import load_file
from tests.support.maintaining import maintain
from tests.support.rows import row, write_csv
from tests.support.syncing import with_indexes

DATABASE, PASSWORD = "spotify_analytics", "not-a-secret"
UNAUTHORIZED = 13
Client = MongoClient[dict[str, Any]]

FORBIDDEN: dict[str, Callable[[Client], object]] = {
    "read another database": lambda client: client["other"]["plays"].find_one(),
    "write to another database": lambda client: client["other"]["plays"].insert_one({}),
    "copy into another database": lambda client: list(
        client[DATABASE]["tracks"].aggregate([{"$out": {"db": "other", "coll": "tracks"}}])
    ),
    "drop its database": lambda client: client.drop_database(DATABASE),
    "drop a collection": lambda client: client[DATABASE].drop_collection("tracks"),
    "rename a collection": lambda client: client[DATABASE]["tracks"].rename("mine"),
    "write past a rule of a collection": lambda client: client[DATABASE].command(
        "insert", "tracks", documents=[{}], bypassDocumentValidation=True
    ),
    "watch what others ask": lambda client: list(client.admin.aggregate([{"$currentOp": {"allUsers": True}}])),
    "switch the profiler on": lambda client: client[DATABASE].command("profile", 2),
    "read who may enter": lambda client: client.admin["system.users"].find_one(),
    "make a user": lambda client: client[DATABASE].command("createUser", "mine", pwd="x", roles=["root"]),
    "take more rights": lambda client: client.admin.command("grantRolesToUser", "echotune", roles=["root"]),
    "change its role": lambda client: client.admin.command("updateRole", "echotune", privileges=[]),
    "read the log of operations": lambda client: client["local"]["oplog.rs"].find_one(),
    "read the server's log": lambda client: client.admin.command("getLog", "global"),
    "read how the server was started": lambda client: client.admin.command("getCmdLineOpts"),
    "change the server": lambda client: client.admin.command("setParameter", 1, logLevel=1),
    "change the replica set": lambda client: client.admin.command("replSetStepDown", 1),
    "stop the server": lambda client: client.admin.command("shutdown"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    one = Mongod(tmp_path_factory.mktemp("mongod"))
    one.start()
    one.add_role("echotune", DATABASE)
    one.add_user("echotune", PASSWORD, ["echotune"])
    yield one
    one.stop()


@pytest.fixture(scope="module")
def uri(server: Mongod) -> str:
    return server.uri_of("echotune", PASSWORD)


@pytest.fixture
def platform(server: Mongod, uri: str) -> Iterator[Database[dict[str, Any]]]:
    """The platform's database, as its user; gone after the test."""
    with Client(uri) as client, Client(server.uri) as administrator:
        yield client[DATABASE]
        administrator.drop_database(DATABASE)


def test_the_whole_chain_works_with_them(
    platform: Database[dict[str, Any]], supabase: psycopg.Connection[Any], redis_client: redis.Redis, tmp_path: Path
) -> None:
    store = HistoryStore.of(platform)
    fill(store, supabase, redis_client, tmp_path)
    assert restore_all(store) != []
    forgetting_of(store, supabase, redis_client).remove()
    assert list(documents(store)) != []


def test_maintenance_does_all_of_it_with_them(platform: Database[dict[str, Any]], tmp_path: Path) -> None:
    store = HistoryStore.of(platform)
    load_file(store, write_csv(tmp_path / "history.csv", [row()]))
    refresh_catalog(store)
    assert check_room(store, ()) is not None
    results = [*maintain(store), *maintain(store)]
    assert {one.outcome for one in results} == {Outcome.DONE}
    live = read_server(platform, []).of(store.plays.name)
    assert look(platform, read_server(platform, []), live).unknown == ""
    assert measure_mongodb(store, archive_years=1, now=NOW).notes == ()


def test_the_check_of_the_connection_is_content_with_them(platform: Database[dict[str, Any]], uri: str) -> None:
    report = check_settings("MongoDB", {"MONGODB_URI": uri, "MONGODB_DATABASE": platform.name})
    assert (report.problems, report.rights) == ((), "rights as needed")


@pytest.mark.parametrize("forbidden", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_they_do_not_allow_to(
    platform: Database[dict[str, Any]], server: Mongod, forbidden: Callable[[Client], object]
) -> None:
    with_indexes(HistoryStore.of(platform))
    with pytest.raises(OperationFailure) as refused:
        forbidden(platform.client)
    assert refused.value.code == UNAUTHORIZED
    assert server.running
