"""Tracks, artists and albums, counted from the plays by the server itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from echotune.history.store import Documents, HistoryStore
from echotune.resources import read_mongo_json

log = logging.getLogger(__name__)

CATALOG = ("tracks", "artists", "albums")
"""In the order they are built: artists and albums are counted from the tracks."""

IDS_AT_ONCE = 10_000
"""Ids in one message: left to itself the server sends 16 MB, and takes no command that is longer."""

IN_ORDER = {"$sort": {"_id": 1}}

BY_NAME = "^name:"
"""Ids of artists and albums whose Spotify id is not known yet."""


def refresh_catalog(store: HistoryStore) -> dict[str, int]:
    """Count the plays of every track, artist and album anew, if plays came in or went since it was done last.

    Documents keep what enrichment wrote; one that comes out the same is not touched. Returns the number of
    documents of each collection that are new, empty where there was nothing to do.
    """
    waiting = [record["_id"] for record in store.load_runs.find({"in_catalog": False}, {"_id": 1})]
    if not waiting:
        return {}
    before = {name: store.database[name].estimated_document_count() for name in CATALOG}
    build_collections(store, CATALOG)
    store.load_runs.update_many({"_id": {"$in": waiting}}, {"$set": {"in_catalog": True}})
    return {name: store.database[name].estimated_document_count() - before[name] for name in CATALOG}


def build_collections(store: HistoryStore, names: Collection[str]) -> None:
    """Build collections, and again where somebody was forgotten meanwhile: what was counted first has their plays."""
    is_stale = True
    while is_stale:
        begun = store.server_time()
        for name in names:
            build_collection(store, name)
        is_stale = store.forgotten_users.find_one({"forgotten_at": {"$gte": begun}}) is not None


def build_collection(store: HistoryStore, name: str) -> None:
    """Count the plays of every track, artist or album anew. Documents keep what enrichment wrote."""
    started = time.monotonic()
    specification = read_mongo_json(f"pipelines/{name}.json")
    source: Documents = getattr(store, specification["reads"])
    source.aggregate(specification["pipeline"], allowDiskUse=True)
    # What is counted takes the server long, so the plays tell their tracks' ids by themselves.
    ids = specification.get("ids") or [*specification["pipeline"][:-1], {"$project": {"_id": 1}}]
    _close_gaps(store.database[name], source.aggregate([*ids, IN_ORDER], allowDiskUse=True, batchSize=IDS_AT_ONCE))
    log.info("%s built from %s in %.1f s", name, source.name, time.monotonic() - started)


def _close_gaps(collection: Documents, built: Iterable[Mapping[str, Any]]) -> None:
    """Mend the documents that a build did not reach, because no play is counted for them any more.

    One that was kept by name is removed: its Spotify id is known since, or its plays are gone. Any other keeps what
    enrichment wrote and has no plays.

    :param built: the ids that it reached, in their order
    """
    counted = collection.find({"play_count": {"$gt": 0}}, {"_id": 1}).sort("_id", 1).batch_size(IDS_AT_ONCE)
    left = _missing(_ids(counted), _ids(built))
    while part := list(islice(left, IDS_AT_ONCE)):
        collection.delete_many({"_id": {"$in": part, "$regex": BY_NAME}})
        no_plays = {"$set": {"play_count": 0}, "$unset": {"first_played_at": "", "last_played_at": ""}}
        collection.update_many({"_id": {"$in": part}}, no_plays | {"$currentDate": {"updated_at": True}})
        collection.update_many({"_id": {"$in": part}, "track_count": {"$exists": True}}, {"$set": {"track_count": 0}})


def _ids(documents: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (document["_id"] for document in documents)


def _missing(wanted: Iterable[str], found: Iterator[str]) -> Iterator[str]:
    """The ids of the first that are not among the second. Both ascend, so neither is kept."""
    last = next(found, None)
    for identity in wanted:
        while last is not None and last < identity:
            last = next(found, None)
        if last != identity:
            yield identity
