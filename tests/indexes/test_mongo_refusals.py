"""What a server does not let us do is told in one line each, and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from echotune.history.store import HistoryStore
from echotune.indexes import mongo_statistics
from echotune.indexes.mongo_actions import CommandError, Maker
from echotune.indexes.mongo_declaration import declared_shard_keys
from echotune.indexes.mongo_plan import MongoStep
from echotune.indexes.mongo_refusals import outcome_of, told_refusal
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import MONGODB, Action, Outcome, Step, StepResult
from local.servers.mongod import Mongod
from tests.support.databases import fresh_store
from tests.support.maintaining import done, maintain, names_of, result_of
from tests.support.replica_set import Pair
from tests.support.standalone import StandaloneMongod

UNDECLARED = "wanted_by_nobody"
PASSWORD = "not a secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A mongod whose users we give their rights."""
    one = Mongod(tmp_path_factory.mktemp("mongod"))
    one.start()
    yield one
    one.stop()


@pytest.fixture
def owned(server: Mongod) -> Iterator[HistoryStore]:
    """A database of that server, as its administrator."""
    with MongoClient[dict[str, Any]](server.uri) as client, fresh_store(client) as store:
        store.plays.insert_one({"_id": 1})
        yield store


def maintained_as(server: Mongod, owned: HistoryStore, *roles: str, **settings: Any) -> list[StepResult]:
    """Maintain as a user with these roles."""
    server.add_user("somebody", PASSWORD, list(roles))
    with MongoClient[dict[str, Any]](server.uri_of("somebody", PASSWORD.replace(" ", "%20"))) as client:
        return maintain(HistoryStore.of(client[owned.database.name]), **settings)


def problems(results: list[StepResult]) -> dict[str, str]:
    """The line of each step that was refused."""
    assert all("\n" not in one.detail for one in results)
    return {one.step.name: one.detail for one in results if one.outcome is Outcome.REFUSED}


def test_who_may_only_read_is_told_so_for_each_step_and_what_is_there_is_still_told(
    server: Mongod, owned: HistoryStore
) -> None:
    owned.plays.create_index("track.artist", name="artist")
    results = maintained_as(server, owned, "readAnyDatabase")
    told = problems(results)
    assert told["newest"] == "this user may not createIndexes: the role readWrite gives the right"
    assert result_of(results, "artist").step.action is Action.LEAVE
    assert names_of(owned) == {"_id_", "artist"}


def test_who_may_not_change_a_collection_still_makes_indexes(server: Mongod, owned: HistoryStore) -> None:
    maintain(owned)
    owned.plays.drop_index("artist")
    owned.database.command("collMod", owned.plays.name, index={"name": "mood", "hidden": True})
    results = maintained_as(server, owned, "readWriteAnyDatabase")
    assert done(results) == [(Action.CREATE, "artist")]
    assert problems(results) == {"mood": "this user may not collMod: the role dbAdmin gives the right"}


def test_where_the_use_cannot_be_read_nothing_is_hidden(server: Mongod, owned: HistoryStore) -> None:
    owned.plays.create_index("wanted", name=UNDECLARED)
    maintain(owned)
    results = maintained_as(server, owned, "readWriteAnyDatabase", "dbAdminAnyDatabase", days=99)
    assert done(results) == []
    assert "the role clusterMonitor on admin gives the right" in result_of(results, UNDECLARED).step.reason


def test_where_the_indexes_cannot_be_read_nothing_is_made(server: Mongod, owned: HistoryStore) -> None:
    results = maintained_as(server, owned, "clusterMonitor")
    assert {one.outcome for one in results} == {Outcome.REFUSED}
    assert "listIndexes" in results[0].detail
    assert names_of(owned) == {"_id_"}


