"""MongoDB's indexes: what is declared, what is there, and what queries use."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.settings import EnrichmentKind
from echotune.history.store import HistoryStore
from echotune.indexes.mongo import IndexAction, MongoIndex, declared_indexes, ensure_indexes, plan_indexes
from tests.support.databases import fresh_database

PLAYS = "listening_history"
DECLARED = declared_indexes(plays=PLAYS)
NAMES = [f"{index.collection}.{index.name}" for index in DECLARED]
NOW = datetime(2024, 1, 1, tzinfo=UTC)
LONG_AGO, FAR_OFF = NOW.replace(year=2000), NOW.replace(year=2100)
CATALOG = ("tracks", "artists", "albums")
ENERGETIC = {"audio_features.danceability": {"$gte": 0.4, "$lte": 0.6}, "audio_features.energy": {"$gte": 0.5}}
DUE = {"$in": ["pending", "error"]}

# The sync's: a document without a time of change is among them.
CHANGED = {"updated_at": {"$not": {"$lt": NOW}}}
Query = tuple[dict[str, Any], dict[str, int]]

QUERIES: dict[str, Query] = {
    f"{PLAYS}.track_uri": ({"spotify_track_uri": "spotify:track:7"}, {}),
    f"{PLAYS}.newest": ({}, {"timestamp": -1}),
    f"{PLAYS}.artist": ({"track.artist": "The Who"}, {}),
    f"{PLAYS}.user_newest_track": ({"user.username": "anna"}, {"timestamp": -1}),
    f"{PLAYS}.words": ({"$text": {"$search": "who"}}, {}),
    f"{PLAYS}.mood": (ENERGETIC, {}),
    f"{PLAYS}.changed": (CHANGED, {"updated_at": 1, "_id": 1}),
    f"{PLAYS}.source_row": ({"source.sha256": "0" * 64, "source.row": {"$gte": 1, "$lt": 9}}, {}),
    "tracks.audio_features_queue": ({"enrichment.audio_features.status": DUE}, {}),
    "tracks.catalog_queue": ({"enrichment.catalog.status": DUE}, {}),
    "tracks.changed": (CHANGED, {"updated_at": 1, "_id": 1}),
    "tracks.embedding_due": ({"embedding_due": {"$lt": NOW}}, {"first_played_at": 1}),
    "artists.catalog_queue": ({"enrichment.catalog.status": DUE}, {}),
    "artists.changed": (CHANGED, {"updated_at": 1, "_id": 1}),
    "albums.catalog_queue": ({"enrichment.catalog.status": DUE}, {}),
    "albums.changed": (CHANGED, {"updated_at": 1, "_id": 1}),
}

ONE = MongoIndex(collection="c", name="one", keys=(("a", 1), ("b", -1)), serves="a test")
WORDS = MongoIndex(
    collection="c",
    name="words",
    keys=(("x", "text"), ("b", "text")),
    options={"default_language": "none"},
    serves="a test",
)
LIVE_WORDS = {
    "key": [("_fts", "text"), ("_ftsx", 1)],
    "weights": {"b": 1, "x": 1},
    "default_language": "none",
}


def action(index: MongoIndex, live: dict[str, Any]) -> IndexAction:
    return plan_indexes([index], {"c": live})[0].action


def index(**options: Any) -> MongoIndex:
    return MongoIndex(collection="c", name="one", keys=(("a", 1),), options=options, serves="a test")


# --- the plan, a pure function


@pytest.mark.parametrize(
    "live", [{}, {"c": {}}, {"c": {"_id_": {"key": [("_id", 1)]}}}, {"other": {"one": {"key": []}}}]
)
def test_an_index_that_is_not_there_is_created(live: dict[str, Any]) -> None:
    assert [step.action for step in plan_indexes([ONE], live)] == [IndexAction.CREATE]


def test_an_index_that_is_there_is_left() -> None:
    assert action(ONE, {"one": {"key": [("a", 1), ("b", -1)]}}) is IndexAction.LEAVE


def test_an_index_that_is_there_under_another_name_is_left() -> None:
    assert action(ONE, {"a_1_b_-1": {"key": [("a", 1), ("b", -1)]}}) is IndexAction.LEAVE


@pytest.mark.parametrize("keys", [[("b", -1), ("a", 1)], [("a", 1)], [("a", 1), ("b", 1)]])
def test_an_index_of_that_name_over_other_keys_differs(keys: list[tuple[str, int]]) -> None:
    assert action(ONE, {"one": {"key": keys}}) is IndexAction.DIFFERS


def test_an_index_over_other_keys_and_of_another_name_does_not_count() -> None:
    assert action(ONE, {"two": {"key": [("b", -1), ("a", 1)]}}) is IndexAction.CREATE


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"unique": True}, {}),
        ({}, {"unique": True}),
        ({}, {"sparse": True}),
        ({"expireAfterSeconds": 60}, {"expireAfterSeconds": 90}),
        ({"partialFilterExpression": {"a": {"$exists": True}}}, {}),
    ],
)
def test_an_index_with_other_options_differs(declared: dict[str, Any], live: dict[str, Any]) -> None:
    assert action(index(**declared), {"one": {"key": [("a", 1)], **live}}) is IndexAction.DIFFERS


def test_a_text_index_is_known_by_its_fields() -> None:
    assert action(WORDS, {"words": LIVE_WORDS}) is IndexAction.LEAVE


def test_a_text_index_over_other_fields_differs() -> None:
    assert action(WORDS, {"words": LIVE_WORDS | {"weights": {"b": 1}}}) is IndexAction.DIFFERS


def test_a_text_index_of_another_name_over_other_fields_differs() -> None:
    """A collection has one text index at most: to create a second is refused."""
    assert action(WORDS, {"search": LIVE_WORDS | {"weights": {"b": 1}}}) is IndexAction.DIFFERS


def test_a_text_index_of_another_language_differs() -> None:
    assert action(WORDS, {"words": LIVE_WORDS | {"default_language": "english"}}) is IndexAction.DIFFERS


def test_a_step_tells_what_is_done_and_what_for() -> None:
    (step,) = plan_indexes([ONE], {})
    assert str(step) == "create   c.one: a test"


# --- the declaration


def test_names_are_unique_in_a_collection() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_the_collection_of_plays_has_the_name_of_the_deployment() -> None:
    assert {one.collection for one in declared_indexes(plays="plays_of_anna")} == {
        "plays_of_anna",
        *CATALOG,
    }


@pytest.mark.parametrize(
    "keys",
    [
        [("spotify_track_uri", 1)],
        [("timestamp", -1)],
        [("track.artist", 1)],
        [("user.username", 1), ("timestamp", -1)],
        [("user.username", 1), ("timestamp", -1), ("spotify_track_uri", 1)],
        [("track.name", "text"), ("track.artist", "text"), ("track.album", "text")],
        [(f"audio_features.{name}", 1) for name in ("danceability", "energy", "valence", "tempo")],
        [("updated_at", 1)],
    ],
    ids=lambda keys: ", ".join(name for name, _ in keys),
)
def test_each_index_of_the_design_is_one_or_the_beginning_of_one(keys: list[tuple[str, int | str]]) -> None:
    assert any(list(one.keys[: len(keys)]) == keys for one in DECLARED if one.collection == PLAYS)


# --- on a real server


@pytest.fixture
def indexed(database: Database[dict[str, Any]]) -> Database[dict[str, Any]]:
    ensure_indexes(database, DECLARED)
    return database


def test_what_is_declared_is_created(indexed: Database[dict[str, Any]]) -> None:
    live = {f"{name}.{one}" for name in (PLAYS, *CATALOG) for one in indexed[name].index_information()}
    assert live == {*NAMES, *(f"{name}._id_" for name in (PLAYS, *CATALOG))}


def test_the_plan_that_was_carried_out_is_told(database: Database[dict[str, Any]]) -> None:
    assert {step.action for step in ensure_indexes(database, DECLARED)} == {IndexAction.CREATE}


def test_to_create_them_again_changes_nothing(indexed: Database[dict[str, Any]]) -> None:
    before = indexed[PLAYS].index_information()
    assert {step.action for step in ensure_indexes(indexed, DECLARED)} == {IndexAction.LEAVE}
    assert indexed[PLAYS].index_information() == before


def test_a_missing_index_is_created_and_the_others_are_left(indexed: Database[dict[str, Any]]) -> None:
    indexed[PLAYS].drop_index("mood")
    created = [step.index.name for step in ensure_indexes(indexed, DECLARED) if step.action is IndexAction.CREATE]
    assert created == ["mood"]


def test_a_dry_run_creates_nothing(database: Database[dict[str, Any]]) -> None:
    ensure_indexes(database, DECLARED, dry_run=True)
    assert database.list_collection_names() == []


def test_an_index_that_differs_is_reported_and_left(database: Database[dict[str, Any]]) -> None:
    database[PLAYS].create_index([("timestamp", 1)], name="newest")
    differs = [step.index.name for step in ensure_indexes(database, DECLARED) if step.action is IndexAction.DIFFERS]
    assert differs == ["newest"]
    assert database[PLAYS].index_information()["newest"]["key"] == [("timestamp", 1)]


def test_a_text_index_of_someone_else_is_reported_and_left(database: Database[dict[str, Any]]) -> None:
    database[PLAYS].create_index([("track.name", "text")], name="search")
    differs = [step.index.name for step in ensure_indexes(database, DECLARED) if step.action is IndexAction.DIFFERS]
    assert differs == ["words"]


# --- in use


def play(number: int) -> dict[str, Any]:
    return {
        "_id": number,
        "spotify_track_uri": f"spotify:track:{number}",
        "timestamp": NOW,
        "user": {"username": "anna" if number == 7 else f"user {number}"},
        "track": {"name": f"Song {number}", "artist": f"Artist {number}", "album": f"Album {number}"},
        "audio_features": {"danceability": number / 300, "energy": 0.5, "valence": 0.5, "tempo": 120.0},
        "source": {"sha256": f"{number:064d}"},
        "updated_at": NOW.replace(year=2024 if number < 5 else 2023),
    }


def track(number: int) -> dict[str, Any]:
    state = {"status": "pending" if number < 5 else "enriched", "attempts": 0}
    embedding = {"embedding_due": NOW.replace(year=2023)} if number < 5 else {}
    return {"_id": f"{number:022}", "play_count": number, "updated_at": play(number)["updated_at"]} | {
        "enrichment": {"catalog": state, "audio_features": state},
        **embedding,
    }


@pytest.fixture(scope="module")
def filled(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    with fresh_database(mongodb_client) as database:
        database[PLAYS].insert_many([play(number) for number in range(300)])
        for name in CATALOG:
            database[name].insert_many([track(number) for number in range(300)])
        ensure_indexes(database, DECLARED)
        yield database


def indexes_used(plan: Any) -> set[str]:
    """The names of all indexes in a winning plan."""
    if isinstance(plan, list):
        return {name for part in plan for name in indexes_used(part)}
    if not isinstance(plan, dict):
        return set()
    own = {plan["indexName"]} if "indexName" in plan else set()
    return own | {name for part in plan.values() for name in indexes_used(part)}


def test_each_declared_index_has_a_query() -> None:
    assert set(QUERIES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_query_that_an_index_serves_uses_it(filled: Database[dict[str, Any]], name: str) -> None:
    collection, index_name = name.split(".")
    query, order = QUERIES[name]
    cursor = filled[collection].find(query)
    plan = (cursor.sort(list(order.items())) if order else cursor).explain()["queryPlanner"]["winningPlan"]
    assert indexes_used(plan) == {index_name}


QUEUES = [("tracks", "audio_features"), *((name, "catalog") for name in CATALOG)]


def stages(plan: Any) -> set[str]:
    """The names of all stages in a winning plan."""
    if isinstance(plan, list):
        return {name for part in plan for name in stages(part)}
    if not isinstance(plan, dict):
        return set()
    own = {plan["stage"]} if "stage" in plan else set()
    return own | {name for part in plan.values() for name in stages(part)}


class Finds(CommandListener):
    """Keeps the find and count commands as a client sent them."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in ("find", "aggregate"):
            wanted = ("find", "filter", "sort", "limit", "projection", "aggregate", "pipeline", "cursor")
            self.commands.append({name: event.command[name] for name in wanted if name in event.command})

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def queued(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[Database[dict[str, Any]]]:
    """Queues of thousands of documents in all states, a part of each of them due."""
    states = [
        *[{"status": "pending"}] * 6,
        {"status": "pending", "claimed_by": "bert", "next_attempt_at": LONG_AGO},
        {"status": "error", "next_attempt_at": LONG_AGO},
        {"status": "error", "next_attempt_at": FAR_OFF},
        {"status": "not_found", "next_attempt_at": FAR_OFF, "providers": ["spotify"]},
        *[{"status": "enriched", "provider": "spotify", "fetched_at": NOW}] * 20,
        {"status": "enriched", "provider": "mock", "fetched_at": NOW},
    ]
    documents = [
        {
            "_id": f"{number:022}",
            "play_count": number * 7919 % 1000,
            "enrichment": dict.fromkeys(("audio_features", "catalog"), states[number % len(states)]),
        }
        for number in range(3000)
    ]
    with fresh_database(mongodb_client) as database:
        for name in CATALOG:
            database[name].insert_many(documents)
        ensure_indexes(database, DECLARED)
        yield database


def winning_plan(database: Database[dict[str, Any]], command: dict[str, Any]) -> Any:
    """The plan of a command; that of its first stage where it is an aggregation."""
    explained = database.command({"explain": command, "verbosity": "queryPlanner"})
    planned = explained["stages"][0]["$cursor"] if "stages" in explained else explained
    return planned["queryPlanner"]["winningPlan"]


@pytest.mark.parametrize(("collection", "kind"), QUEUES)
def test_the_queue_finds_what_is_due_by_its_index(
    queued: Database[dict[str, Any]], mongodb_uri: str, collection: str, kind: str
) -> None:
    finds = Finds()
    due = Due(refresh_before=NOW.replace(year=2023))
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[finds]) as client:
        documents = client[queued.name][collection]
        worker = Queue(documents, EnrichmentKind(kind), owner="anna", due=due)
        worker.count_due(["reccobeats"])
        # More than there are, so that each of the queries is sent.
        worker.claim(3000, providers=["reccobeats"])
        worker.release_all()
    plans = [winning_plan(queued, command) for command in finds.commands]
    assert len(plans) >= 2 * 4
    assert [indexes_used(plan) for plan in plans] == [{f"{kind}_queue"}] * len(plans)
    pending = [
        plan
        for plan, command in zip(plans, finds.commands, strict=True)
        if command.get("filter", {}).get(f"enrichment.{kind}.status") == "pending"
    ]
    assert pending
    assert not any("SORT" in stages(plan) for plan in pending), "the most played ones come in the order of the index"


def test_the_tracks_of_a_user_are_told_without_reading_a_play(filled: Database[dict[str, Any]]) -> None:
    wanted = {"spotify_track_uri": 1, "timestamp": 1, "_id": 0}
    plan = filled[PLAYS].find({"user.username": "anna"}, wanted).sort("timestamp", -1).explain()
    assert plan["executionStats"]["totalDocsExamined"] == 0


@pytest.mark.parametrize("word", ["who", "the", "The Who", "baba", "next", "O'Riley", "und", "näher"])
def test_a_word_of_track_artist_or_album_finds_the_play(store: HistoryStore, word: str) -> None:
    ensure_indexes(store.database, DECLARED)
    store.plays.insert_one({"_id": 1, "track": {"name": "Baba O'Riley", "artist": "The Who", "album": "Who's Next"}})
    store.plays.insert_one({"_id": 2, "track": {"name": "Und dann", "artist": "Näher", "album": "Stadt"}})
    found = [play["_id"] for play in store.plays.find({"$text": {"$search": word}})]
    assert found == [2 if word in {"und", "näher"} else 1]
