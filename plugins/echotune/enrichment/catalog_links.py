"""Tracks, artists and albums tied to each other, inside MongoDB."""

from __future__ import annotations

import logging
import time

from echotune.history.catalog import build_collections
from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json

log = logging.getLogger(__name__)


def link_artists_and_albums(store: HistoryStore) -> dict[str, int]:
    """Make the artists and albums known that the tracks name by now; return of how many of each the id is new."""
    before = _count_with_id(store)
    started = time.monotonic()
    build_collections(store, before)
    store.tracks.aggregate(read_mongo_json("pipelines/track_artists.json")["pipeline"], allowDiskUse=True)
    log.info("artists and albums linked in %.1f s", time.monotonic() - started)
    return {name: count - before[name] for name, count in _count_with_id(store).items()}


def _count_with_id(store: HistoryStore) -> dict[str, int]:
    """What is not kept by its name alone."""
    known = {"uri": {"$exists": True}}
    return {name: store.database[name].count_documents(known) for name in ("artists", "albums")}


def share_genres(store: HistoryStore) -> None:
    """Give each track the genres of its artists, where they differ from those it has."""
    started = time.monotonic()
    store.tracks.aggregate(read_mongo_json("pipelines/track_genres.json")["pipeline"], allowDiskUse=True)
    log.info("genres of artists shared with their tracks in %.1f s", time.monotonic() - started)