def test_where_nothing_can_be_remembered_nothing_is_hidden_and_the_rest_goes_on(
    server: Mongod, owned: HistoryStore
) -> None:
    owned.plays.create_index("wanted", name=UNDECLARED)
    maintain(owned)
    roles = ("readAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor")
    results = maintained_as(server, owned, *roles, days=31)
    assert "index_usage" in result_of(results, "").detail
    assert "hidden" not in owned.plays.index_information()[UNDECLARED]
    assert result_of(results, UNDECLARED).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (13, Outcome.REFUSED),
        (59, Outcome.REFUSED),
        (8000, Outcome.REFUSED),
        (10107, Outcome.REFUSED),
        (50, Outcome.BUSY),
        (12587, Outcome.BUSY),
        (11000, Outcome.FAILED),
    ],
)
def test_what_a_server_says_is_a_refusal_a_lock_or_a_failure(code: int, outcome: Outcome) -> None:
    error = OperationFailure("no\nand more", code, {"errmsg": "no\nand more", "code": code})
    assert outcome_of(error) is outcome
    line = told_refusal(error, "collMod")
    assert "collMod" in line
    assert "\n" not in line


def test_a_command_that_the_server_does_not_know_is_a_refusal(owned: HistoryStore) -> None:
    (key,) = declared_shard_keys(plays=owned.plays.name)
    step = Step(system=MONGODB, place=owned.plays.name, name="", action=Action.SHARD, reason="a test")
    with pytest.raises(CommandError) as failure:
        Maker(owned.database, MaintenanceSettings()).carry_out(MongoStep(step=step, shard_key=key))
    assert outcome_of(failure.value.error) is Outcome.REFUSED
    assert "does not know" in told_refusal(failure.value.error, failure.value.command)
    assert names_of(owned) == {"_id_"}


# --- a replica set


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    one = Pair(tmp_path_factory.mktemp("pair"))
    one.start()
    yield one
    one.stop()


@pytest.fixture
def shared(pair: Pair) -> Iterator[HistoryStore]:
    """A database of the set, with the declared indexes and one more, on both members."""
    with MongoClient[dict[str, Any]](pair.uri, w=2) as client, fresh_store(client) as store:
        store.plays.insert_one({"_id": 1})
        store.plays.create_index("wanted", name=UNDECLARED)
        maintain(store)
        # It is replicated when a later write is.
        store.plays.insert_one({"_id": 2})
        yield store


def test_a_secondary_takes_no_step_and_says_so(pair: Pair, shared: HistoryStore) -> None:
    shared.plays.drop_index("artist")
    shared.plays.insert_one({"_id": 3})
    with MongoClient[dict[str, Any]](pair.secondary.uri) as client:
        results = maintain(HistoryStore.of(client[shared.database.name]))
    told = problems(results)
    assert told["artist"].startswith("this server is no primary")
    assert result_of(results, "newest").step.action is Action.LEAVE


def test_over_a_direct_connection_nothing_is_hidden_as_the_other_members_cannot_be_asked(
    pair: Pair, shared: HistoryStore
) -> None:
    with MongoClient[dict[str, Any]](pair.primary.uri) as client:
        results = maintain(HistoryStore.of(client[shared.database.name]), days=31)
    assert done(results) == []
    assert f"{pair.secondary.address} did not answer" in result_of(results, UNDECLARED).step.reason


def test_a_use_on_a_secondary_counts(pair: Pair, shared: HistoryStore) -> None:
    maintain(shared)
    with MongoClient[dict[str, Any]](pair.secondary.uri) as client:
        list(client[shared.database.name][shared.plays.name].find({"wanted": 1}))
    assert done(maintain(shared, days=31)) == []
    assert done(maintain(shared, days=62)) == [(Action.HIDE, UNDECLARED)]


def test_while_a_member_does_not_answer_nothing_is_hidden(
    pair: Pair, shared: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_statistics, "MEMBER_SECONDS", 0.5)
    pair.secondary.kill()
    try:
        results = maintain(shared, days=31)
        assert done(results) == []
        assert f"{pair.secondary.address} did not answer" in result_of(results, UNDECLARED).step.reason
    finally:
        pair.secondary.start()
        shared.plays.insert_one({"_id": 3})


# --- a server alone, restarted


def test_what_was_seen_before_a_restart_still_counts(tmp_path: Any) -> None:
    server = StandaloneMongod(tmp_path / "mongod")
    server.start()
    try:
        with MongoClient[dict[str, Any]](server.uri) as client:
            store = HistoryStore.of(client["history"])
            store.plays.create_index("wanted", name=UNDECLARED)
            maintain(store)
            maintain(store, days=29)
            server.stop()
            server.start()
            assert done(maintain(store, days=30.5)) == [(Action.HIDE, UNDECLARED)]
    finally:
        server.stop()
