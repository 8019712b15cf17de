"""Tracks that change while embedding runs, and embedding that stops anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from echotune.enrichment.embedding import embed_due
from echotune.enrichment.outdated_plays import count_outdated_plays
from echotune.history.store import HistoryStore
from tests.support.databases import contents
from tests.support.embedding import WAYS, embed, known, put_play, put_track
from tests.support.rows import row, track_uri


class Meddler(CommandListener):
    """Does something to the database while a command of someone else has just ended."""

    def __init__(self, action: Callable[[], object], nth: int) -> None:
        self.action, self.nth, self.seen = action, nth, 0

    def started(self, event: CommandStartedEvent) -> None:
        """Nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in ("find", "aggregate", "update", "bulkWrite", "getMore", "count"):
            self.seen += 1
            if self.seen == self.nth:
                self.action()


@pytest.fixture
def busy_store(indexed: HistoryStore) -> HistoryStore:
    """Two tracks of two plays each, due."""
    for number in range(4):
        put_play(indexed, number, row(), 1 + number % 2)
    for number in (1, 2):
        put_track(indexed, number, known(audio_features={"energy": 0.1}))
    return indexed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nth", range(1, 9))
def test_a_track_that_changes_while_embedding_runs_is_not_forgotten(
    busy_store: HistoryStore, mongodb_uri: str, nth: int, way: str
) -> None:
    def change() -> None:
        busy_store.tracks.update_one(
            {"uri": track_uri(1)},
            {"$set": {"audio_features": {"energy": 0.9}}, "$currentDate": {"embedding_due": True}},
        )

    time.sleep(0.002)
    meddler = Meddler(change, nth)
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[meddler]) as client:
        embed_due(HistoryStore.of(client[busy_store.database.name]), by_users_above=WAYS[way])
    if meddler.seen < nth:
        change()
    embed(busy_store, way)
    plays = {play["_id"]: play["audio_features"] for play in busy_store.plays.find()}
    assert plays == {number: {"energy": 0.1 if number % 2 else 0.9} for number in range(4)}
    assert (count_outdated_plays(busy_store), busy_store.tracks.count_documents({"embedding_due": {"$ne": None}})) == (
        0,
        0,
    )


class Stopped(BaseException):
    """The work ends here."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nth", range(1, 9))
def test_stopped_anywhere_and_started_again_it_comes_to_the_same(
    busy_store: HistoryStore, mongodb_uri: str, nth: int, way: str
) -> None:
    def stop() -> None:
        raise Stopped

    meddler = Meddler(stop, nth)
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[meddler]) as client, suppress(Stopped):
        embed_due(HistoryStore.of(client[busy_store.database.name]), by_users_above=WAYS[way])
    embed(busy_store, way)
    plays = contents(busy_store.plays)
    assert [play["audio_features"] for play in plays.values()] == [{"energy": 0.1}] * 4
    assert count_outdated_plays(busy_store) == 0
