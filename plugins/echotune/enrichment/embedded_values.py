"""What was learnt of a track, as updates of its plays; what the file itself had is kept beside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateMany

from echotune.enrichment.queue import Status
from echotune.history.enriched import ENRICHED_FIELDS

NEEDED = dict.fromkeys(["uri", "enrichment", "has_exported_values", "values_withdrawn", *ENRICHED_FIELDS], 1)
"""The fields of a track that say what its plays should have."""

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
class Known:
    """A value that is known of a track, and the provider it came from."""

    value: Any
    provider: str


def known_values(track: Document) -> dict[str, Known]:
    """Return what was learnt of a track, by field. What only the file says of it is not learnt."""
    known = {}
    for field, state in STATE_OF_FIELD.items():
        learnt = track["enrichment"][state]
        if learnt["status"] == Status.ENRICHED and field in track:
            known[field] = Known(value=track[field], provider=learnt["provider"])
    return known


def updates(track: Document, plays: Filter) -> Iterator[UpdateMany]:
    """What brings these plays of a track up to date, in this order. Only values that differ are written.

    Where the file had a value, the server has to keep it before it writes another one, and to leave a value that is
    the same. All other plays take the simple update, which costs the server a third; of most tracks these are all. A
    play with values of its file that came since is left as it is: its track is due again behind the load.
    """
    known = known_values(track)
    if track.get("values_withdrawn"):
        for field in ENRICHED_FIELDS.keys() - known.keys():
            yield UpdateMany({**plays, f"enriched.{field}": {"$exists": True}}, _forget(field))
    if not known:
        return
    differs = {"$or": [{ENRICHED_FIELDS[field]: {"$ne": one.value}} for field, one in known.items()]}
    if track.get("has_exported_values") is False:
        has_none = {ENRICHED_FIELDS[field]: {"$exists": False} for field in known}
        was_written = {"enriched": {"$exists": True}}
        yield UpdateMany({**plays, "$or": [has_none, was_written | differs]}, _replace(known))
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
