"""MongoDB's declared indexes, and making those that are missing."""

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
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from echotune.indexes.mongo_comparison import LiveIndex, makes_needless
from echotune.indexes.mongo_declaration import declared_shard_keys
from echotune.indexes.steps import Action, Step
from tests.support.databases import fresh_database
from tests.support.explaining import indexes_used, stages

PLAYS = "listening_history"
DECLARED = declared_indexes(plays=PLAYS)
NAMES = [f"{index.collection}.{index.name}" for index in DECLARED]
NOW = datetime(2024, 1, 1, tzinfo=UTC)
LONG_AGO, FAR_OFF = NOW.replace(year=2000), NOW.replace(year=2100)
CATALOG = ("tracks", "artists", "albums")


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


def test_no_declared_index_is_the_beginning_of_another() -> None:
    there = [
        LiveIndex(collection=one.collection, name=one.name, keys=one.keys, options=one.options) for one in DECLARED
    ]
    assert [
        one.name
        for one in there
        for other in there
        if one.collection == other.collection and makes_needless(other, one)
    ] == []


def test_the_shard_key_begins_with_the_user_and_ends_with_the_id() -> None:
    """The id is computed from the user and more, so that no two shards can have the same one."""
    (key,) = declared_shard_keys(plays=PLAYS)
    assert (key.collection, key.index.keys) == (PLAYS, (("user.username", 1), ("_id", 1)))


# --- on a real server


@pytest.fixture
def indexed(database: Database[dict[str, Any]]) -> Database[dict[str, Any]]:
    ensure_indexes(database, DECLARED)
    return database


def test_what_is_declared_is_created(indexed: Database[dict[str, Any]]) -> None:
    live = {f"{name}.{one}" for name in (PLAYS, *CATALOG) for one in indexed[name].index_information()}
    assert live == {*NAMES, *(f"{name}._id_" for name in (PLAYS, *CATALOG))}


def names_with(steps: list[Step], action: Action) -> list[str]:
    return [step.name for step in steps if step.action is action]


def test_what_was_done_is_told(database: Database[dict[str, Any]]) -> None:
    steps = ensure_indexes(database, DECLARED)
    assert [f"{step.place}.{step.name}" for step in steps] == NAMES
    assert {step.action for step in steps} == {Action.CREATE}


def test_to_create_them_again_changes_nothing(indexed: Database[dict[str, Any]]) -> None:
    before = indexed[PLAYS].index_information()
    assert {step.action for step in ensure_indexes(indexed, DECLARED)} == {Action.LEAVE}
    assert indexed[PLAYS].index_information() == before


def test_a_missing_index_is_created_and_the_others_are_left(indexed: Database[dict[str, Any]]) -> None:
    indexed[PLAYS].drop_index("mood")
    assert names_with(ensure_indexes(indexed, DECLARED), Action.CREATE) == ["mood"]
    assert "mood" in indexed[PLAYS].index_information()


def test_a_dry_run_creates_nothing(database: Database[dict[str, Any]]) -> None:
    ensure_indexes(database, DECLARED, dry_run=True)
    assert database.list_collection_names() == []


def test_an_index_with_other_options_is_told_and_left_to_the_maintenance(database: Database[dict[str, Any]]) -> None:
    database[PLAYS].create_index([("timestamp", -1)], name="newest", sparse=True)
    assert names_with(ensure_indexes(database, DECLARED), Action.REBUILD) == ["newest_2"]
    assert "newest_2" not in database[PLAYS].index_information()


def test_a_text_index_of_someone_else_is_told_and_left(database: Database[dict[str, Any]]) -> None:
    database[PLAYS].create_index([("track.name", "text")], name="search")
    assert names_with(ensure_indexes(database, DECLARED), Action.REPORT) == ["words"]
    assert "search" in database[PLAYS].index_information()


def test_an_index_that_nobody_declared_is_not_its_business(indexed: Database[dict[str, Any]]) -> None:
    indexed[PLAYS].create_index("wanted")
    assert len(ensure_indexes(indexed, DECLARED)) == len(DECLARED)


# --- in use


QUEUES = [("tracks", "audio_features"), *((name, "catalog") for name in CATALOG)]


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


@pytest.mark.parametrize("word", ["who", "the", "The Who", "baba", "next", "O'Riley", "und", "näher"])
def test_a_word_of_track_artist_or_album_finds_the_play(store: HistoryStore, word: str) -> None:
    ensure_indexes(store.database, DECLARED)
    store.plays.insert_one({"_id": 1, "track": {"name": "Baba O'Riley", "artist": "The Who", "album": "Who's Next"}})
    store.plays.insert_one({"_id": 2, "track": {"name": "Und dann", "artist": "Näher", "album": "Stadt"}})
    found = [play["_id"] for play in store.plays.find({"$text": {"$search": word}})]
    assert found == [2 if word in {"und", "näher"} else 1]
