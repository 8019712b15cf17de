"""Plays that differ from what is known of their tracks: what embedding leaves none of."""

from __future__ import annotations

from collections.abc import Sequence

from echotune.enrichment.embedded_values import STATE_OF_FIELD, Document, Expression
from echotune.enrichment.queue import Status
from echotune.enrichment.settings import MADE_UP
from echotune.history.enriched import ENRICHED_FIELDS
from echotune.history.store import HistoryStore
from echotune.history.uncounted import Uncounted


def count_outdated_plays(store: HistoryStore) -> int:
    """How many plays differ from what is known of their tracks: none once everything is embedded."""
    return _count(store, _outdated_plays(store))


def count_missed_plays(store: HistoryStore) -> int:
    """How many plays differ from what is known of their tracks, and would go on to.

    Where a track is due, or plays wait for what is done behind their load, somebody is to embed them.
    """
    # What a load brings that began since the first count could not be told from missed plays by it.
    return _count(store, _missed_plays(store)) and _count(store, _missed_plays(store))


def make_missed_due(store: HistoryStore) -> None:
    """Have the tracks embedded anew that have missed plays."""
    is_due = [{"$set": {"embedding_due": "$$NOW"}}]
    merged = {"into": store.tracks.name, "whenMatched": is_due, "whenNotMatched": "discard"}
    store.tracks.aggregate([*_missed_plays(store), {"$group": {"_id": "$_id"}}, {"$merge": merged}])


def _count(store: HistoryStore, plays: Sequence[Document]) -> int:
    return next((found["plays"] for found in store.tracks.aggregate([*plays, {"$count": "plays"}])), 0)


def _missed_plays(store: HistoryStore) -> list[Document]:
    waiting = list(Uncounted.of(store).plays_of_loads())
    among = [{"$match": {"$nor": waiting}}] if waiting else []
    return [{"$match": {"embedding_due": {"$exists": False}}}, *_outdated_plays(store, among)]


def _outdated_plays(store: HistoryStore, among: Sequence[Document] = ()) -> list[Document]:
    """What finds the plays that differ, each with its track.

    :param among: what narrows the plays
    """
    looked_up = {
        "from": store.plays.name,
        "localField": "uri",
        "foreignField": "spotify_track_uri",
        "pipeline": among,
        "as": "play",
    }
    is_outdated = {"$expr": {"$or": [_is_outdated(field) for field in ENRICHED_FIELDS]}}
    return [{"$lookup": looked_up}, {"$unwind": "$play"}, {"$match": is_outdated}]


def _is_outdated(field: str) -> Expression:
    is_learnt = {"$eq": [f"$enrichment.{STATE_OF_FIELD[field]}.status", Status.ENRICHED]}
    is_known = {"$and": [is_learnt, {"$ne": [{"$type": f"${field}"}, "missing"]}]}
    differs = {"$ne": [f"${field}", f"$play.{ENRICHED_FIELDS[field]}"]}
    was_asked = {"$ne": [f"$enrichment.{STATE_OF_FIELD[field]}.status", Status.PENDING]}
    is_made_up = {"$in": [f"$play.enriched.{field}", list(MADE_UP)]}
    return {"$cond": [is_known, differs, {"$and": [was_asked, is_made_up]}]}
