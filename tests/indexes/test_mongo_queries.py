"""Each declared index has its query, and on a history of 208,934 plays that query uses it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from echotune.history.mark_duplicates import MARKED
from echotune.history.store import HistoryStore
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from tests.support.databases import fresh_store
from tests.support.explaining import indexes_used
from tests.support.large_history import FILE, NEWEST, PLAYS, SYNCED_BEFORE, fill

DUE = {"$in": ["pending", "error"]}
# The sync's: a document without a time of change is among them.
CHANGED = {"updated_at": {"$not": {"$lt": SYNCED_BEFORE}}}
IN_ORDER = {"updated_at": 1, "_id": 1}
MOOD = {
    "audio_features.danceability": {"$gte": 0.6, "$lte": 0.65},
    "audio_features.energy": {"$gte": 0.5},
    "audio_features.valence": {"$gte": 0.4},
}
YEAR = {"$gte": NEWEST - timedelta(days=400), "$lt": NEWEST - timedelta(days=365)}
SHARE_READ = 0.2
"""The share of a collection that no query of these reads more of."""

Query = tuple[str, str, dict[str, Any], dict[str, int]]
"""Collection, index, query and order."""

QUERIES: list[Query] = [
    ("plays", "track_uri", {"spotify_track_uri": "spotify:track:" + "7".zfill(22)}, {}),
    ("plays", "newest", {"timestamp": YEAR}, {"timestamp": -1}),
    ("plays", "artist", {"track.artist": "Band 77"}, {}),
    ("plays", "user_newest_track", {"user.username": "emil", "timestamp": YEAR}, {"timestamp": -1}),
    ("plays", "words", {"$text": {"$search": "77"}}, {}),
    ("plays", "mood", MOOD, {}),
    ("plays", "changed", CHANGED, IN_ORDER),
    ("plays", "source_row", {"source.sha256": FILE, "source.row": {"$gte": 100, "$lt": 900}}, {}),
    ("plays", "duplicates", MARKED, {}),
    ("tracks", "audio_features_queue", {"enrichment.audio_features.status": DUE}, {}),
    ("tracks", "catalog_queue", {"enrichment.catalog.status": DUE}, {}),
    ("tracks", "changed", CHANGED, IN_ORDER),
    ("tracks", "embedding_due", {"embedding_due": {"$lte": NEWEST}}, {"first_played_at": 1}),
    ("artists", "catalog_queue", {"enrichment.catalog.status": DUE}, {}),
    ("artists", "changed", CHANGED, IN_ORDER),
    ("albums", "catalog_queue", {"enrichment.catalog.status": DUE}, {}),
    ("albums", "changed", CHANGED, IN_ORDER),
]
NAMES = [f"{collection}.{index}" for collection, index, _, _ in QUERIES]


@pytest.fixture(scope="module")
def history(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    """All plays and the declared indexes."""
    with fresh_store(mongodb_client) as store:
        fill(store)
        ensure_indexes(store.database, declared_indexes(plays=store.plays.name))
        yield store


def test_each_declared_index_has_a_query() -> None:
    assert sorted(NAMES) == sorted(f"{one.collection}.{one.name}" for one in declared_indexes(plays="plays"))


@pytest.mark.parametrize(("collection", "index", "query", "order"), QUERIES, ids=NAMES)
def test_the_query_that_an_index_serves_uses_it_and_reads_little_else(
    history: HistoryStore, collection: str, index: str, query: dict[str, Any], order: dict[str, int]
) -> None:
    documents = getattr(history, collection)
    cursor = documents.find(query)
    explained = (cursor.sort(list(order.items())) if order else cursor).explain()
    read, found = (explained["executionStats"][name] for name in ("totalDocsExamined", "nReturned"))
    assert indexes_used(explained["queryPlanner"]["winningPlan"]) == {index}
    assert 0 < found <= read <= SHARE_READ * documents.estimated_document_count()


def test_the_latest_plays_of_everyone_are_read_and_no_other(history: HistoryStore) -> None:
    explained = history.plays.find().sort("timestamp", -1).limit(50).explain()
    assert indexes_used(explained["queryPlanner"]["winningPlan"]) == {"newest"}
    assert explained["executionStats"]["totalDocsExamined"] == 50


def test_the_tracks_of_a_user_are_told_without_reading_a_play(history: HistoryStore) -> None:
    wanted = {"spotify_track_uri": 1, "timestamp": 1, "_id": 0}
    explained = history.plays.find({"user.username": "emil"}, wanted).sort("timestamp", -1).explain()
    assert explained["executionStats"]["totalDocsExamined"] == 0
    assert explained["executionStats"]["nReturned"] > 0


@pytest.mark.parametrize(
    ("word", "same"),
    [
        ("song", {}),
        ("19999", {"track.name": "Song 19999"}),
        ('"Band 3999"', {"track.artist": "Band 3999"}),
        ('"Record 8999"', {"track.album": "Record 8999"}),
    ],
)
def test_a_word_of_track_artist_or_album_finds_its_plays_and_no_other(
    history: HistoryStore, word: str, same: dict[str, Any]
) -> None:
    found = history.plays.count_documents({"$text": {"$search": word}})
    assert found == history.plays.count_documents(same) > 0


def test_there_are_as_many_plays_as_in_the_data_set(history: HistoryStore) -> None:
    assert history.plays.count_documents({}) == PLAYS
