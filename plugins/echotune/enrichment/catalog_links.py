"""Tracks, artists and albums tied to each other, inside MongoDB."""

from __future__ import annotations

import logging
import time
from typing import Any

from echotune.enrichment.runs import workers_of
from echotune.enrichment.settings import Subject
from echotune.history.catalog import build_collections
from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json

log = logging.getLogger(__name__)

LINKED = "links and genres"
"""The ``_id`` of the mark in ``enrichment_runs`` that says when all of it was done last."""


def is_due(store: HistoryStore, run: str) -> bool:
    """Whether links or genres may be missing: something was learnt in a run, or changed since all was done last.

    What the run's workers tell is not enough: one that was killed may have written more than it told, and a run that
    failed leaves to the next what it learnt. The mark is not enough where another run beside set it.
    """
    workers = [worker for worker in workers_of(store, run) if worker.what in (Subject.TRACKS, Subject.ARTISTS)]
    return any(worker.done for worker in workers) or has_changed_since_linked(store)


def has_changed_since_linked(store: HistoryStore) -> bool:
    """Whether a track or an artist changed since all links and genres were done last.

    One that was counted beside may be older than what it came too late for: a count writes its own beginning as time.
    """
    done = store.enrichment_runs.find_one({"_id": LINKED})
    if done is None or "updated_at" not in done:
        return True
    later = {"updated_at": {"$gt": done["updated_at"]}}
    counted_beside = {"counted_at": {"$gt": done.get("begun_at", done["updated_at"])}}
    changes = ((store.tracks, later), (store.artists, later), (store.load_runs, counted_beside))
    return any(collection.find_one(change, {"_id": 1}) for collection, change in changes)


def link_artists_and_albums(store: HistoryStore) -> dict[str, int]:
    """Make the artists and albums known that the tracks name by now; return of how many of each the id is new."""
    before = _count_with_id(store)
    started = time.monotonic()
    begun = {"$set": {"kind": "mark"}, "$currentDate": {"linking_since": True}}
    store.enrichment_runs.update_one({"_id": LINKED}, begun, upsert=True)
    build_collections(store, before)
    store.tracks.aggregate(read_mongo_json("pipelines/track_artists.json")["pipeline"], allowDiskUse=True)
    log.info("artists and albums linked in %.1f s", time.monotonic() - started)
    return {name: count - before[name] for name, count in _count_with_id(store).items()}


def _count_with_id(store: HistoryStore) -> dict[str, int]:
    """What is not kept by its name alone."""
    known = {"uri": {"$exists": True}}
    return {name: store.database[name].count_documents(known) for name in ("artists", "albums")}


def share_genres(store: HistoryStore) -> None:
    """Give each track the genres of its artists, where they differ from those it has, and note that all is done."""
    started = time.monotonic()
    store.tracks.aggregate(_genres_pipeline(), allowDiskUse=True)
    log.info("genres of artists shared with their tracks in %.1f s", time.monotonic() - started)
    done = {"kind": "mark", "begun_at": {"$ifNull": ["$linking_since", "$$NOW"]}, "updated_at": "$$NOW"}
    store.enrichment_runs.update_one({"_id": LINKED}, [{"$set": done}], upsert=True)


def make_links_due(store: HistoryStore) -> None:
    """Have the next run link and share all anew."""
    store.enrichment_runs.delete_one({"_id": LINKED})


def count_tracks_of_other_genres(store: HistoryStore) -> int:
    """How many tracks have other genres than their artists: none once they are shared."""
    *differing, _merge = _genres_pipeline()
    counted = store.tracks.aggregate([*differing, {"$count": "tracks"}], allowDiskUse=True)
    return next((found["tracks"] for found in counted), 0)


def _genres_pipeline() -> list[dict[str, Any]]:
    pipeline: list[dict[str, Any]] = read_mongo_json("pipelines/track_genres.json")["pipeline"]
    return pipeline
