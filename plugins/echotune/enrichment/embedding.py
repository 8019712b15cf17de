"""What was learnt of a track, written into its plays by the server itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateMany

from echotune.enrichment.queue import Status
from echotune.enrichment.settings import MADE_UP
from echotune.history.enriched import ENRICHED_FIELDS
from echotune.history.store import HistoryStore

log = logging.getLogger(__name__)

TRACKS_A_STEP = 2_000
"""Tracks handled between two reports: what a crash repeats."""

TRACKS_A_COMMAND = 250

CONNECTIONS = 2
"""Commands that run side by side."""

STATE_OF_FIELD = {
    "audio_features": "audio_features",
    "duration_ms": "catalog",
    "popularity": "catalog",
    "genres": "catalog",
}
"""Whose state says that a track's field was learnt, and from whom."""

WITHOUT_EMPTY_SECTIONS = {
    "$set": {
        **{
            section: {"$cond": [{"$eq": [f"${section}", {}]}, "$$REMOVE", f"${section}"]}
            for section in ("enriched", "track", "metadata")
        },
        "source": {
            "$cond": [
                {"$eq": ["$source.replaced", {}]},
                {"$unsetField": {"field": "replaced", "input": "$source"}},
                "$source",
            ]
        },
    }
}

Document = Mapping[str, Any]
Filter = dict[str, Any]
Expression = Any


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """Tracks whose plays were brought up to date, and the plays that changed."""

    tracks: int
    plays: int


@dataclass(frozen=True, kw_only=True)
class Known:
    """A value that is known of a track, and the provider it came from."""

    value: Any
    provider: str


def embed_due(store: HistoryStore) -> Embedded:
    """Bring the plays of all tracks up to date that changed, or got plays, since it was done last.

    Only values that differ are written, with ``updated_at``. Safe to stop and to start again at any point.
    """
    started, tracks, plays = time.monotonic(), 0, 0
    # Told by the server, whose clock also says when a track became due: one that changes meanwhile stays due.
    now: datetime = store.database.command("hello")["localTime"]
    due = {"embedding_due": {"$lt": now}}
    waiting = store.tracks.count_documents(due)
    needed = dict.fromkeys(["uri", "enrichment", "has_exported_values", "values_withdrawn", *ENRICHED_FIELDS], 1)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        # Plays of one time lie together on the server's disk, so tracks of one time change the same pages.
        while step := list(store.tracks.find(due, needed).sort("first_played_at", 1).limit(TRACKS_A_STEP)):
            commands = [step[first : first + TRACKS_A_COMMAND] for first in range(0, len(step), TRACKS_A_COMMAND)]
            plays += sum(pool.map(lambda command: _embed(store, command), commands))
            ids = [track["_id"] for track in step]
            store.tracks.update_many(
                {"_id": {"$in": ids}, **due}, {"$unset": {"embedding_due": "", "values_withdrawn": ""}}
            )
            tracks += len(step)
            log.info("%s of %s tracks embedded into their plays", f"{tracks:,}", f"{waiting:,}")
    log.info("%s plays changed in %.1f s", f"{plays:,}", time.monotonic() - started)
    return Embedded(tracks=tracks, plays=plays)


def _embed(store: HistoryStore, tracks: Sequence[Document]) -> int:
    """Bring the plays of some tracks up to date; return how many changed."""
    operations = [operation for track in tracks for operation in _operations(track)]
    return store.plays.bulk_write(operations, ordered=True).modified_count if operations else 0


def known_values(track: Document) -> dict[str, Known]:
    """Return what was learnt of a track, by field. What only the file says of it is not learnt."""
    known = {}
    for field, state in STATE_OF_FIELD.items():
        learnt = track["enrichment"][state]
        if learnt["status"] == Status.ENRICHED and field in track:
            known[field] = Known(value=track[field], provider=learnt["provider"])
    return known


