"""The maintenance of MongoDB's indexes on a real server."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import ServerSelectionTimeoutError

from echotune.history.store import HistoryStore
from echotune.indexes.steps import Action, Outcome
from tests.support.databases import everything
from tests.support.maintaining import READS, Commands, done, maintain, names_of, result_of

UNDECLARED = "wanted_by_nobody"


@pytest.fixture
def maintained(store: HistoryStore) -> HistoryStore:
    """A database with the declared indexes and a play."""
    store.plays.insert_one({"_id": 1, "track": {"name": "Baba O'Riley", "artist": "The Who", "album": "Who's Next"}})
    maintain(store)
    return store


def options_of(store: HistoryStore, field: str) -> list[dict[str, Any]]:
    """The options of every index of the plays over one field."""
    found = store.plays.index_information().values()
    return [{**one, "key": None} for one in found if one["key"] == [(field, 1)]]


# --- what is declared


def test_what_is_missing_is_created(maintained: HistoryStore) -> None:
    assert {one.step.action for one in maintain(maintained)} == {Action.LEAVE}


def test_a_dry_run_plans_and_changes_nothing(store: HistoryStore) -> None:
    store.plays.create_index("wanted", name=UNDECLARED)
    before = store.plays.index_information()
    results = maintain(store, dry_run=True)
    assert {one.outcome for one in results} == {Outcome.PLANNED}
    assert {Action.CREATE, Action.REPORT} == {one.step.action for one in results}
    assert (store.plays.index_information(), everything(store.database)) == (before, {store.plays.name: b""})


def test_a_run_with_nothing_to_do_only_reads(maintained: HistoryStore, mongodb_uri: str) -> None:
    commands = Commands()
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[commands]) as client:
        maintain(HistoryStore.of(client[maintained.database.name]))
    assert set(commands.names) <= READS


def test_other_options_are_rebuilt_under_another_name_and_stay_so(maintained: HistoryStore) -> None:
    maintained.plays.drop_index("artist")
    maintained.plays.create_index("track.artist", name="artist", sparse=True)
    assert done(maintain(maintained)) == [(Action.REBUILD, "artist_2")]
    assert options_of(maintained, "track.artist") == [{"v": 2, "key": None}]
    assert done(maintain(maintained)) == []


def test_a_text_index_over_other_fields_is_made_anew_and_finds_words(maintained: HistoryStore) -> None:
    maintained.plays.drop_index("words")
    maintained.plays.create_index([("track.name", "text")], name="search")
    assert done(maintain(maintained)) == [(Action.REBUILD, "words")]
    assert maintained.plays.count_documents({"$text": {"$search": "next"}}) == 1


def test_a_hidden_declared_index_is_shown_again(maintained: HistoryStore) -> None:
    maintained.database.command("collMod", maintained.plays.name, index={"name": "artist", "hidden": True})
    assert done(maintain(maintained)) == [(Action.UNHIDE, "artist")]
    assert done(maintain(maintained)) == []


def test_one_index_that_cannot_be_made_holds_up_none_of_the_others(store: HistoryStore) -> None:
    """A server makes no index over two lists of one document."""
    store.plays.insert_one({"_id": 1, "user": {"username": ["a", "b"]}, "timestamp": [1, 2]})
    results = maintain(store)
    assert {one.step.name for one in results if one.outcome is Outcome.FAILED} == {"user_newest_track"}
    assert "parallel arrays" in result_of(results, "user_newest_track").detail
    assert {"artist", "newest", "words", "mood"} <= names_of(store)


# --- what nobody declared


@pytest.fixture
def undeclared(maintained: HistoryStore) -> HistoryStore:
    """Beside the declared indexes there is one that nobody declared."""
    maintained.plays.create_index("wanted", name=UNDECLARED)
    return maintained


def test_it_is_reported_at_once_hidden_when_unused_and_dropped_when_nobody_missed_it(undeclared: HistoryStore) -> None:
    runs = [done(maintain(undeclared, days=day)) for day in (0, 29, 31, 60, 62)]
    assert runs == [[], [], [(Action.HIDE, UNDECLARED)], [], [(Action.DROP, UNDECLARED)]]
    assert UNDECLARED not in names_of(undeclared)
    maintain(undeclared, days=63)
    assert undeclared.index_usage.count_documents({}) == 0


def test_a_first_run_hides_nothing_that_it_did_not_report_before(undeclared: HistoryStore) -> None:
    assert done(maintain(undeclared, days=400)) == []


def test_a_query_keeps_it(undeclared: HistoryStore) -> None:
    maintain(undeclared)
    list(undeclared.plays.find({"wanted": 1}))
    assert done(maintain(undeclared, days=31)) == []
    assert done(maintain(undeclared, days=60)) == []
    assert done(maintain(undeclared, days=62)) == [(Action.HIDE, UNDECLARED)]


def test_one_that_a_person_shows_again_is_watched_anew(undeclared: HistoryStore) -> None:
    maintain(undeclared)
    maintain(undeclared, days=31)
    undeclared.database.command("collMod", undeclared.plays.name, index={"name": UNDECLARED, "hidden": False})
    assert done(maintain(undeclared, days=40)) == []
    assert done(maintain(undeclared, days=71)) == [(Action.HIDE, UNDECLARED)]


def test_one_that_a_person_hid_stays(undeclared: HistoryStore) -> None:
    undeclared.database.command("collMod", undeclared.plays.name, index={"name": UNDECLARED, "hidden": True})
    assert [done(maintain(undeclared, days=day)) for day in (0, 400, 800)] == [[], [], []]


def test_a_unique_one_stays(maintained: HistoryStore) -> None:
    maintained.plays.create_index("wanted", name=UNDECLARED, unique=True, sparse=True)
    results = [maintain(maintained, days=day) for day in (0, 400, 800)]
    assert [done(one) for one in results] == [[], [], []]
    assert "unique" in result_of(results[0], UNDECLARED).step.reason


# --- locks


def test_a_lock_that_is_not_had_leaves_the_step_and_holds_up_nobody(undeclared: HistoryStore) -> None:
    """A transaction that wrote keeps everybody out who wants the collection for himself."""
    maintain(undeclared)
    undeclared.plays.drop_index("artist")
    waited = []
    with undeclared.database.client.start_session() as session, session.start_transaction():
        undeclared.plays.insert_one({"_id": 2}, session=session)
        settings = {"lock_timeout_milliseconds": 100, "lock_attempts": 2}
        run = threading.Thread(target=lambda: results.extend(maintain(undeclared, days=31, **settings)))
        results: list[Any] = []
        run.start()
        while run.is_alive():
            started = time.monotonic()
            undeclared.plays.insert_one({})
            waited.append(time.monotonic() - started)
        run.join()
    busy = {one.step.name for one in results if one.outcome is Outcome.BUSY}
    assert busy == {"artist", UNDECLARED}
    assert max(waited) < 0.6
    assert set(done(maintain(undeclared, days=31))) == {(Action.CREATE, "artist"), (Action.HIDE, UNDECLARED)}


def test_a_server_that_cannot_be_reached_is_no_refusal() -> None:
    with (
        MongoClient[dict[str, Any]]("mongodb://127.0.0.1:1/", serverSelectionTimeoutMS=50) as client,
        pytest.raises(ServerSelectionTimeoutError),
    ):
        maintain(HistoryStore.of(client["anything"]))
