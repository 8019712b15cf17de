"""Tracks, artists and albums, counted from the plays by the server itself."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from pymongo.collection import Collection

from echotune.history.store import HistoryStore
from echotune.resources import read_mongo_json

log = logging.getLogger(__name__)

CATALOG = ("tracks", "artists", "albums")
"""In the order they are built: artists and albums are counted from the tracks."""

BY_NAME = "^name:"
"""Ids of artists and albums whose Spotify id is not known yet."""


def refresh_catalog(store: HistoryStore) -> dict[str, int]:
    """Count the plays of every track, artist and album anew, if plays came in since it was done last.

    Documents keep what enrichment wrote; one that comes out the same is not touched. Returns the number of
    documents of each collection that are new, empty where there was nothing to do.
    """
    waiting = [record["_id"] for record in store.load_runs.find({"kind": "chunk", "in_catalog": False}, {"_id": 1})]
    if not waiting:
        return {}
    before = {name: store.database[name].estimated_document_count() for name in CATALOG}
    for name in CATALOG:
        started = datetime.now(UTC)
        specification = read_mongo_json(f"pipelines/{name}.json")
        source: Collection[dict[str, Any]] = getattr(store, specification["reads"])
        source.aggregate(specification["pipeline"], allowDiskUse=True)
        log.info("%s built from %s in %.1f s", name, source.name, (datetime.now(UTC) - started).total_seconds())
    _forget_names_that_have_an_id(store)
    store.load_runs.update_many({"_id": {"$in": waiting}}, {"$set": {"in_catalog": True}})
    return {name: store.database[name].estimated_document_count() - before[name] for name in CATALOG}


def _forget_names_that_have_an_id(store: HistoryStore) -> None:
    """Remove the documents by name of artists and albums that are known by their Spotify id since."""
    for collection, keys in ((store.artists, ("name",)), (store.albums, ("artist", "name"))):
        by_name = list(collection.find({"_id": {"$regex": BY_NAME}}, dict.fromkeys(keys, 1)))
        known = {
            tuple(document.get(key) for key in keys)
            for document in collection.find({"_id": {"$not": {"$regex": BY_NAME}}}, dict.fromkeys(keys, 1))
        }
        stale = [document["_id"] for document in by_name if tuple(document.get(key) for key in keys) in known]
        if stale:
            collection.delete_many({"_id": {"$in": stale}})
