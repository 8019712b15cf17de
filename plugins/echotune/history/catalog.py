"""Tracks, artists and albums, counted from the plays by the server itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from more_itertools import chunked

from echotune.history.catalog_parts import Credited, Filter, Part, part_of_tracks
from echotune.history.reconcile import check_catalog
from echotune.history.store import Documents, HistoryStore
from echotune.history.uncounted import Uncounted
from echotune.resources import read_mongo_json

log = logging.getLogger(__name__)

CATALOG = ("tracks", "artists", "albums")
"""In the order they are built: artists and albums are counted from the tracks."""

FEW_PLAYS = 0.02
"""The share of all plays up to which only what new plays change is counted: with a tenth it takes as long as all."""

IDS_AT_ONCE = 10_000
"""Ids in one message: left to itself the server sends 16 MB, and takes no command that is longer."""

IN_ORDER = {"$sort": {"_id": 1}}

HAS_COUNTS = {"$or": [{"play_count": {"$gt": 0}}, {"track_count": {"$gt": 0}}]}
"""Documents of which something is counted."""

IS_ENRICHED = {"$or": [{f"enrichment.{kind}.status": "enriched"} for kind in ("audio_features", "catalog")]}
"""Tracks of which something is known that their plays should have."""

NO_PLAYS: list[Mapping[str, Any]] = [
    {
        "$set": {
            "play_count": 0,
            "track_count": {"$cond": [{"$gt": ["$track_count", None]}, 0, "$$REMOVE"]},
            "updated_at": "$$NOW",
        }
    },
    {"$unset": ["first_played_at", "last_played_at"]},
]
"""Takes away all that is counted of a document, at once: a part of it would be missed by whoever comes next."""

BY_NAME = "^name:"
"""Ids of artists and albums whose Spotify id is not known yet."""


def refresh_catalog(store: HistoryStore, *, few: float = FEW_PLAYS) -> dict[str, int]:
    """Count the plays of tracks, artists and albums, if plays came in or went since it was done last.

    Where few plays came in, only what they change is counted; all is, where that does not add up to the plays that
    are there. Documents keep what enrichment wrote; one that comes out the same is not touched. Returns the number
    of documents of each collection that are new, empty where there was nothing to do.

    :param few: the share of all plays, from 0 to 1
    """
    uncounted = Uncounted.of(store)
    if not uncounted.records:
        return {}
    before = {name: store.database[name].estimated_document_count() for name in CATALOG}
    are_few = uncounted.is_at_most(few * store.plays.estimated_document_count())
    with uncounted.being_counted():
        if not (are_few and _count_changed(store, uncounted)):
            build_collections(store, CATALOG)
        _make_embedding_due(store, uncounted)
    uncounted.settle()
    return {name: store.database[name].estimated_document_count() - before[name] for name in CATALOG}


def build_collections(store: HistoryStore, names: Collection[str]) -> None:
    """Build collections, and again where somebody was forgotten meanwhile: what was counted first has their plays."""
    is_stale = True
    while is_stale:
        begun = store.server_time()
        for name in names:
            build_collection(store, name)
        is_stale = _was_anybody_forgotten(store, begun)


def _make_embedding_due(store: HistoryStore, uncounted: Uncounted) -> None:
    """Have what is known of tracks written into their new plays, also where these change no count.

    Such are duplicates of plays that are there, or make duplicates of them.
    """
    if store.tracks.find_one(IS_ENRICHED, {"_id": 1}) is None:
        return
    for uris in uncounted.tracks_of_loads():
        tracks = part_of_tracks(uris).counted
        store.tracks.update_many(tracks | IS_ENRICHED, {"$currentDate": {"embedding_due": True}})


def _was_anybody_forgotten(store: HistoryStore, since: datetime) -> bool:
    return store.forgotten_users.find_one({"forgotten_at": {"$gte": since}}) is not None


def _count_changed(store: HistoryStore, uncounted: Uncounted) -> bool:
    """Count the tracks that got plays, and the artists and albums of these. Returns whether it adds up."""
    log.info("Few plays are new: what they change is counted, and no more")
    begun = store.server_time()
    for uris in uncounted.tracks():
        _count_tracks(store, uris)
    check = check_catalog(store, begun)
    if not check.passed:
        log.info("%s: all is counted anew", check)
    return check.passed and not _was_anybody_forgotten(store, begun)


def _count_tracks(store: HistoryStore, uris: Sequence[str]) -> None:
    """Count some tracks, and the artists and albums that they were counted for before, or are now."""
    tracks = part_of_tracks(uris)
    before = Credited.by(store, tracks.counted)
    build_collection(store, "tracks", tracks)
    credited = before | Credited.by(store, tracks.counted)
    for name in ("artists", "albums"):
        build_collection(store, name, credited.part(store, name))


def build_collection(store: HistoryStore, name: str, part: Part | None = None) -> None:
    """Count the plays of every track, artist or album anew, or of a part. Documents keep what enrichment wrote."""
    started = time.monotonic()
    specification = read_mongo_json(f"pipelines/{name}.json")
    source: Documents = getattr(store, specification["reads"])
    *count, merge = specification["pipeline"]
    # What is counted takes the server long, so the plays tell their tracks' ids by themselves.
    ids = specification.get("ids") or count
    if part:
        count, ids = part.of(count), part.of(ids)
    source.aggregate([*count, merge], allowDiskUse=True)
    built = source.aggregate([*ids, {"$project": {"_id": 1}}, IN_ORDER], allowDiskUse=True, batchSize=IDS_AT_ONCE)
    _close_gaps(store.database[name], built, part.counted if part else {})
    log.info("%s built from %s in %.1f s", name, source.name, time.monotonic() - started)


def _close_gaps(collection: Documents, built: Iterable[Mapping[str, Any]], among: Filter) -> None:
    """Mend the documents that a build did not reach, because no play is counted for them any more.

    One that was kept by name is removed: its Spotify id is known since, or its plays are gone. Any other keeps what
    enrichment wrote and has no plays.

    :param built: the ids that it reached, in their order
    :param among: the documents that it was to reach
    """
    counted = collection.find({"$and": [HAS_COUNTS, among]}, {"_id": 1}).sort("_id", 1).batch_size(IDS_AT_ONCE)
    for part in chunked(_missing(_ids(counted), _ids(built)), IDS_AT_ONCE):
        collection.delete_many({"_id": {"$in": part, "$regex": BY_NAME}})
        collection.update_many({"_id": {"$in": part}}, NO_PLAYS)


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