def _operations(track: Document) -> Iterator[UpdateMany]:
    """What brings a track's plays up to date.

    Where the file had a value, the server has to keep it before it writes another one, and to leave a value that is
    the same. All other plays take the simple update, which costs the server a third; of most tracks these are all.
    """
    known = known_values(track)
    plays = {"spotify_track_uri": track["uri"]}
    if track.get("values_withdrawn"):
        for field in ENRICHED_FIELDS.keys() - known.keys():
            yield UpdateMany({**plays, f"enriched.{field}": {"$exists": True}}, _forget(field))
    if not known:
        return
    differs = {"$or": [{ENRICHED_FIELDS[field]: {"$ne": one.value}} for field, one in known.items()]}
    if track.get("has_exported_values") is False:
        yield UpdateMany({**plays, **differs}, _replace(known))
        return
    exported = {"$or": [_is_exported(field) for field in known]}
    yield UpdateMany({**plays, "$and": [exported, differs]}, _keep_and_replace(known))
    yield UpdateMany({**plays, "$nor": exported["$or"], **differs}, _replace(known))


def _is_exported(field: str) -> Filter:
    """Whether a play's value is the file's own."""
    return {ENRICHED_FIELDS[field]: {"$exists": True}, f"enriched.{field}": {"$exists": False}}


def _replace(known: Mapping[str, Known]) -> dict[str, Any]:
    values = {ENRICHED_FIELDS[field]: one.value for field, one in known.items()}
    providers = {f"enriched.{field}": one.provider for field, one in known.items()}
    return {"$set": {**values, **providers}, "$currentDate": {"updated_at": True}}


def _keep_and_replace(known: Mapping[str, Known]) -> list[dict[str, Any]]:
    """The same, for plays in which the file's own values are kept in ``source.replaced``."""
    values: dict[str, Expression] = {}
    for field, one in known.items():
        path = ENRICHED_FIELDS[field]
        changes = {"$ne": [f"${path}", {"$literal": one.value}]}
        is_first = {"$eq": [{"$type": f"$enriched.{field}"}, "missing"]}
        had_value = {"$ne": [{"$type": f"${path}"}, "missing"]}
        keeps = {"$and": [changes, is_first, had_value]}
        values |= {
            f"source.replaced.{field}": {"$cond": [keeps, f"${path}", f"$source.replaced.{field}"]},
            f"enriched.{field}": {"$cond": [changes, one.provider, f"$enriched.{field}"]},
            path: {"$literal": one.value},
        }
    return [{"$set": {**values, "updated_at": "$$NOW"}}, WITHOUT_EMPTY_SECTIONS]


def _forget(field: str) -> list[dict[str, Any]]:
    """Put the file's value back, or none, where a value turned out to be none."""
    path, replaced = ENRICHED_FIELDS[field], f"$source.replaced.{field}"
    return [
        {"$set": {path: {"$ifNull": [replaced, "$$REMOVE"]}, "updated_at": "$$NOW"}},
        {"$unset": [f"enriched.{field}", f"source.replaced.{field}"]},
        WITHOUT_EMPTY_SECTIONS,
    ]


def count_outdated_plays(store: HistoryStore) -> int:
    """How many plays differ from what is known of their tracks: none once everything is embedded."""
    counted = store.tracks.aggregate(
        [
            {
                "$lookup": {
                    "from": store.plays.name,
                    "localField": "uri",
                    "foreignField": "spotify_track_uri",
                    "pipeline": [{"$project": dict.fromkeys(["enriched", *ENRICHED_FIELDS.values()], 1)}],
                    "as": "play",
                }
            },
            {"$unwind": "$play"},
            {"$match": {"$expr": {"$or": [_is_outdated(field) for field in ENRICHED_FIELDS]}}},
            {"$count": "plays"},
        ]
    )
    return next((found["plays"] for found in counted), 0)


def _is_outdated(field: str) -> Expression:
    is_learnt = {"$eq": [f"$enrichment.{STATE_OF_FIELD[field]}.status", Status.ENRICHED]}
    is_known = {"$and": [is_learnt, {"$ne": [{"$type": f"${field}"}, "missing"]}]}
    differs = {"$ne": [f"${field}", f"$play.{ENRICHED_FIELDS[field]}"]}
    was_asked = {"$ne": [f"$enrichment.{STATE_OF_FIELD[field]}.status", Status.PENDING]}
    is_made_up = {"$in": [f"$play.enriched.{field}", list(MADE_UP)]}
    return {"$cond": [is_known, differs, {"$and": [was_asked, is_made_up]}]}
