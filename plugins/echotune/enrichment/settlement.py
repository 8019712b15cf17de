"""What became of claimed documents, written to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pymongo import UpdateOne

from echotune.enrichment.providers.base import Values
from echotune.enrichment.queue import Claim, Queue, Status
from echotune.enrichment.settings import MADE_UP, EnrichmentKind

NOT_FOUND_WAIT = timedelta(days=30)
FIRST_ERROR_WAIT = timedelta(hours=1)
LONGEST_ERROR_WAIT = timedelta(days=7)
MOST_ATTEMPTS = 8
"""After so many errors a document is left alone until a person looks at it."""


CATALOG_FIELDS = {
    "tracks": (
        "duration_ms",
        "popularity",
        "explicit",
        "isrc",
        "release_date",
        "disc_number",
        "track_number",
        "album_uri",
        "artist_uris",
        "artist_names",
        "album_artist_uris",
        "album_artist_names",
        "genres",
    ),
    "artists": ("genres", "popularity", "followers", "image_url"),
    "albums": (
        "artist_uris",
        "artist_names",
        "album_type",
        "release_date",
        "total_tracks",
        "label",
        "popularity",
        "genres",
        "upc",
        "image_url",
    ),
}
"""What an entry tells beside names, which stay when made-up values are taken back."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Values from a provider, fetched then."""

    values: Values
    provider: str
    fetched_at: datetime


@dataclass(frozen=True, kw_only=True)
class Missing:
    """No values: NOT_FOUND, UNAVAILABLE or ERROR, why, and which providers were asked."""

    status: Status
    providers: tuple[str, ...]
    reason: str = ""


Settled = Found | Missing


def settle(queue: Queue, claims: Sequence[Claim], settled: Mapping[str, Settled], now: datetime) -> None:
    """Write what became of the claims; one that another worker has claimed since is left to it."""
    operations = [_operation(queue, claim, settled[claim.id], now) for claim in claims if claim.id in settled]
    if operations:
        queue.collection.bulk_write(operations, ordered=False)


def _operation(queue: Queue, claim: Claim, outcome: Settled, now: datetime) -> UpdateOne:
    owned = {"_id": claim.id, f"{queue.path}.claimed_by": queue.owner}
    is_made_up = claim.provider in MADE_UP
    if isinstance(outcome, Found):
        update = _found(queue, outcome)
    elif claim.status is Status.ENRICHED and not is_made_up:
        update = _still_enriched(queue, claim, outcome, now)
    else:
        update = _missing(queue, claim, outcome, now)
    return UpdateOne(owned, _without_made_up_values(queue, update) if is_made_up else update)


def _found(queue: Queue, found: Found) -> dict[str, Any]:
    is_features = queue.kind is EnrichmentKind.AUDIO_FEATURES
    values = {"audio_features": found.values} if is_features else found.values
    state = {
        "status": Status.ENRICHED,
        "provider": found.provider,
        "attempts": 0,
        "fetched_at": found.fetched_at,
    }
    times = {"updated_at": True}
    if queue.collection.name == "tracks":
        times["embedding_due"] = True
    return {"$set": {**values, queue.path: state}, "$currentDate": times}


def _missing(queue: Queue, claim: Claim, missing: Missing, now: datetime) -> dict[str, Any]:
    attempts = _attempts(claim, missing)
    state: dict[str, Any] = {"status": missing.status, "attempts": attempts, "providers": list(missing.providers)}
    if missing.reason:
        state["error"] = missing.reason
    wait = _wait(missing, attempts)
    if wait:
        state["next_attempt_at"] = now + wait
    return {"$set": {queue.path: state}, "$currentDate": {"updated_at": True}}


def _still_enriched(queue: Queue, claim: Claim, missing: Missing, now: datetime) -> dict[str, Any]:
    """Values that could not be fetched anew stay as they are, and are asked for again later."""
    attempts = _attempts(claim, missing)
    state = {
        "attempts": attempts,
        "next_attempt_at": now + (_wait(missing, attempts) or NOT_FOUND_WAIT),
        "error": missing.reason or missing.status,
    }
    changed = {f"{queue.path}.{name}": value for name, value in state.items()}
    return {"$set": changed, "$unset": {f"{queue.path}.claimed_by": ""}}


def _attempts(claim: Claim, missing: Missing) -> int:
    return claim.attempts + (missing.status is Status.ERROR)


def _wait(missing: Missing, attempts: int) -> timedelta | None:
    if missing.status is not Status.ERROR:
        return NOT_FOUND_WAIT
    if attempts >= MOST_ATTEMPTS:
        return None
    doublings = attempts - 1
    return min(FIRST_ERROR_WAIT * (1 << doublings), LONGEST_ERROR_WAIT)


def _without_made_up_values(queue: Queue, update: dict[str, Any]) -> dict[str, Any]:
    """The same update, which also takes back what was made up and is not written anew."""
    subject = queue.collection.name
    learnt = ("audio_features",) if queue.kind is EnrichmentKind.AUDIO_FEATURES else CATALOG_FIELDS[subject]
    values, times = update["$set"], update["$currentDate"]
    taken_back = {field: "" for field in learnt if field not in values}
    if subject == "tracks":
        values, times = values | {"values_withdrawn": True}, times | {"embedding_due": True}
    return {"$set": values, "$currentDate": times} | ({"$unset": taken_back} if taken_back else {})
