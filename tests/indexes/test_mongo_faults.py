"""The maintenance of MongoDB's indexes killed before each of its commands: the next run finishes it."""

from __future__ import annotations

from typing import Any

from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.indexes.steps import Action
from tests.support.databases import fresh_store
from tests.support.dying import dies_at
from tests.support.maintaining import READS, Commands, done, maintain

HIDDEN, UNUSED = "long_hidden", "long_unused"
ALL_STEPS = {
    (Action.CREATE, "newest"),
    (Action.REBUILD, "artist_2"),
    (Action.REBUILD, "words"),
    (Action.CLEAN, "track_uri"),
    (Action.UNHIDE, "mood"),
    (Action.DROP, HIDDEN),
    (Action.HIDE, UNUSED),
}


def prepare(store: HistoryStore) -> None:
    """Leave each kind of step to do on day 62."""
    plays = store.plays
    plays.create_index("hidden", name=HIDDEN)
    maintain(store, days=0)
    maintain(store, days=31)
    plays.create_index("unused", name=UNUSED)
    maintain(store, days=32, manage_undeclared=False)
    for name in list(plays.index_information()):
        if name.startswith(("artist", "words", "newest", "track_uri")):
            plays.drop_index(name)
    plays.create_index("track.artist", name="artist", sparse=True)
    plays.create_index([("track.name", "text")], name="words")
    # What a rebuild leaves that was killed before its last command.
    plays.create_index("spotify_track_uri", name="track_uri", sparse=True)
    plays.create_index("spotify_track_uri", name="track_uri_2")
    store.database.command("collMod", plays.name, index={"name": "mood", "hidden": True})


def forget(store: HistoryStore) -> None:
    """Take away what nobody declared."""
    store.plays.drop_index(UNUSED)
    store.index_usage.delete_many({})


def work(store: HistoryStore) -> None:
    maintain(store, days=62)


def indexes_of(store: HistoryStore) -> set[str]:
    """Keys and options of the plays' indexes, whatever their names."""
    return {str(sorted(map(str, found.items()))) for found in store.plays.index_information().values()}


def has_artist(store: HistoryStore) -> bool:
    return any(found["key"] == [("track.artist", 1)] for found in store.plays.index_information().values())


def numbers_of_writes(names: list[str]) -> list[int]:
    """Which commands change something.

    To be killed before a command that changes nothing is to be killed before the next one that does. The collMod
    before a createIndexes only tries the lock.
    """
    following = zip(names, [*names[1:], ""], strict=True)
    return [
        number
        for number, (name, after) in enumerate(following, 1)
        if name not in READS and (name, after) != ("collMod", "createIndexes")
    ]


def test_a_run_killed_before_any_of_its_writes_is_finished_by_the_next(
    mongodb_client: MongoClient[dict[str, Any]], mongodb_uri: str
) -> None:
    commands = Commands()
    with fresh_store(mongodb_client) as store:
        store.plays.insert_one({"_id": 1, "track": {"artist": "The Who"}})
        prepare(store)
        with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[commands]) as client:
            assert set(done(maintain(HistoryStore.of(client[store.database.name]), days=62))) == ALL_STEPS
        undisturbed = indexes_of(store)
        writes = numbers_of_writes(commands.names)
        assert len(writes) > len(ALL_STEPS)
        for number in writes:
            forget(store)
            prepare(store)
            assert dies_at(number, mongodb_uri, store.database.name, work)
            assert has_artist(store), "no moment is without an index that can be made beside the old one"
            maintain(store, days=62)
            assert indexes_of(store) == undisturbed, f"killed before command {number}"
            assert done(maintain(store, days=62)) == [], f"killed before command {number}"
