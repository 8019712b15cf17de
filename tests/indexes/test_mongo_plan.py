"""The plan for MongoDB's indexes, a pure function."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from echotune.indexes.mongo_comparison import OLD_SIGNATURE, LiveIndex
from echotune.indexes.mongo_declaration import MongoIndex, ShardKey
from echotune.indexes.mongo_plan import MongoStep, plan_mongodb
from echotune.indexes.mongo_server import Server, ServerKind
from echotune.indexes.mongo_usage import Usage
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action
from tests.support.maintaining import actions, declared, live, words

DAY = timedelta(days=1)
TEXT = declared("words", (("x", "text"), ("y", "text")), default_language="none")
AB = (("a", 1), ("b", 1))
LONG_UNUSED = Usage(operations=0, unused=31 * DAY, known=True)
SHARD_KEY = ShardKey(collection="c", index=declared("shard_key", (("u", 1), ("_id", 1))), reason="a test")


def plan(
    wanted: list[MongoIndex] | MongoIndex,
    *there: LiveIndex,
    usage: Usage | None = None,
    server: dict[str, Any] | None = None,
    shard_key: ShardKey | None = None,
    **settings: Any,
) -> list[MongoStep]:
    return plan_mongodb(
        [wanted] if isinstance(wanted, MongoIndex) else wanted,
        Server(indexes=there, **(server or {})),
        {(one.collection, one.name): usage for one in there} if usage else {},
        MaintenanceSettings(**settings),
        shard_keys=[shard_key] if shard_key else [],
    )


# --- what is declared


def test_an_index_that_is_not_there_is_created() -> None:
    (step,) = plan(declared(), live("_id_", (("_id", 1),)))
    assert (step.step.action, step.creates) == (Action.CREATE, declared())
    assert "a test" in step.step.reason


@pytest.mark.parametrize("name", ["one", "a_1"])
def test_an_index_that_is_there_is_left_under_whatever_name(name: str) -> None:
    assert actions(plan(declared(), live(name))) == [(Action.LEAVE, name)]


def test_a_declared_index_that_is_hidden_is_shown_again() -> None:
    assert actions(plan(declared(), live(hidden=True))) == [(Action.UNHIDE, "one")]


@pytest.mark.parametrize(
    "there",
    [{"unique": True}, {"sparse": True}, {"partialFilterExpression": {"a": 1}}, {"collation": {"locale": "de"}}],
)
def test_an_index_with_other_options_is_rebuilt_beside_the_old_one(there: Any) -> None:
    (step,) = plan(declared(), live(**there))
    assert (step.step.action, step.drops_first, step.replaces) == (Action.REBUILD, False, ("one",))
    assert step.creates == declared("one_2")
    assert next(iter(there)) in step.step.reason


def test_a_rebuild_takes_a_name_that_is_free() -> None:
    (step,) = plan(declared(), live("one_2", sparse=True))
    assert step.creates == declared("one")


def test_another_expiry_is_changed_in_place() -> None:
    (step,) = plan(declared(expireAfterSeconds=60), live(expireAfterSeconds=90))
    assert (step.step.action, step.creates, step.index) == (Action.REBUILD, None, declared(expireAfterSeconds=60))


@pytest.mark.parametrize(
    ("index", "there", "server"),
    [
        (declared(), live(expireAfterSeconds=60), {}),
        (TEXT, words("words", "x"), {}),
        (TEXT, words(language="english"), {}),
        (declared(), live(sparse=True), {"signature": OLD_SIGNATURE}),
    ],
)
def test_what_the_server_takes_only_one_of_is_dropped_first_and_the_reason_says_so(
    index: MongoIndex, there: LiveIndex, server: Any
) -> None:
    (step,) = plan(index, there, server=server)
    assert (step.step.action, step.drops_first) == (Action.REBUILD, True)
    assert step.creates == index
    assert "queries lack it meanwhile" in step.step.reason


def test_the_text_index_of_somebody_else_gives_way_unless_that_is_off() -> None:
    assert [one.step.action for one in plan(TEXT, words("search", "z"))] == [Action.REBUILD]
    kept = plan(TEXT, words("search", "z"), manage_undeclared=False)
    assert actions(kept) == [(Action.REPORT, "words")]
    assert "search" in kept[0].step.reason


def test_an_index_of_somebody_else_with_other_options_stays_beside_ours() -> None:
    steps = plan(declared(), live("by_name", collation={"locale": "de"}))
    assert actions(steps) == [(Action.CREATE, "one"), (Action.REPORT, "by_name")]


def test_an_index_of_somebody_else_that_removes_documents_is_reported_where_it_is_in_the_way() -> None:
    steps = plan(declared(), live("ttl", expireAfterSeconds=60))
    assert actions(steps) == [(Action.REPORT, "one"), (Action.REPORT, "ttl")]


def test_what_a_killed_rebuild_left_is_removed() -> None:
    assert actions(plan(declared(), live("one", sparse=True), live("one_2"))) == [
        (Action.CLEAN, "one"),
        (Action.LEAVE, "one_2"),
    ]


def test_two_declared_indexes_over_the_same_fields_are_no_leftovers_of_each_other() -> None:
    both = [declared("one"), declared("one_2", sparse=True)]
    assert {one.step.action for one in plan(both, live("one"), live("one_2", sparse=True))} == {Action.LEAVE}


def test_a_name_that_another_index_has_taken_is_left_to_it() -> None:
    steps = plan(declared(), live("one", (("z", 1),)))
    assert actions(steps) == [(Action.CREATE, "one_2"), (Action.REPORT, "one")]


def test_a_collection_that_cannot_be_looked_at_gets_no_index() -> None:
    (step,) = plan(declared(), server={"unread": {"c": "no right"}})
    assert (step.step.action, step.refused) == (Action.REPORT, "no right")


# --- what nobody declared


def undeclared(usage: Usage, *, hidden: bool = False, settings: Any = None, **options: Any) -> MongoStep:
    """The step of an index that nobody declared."""
    there = live("mine", hidden=True, **options) if hidden else live("mine", **options)
    (step,) = plan([], there, usage=usage, **(settings or {}))
    return step


def test_id_is_nobodys_to_declare() -> None:
    assert plan([], live("_id_", (("_id", 1),))) == []


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (LONG_UNUSED, Action.HIDE),
        (Usage(operations=0, unused=31 * DAY, known=False), Action.REPORT),
        (Usage(operations=0, unused=29 * DAY, known=True), Action.REPORT),
        (Usage(operations=9, unused=0 * DAY, known=True), Action.REPORT),
        (Usage(unused=31 * DAY, known=True, unknown="one did not answer"), Action.REPORT),
    ],
)
def test_it_is_hidden_when_all_saw_it_unused_for_long_and_it_was_reported_before(
    usage: Usage, expected: Action
) -> None:
    assert undeclared(usage).step.action is expected


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (Usage(hidden_for=30 * DAY), Action.DROP),
        (Usage(hidden_for=29 * DAY), Action.REPORT),
        (Usage(), Action.REPORT),
        (Usage(unknown="one did not answer", hidden_for=30 * DAY), Action.DROP),
    ],
)
def test_it_is_dropped_when_we_hid_it_long_ago(usage: Usage, expected: Action) -> None:
    assert undeclared(usage, hidden=True).step.action is expected


@pytest.mark.parametrize("days", [1, 100])
def test_the_days_are_the_users(days: int) -> None:
    settings = {"hide_after_days": days, "drop_after_days": days}
    hides = undeclared(Usage(operations=0, unused=days * DAY, known=True), settings=settings)
    drops = undeclared(Usage(hidden_for=days * DAY), hidden=True, settings=settings)
    assert (hides.step.action, drops.step.action) == (Action.HIDE, Action.DROP)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("options", [{"unique": True}, {"expireAfterSeconds": 60}])
def test_one_with_an_effect_is_only_reported(options: Any, hidden: bool) -> None:
    usage = Usage(operations=0, unused=999 * DAY, known=True, hidden_for=999 * DAY)
    assert undeclared(usage, hidden=hidden, **options).step.action is Action.REPORT


@pytest.mark.parametrize("hidden", [False, True])
def test_nothing_is_hidden_or_dropped_where_that_is_off(hidden: bool) -> None:
    usage = Usage(operations=0, unused=999 * DAY, known=True, hidden_for=999 * DAY)
    assert undeclared(usage, hidden=hidden, settings={"manage_undeclared": False}).step.action is Action.REPORT


def test_the_index_of_the_shard_key_is_only_reported() -> None:
    steps = plan([], live("mine"), usage=LONG_UNUSED, server={"shard_keys": {"c": (("a", 1),)}})
    assert actions(steps) == [(Action.REPORT, "mine")]


def test_the_beginning_of_another_index_is_reported_declared_or_not() -> None:
    steps = plan([declared("short"), declared("long", AB)], live("short"), live("long", AB))
    assert actions(steps)[-1] == (Action.REPORT, "short")
    assert "long" in steps[-1].step.reason


# --- sharding


def sharding(*, gigabytes: float, server: Any = None, **settings: Any) -> list[tuple[Action, str]]:
    cluster = {"kind": ServerKind.SHARDED, "gigabytes": {"c": gigabytes}} | (server or {})
    return actions(plan([], server=cluster, shard_key=SHARD_KEY, **settings))


def test_a_collection_that_outgrew_the_size_is_sharded_where_that_is_on() -> None:
    assert sharding(gigabytes=33, shard=True) == [(Action.SHARD, "")]


def test_it_is_only_told_where_that_is_off() -> None:
    assert sharding(gigabytes=33) == [(Action.REPORT, "")]


@pytest.mark.parametrize(
    "server", [{"kind": ServerKind.REPLICA_SET}, {"shard_keys": {"c": (("_id", "hashed"),)}}, {"gigabytes": {"c": 32}}]
)
def test_a_small_one_a_sharded_one_and_one_of_another_server_stay_as_they_are(server: Any) -> None:
    assert sharding(gigabytes=33, server=server, shard=True) == []


def test_the_index_for_the_shard_key_is_declared_on_a_sharded_cluster() -> None:
    there = live("shard_key", SHARD_KEY.index.keys)
    assert plan([], there, shard_key=SHARD_KEY, server={"kind": ServerKind.SHARDED}) == []
    assert actions(plan([], there, shard_key=SHARD_KEY)) == [(Action.REPORT, "shard_key")]
