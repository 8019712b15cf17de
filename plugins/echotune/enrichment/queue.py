"""The queue: documents of ``tracks``, ``artists`` and ``albums`` that are due, claimed by one worker at a time.

``enrichment.<kind>`` of a document holds its state. ``next_attempt_at`` is when it is due again; a claim sets it to the
end of a lease, so that the work of a worker that died comes back by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from echotune.enrichment.settings import MADE_UP, EnrichmentKind
from echotune.history.store import Documents

LEASE = timedelta(minutes=10)
"""Longer than a batch can take: the waits of a minute and the calls of every provider."""

SPOTIFY_ID = r"^[0-9A-Za-z]{22}\z"
"""Anything else has no place in a call: a name, a local file, an episode."""

Filter = dict[str, Any]


class Status(StrEnum):
    """What is known of a document.

    PENDING: nothing yet. ENRICHED: its values are there. NOT_FOUND: Spotify says that there is no such thing.
    UNAVAILABLE: no provider that was asked has values. ERROR: the answers made no sense.
    """

    PENDING = "pending"
    ENRICHED = "enriched"
    NOT_FOUND = "not_found"
    UNAVAILABLE = "unavailable"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A document that this worker may ask about.

    :param status: its status before
    :param attempts: how often it failed before
    :param provider: where its values come from, where it has some
    """

    id: str
    status: Status
    attempts: int
    provider: str | None


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is due.

    :param refresh_before: values fetched earlier are due again (aware); None: they stay
    :param made_up_too: whether made-up values are due: they are, unless the run makes some up itself
    :param made_up: providers whose values are made up
    """

    refresh_before: datetime | None = None
    made_up_too: bool = True
    made_up: tuple[str, ...] = MADE_UP


class Queue:
    """The due documents of one collection and kind, for one worker.

    :param owner: names the worker, the same in each of its tries
    """

    def __init__(self, collection: Documents, kind: EnrichmentKind, *, owner: str, due: Due) -> None:
        self.collection, self.kind, self.owner = collection, kind, owner
        self.path = f"enrichment.{kind}"
        self._due = due

    def claim(self, size: int, *, providers: Sequence[str] = ()) -> list[Claim]:
        """Take the next documents, most played first; none where nothing is due.

        :param providers: those that can be asked: what none of the others had is due for one that was not asked yet
        """
        won: list[Claim] = []
        for due in self._filters(datetime.now(UTC), providers):
            # What another worker took meanwhile is made up for: a call costs the same with half a batch.
            while len(won) < size and (candidates := self._find(due, size - len(won))):
                won += self._take(due, candidates)
        return won

    def release(self, claims: Sequence[Claim]) -> None:
        """Give back what was not asked about: it is due at once, as it was."""
        if claims:
            self._release({"_id": {"$in": [claim.id for claim in claims]}})

    def release_all(self) -> int:
        """Give back everything that an earlier try of this worker claimed and left; return how much that was."""
        return self._release({})

    def _release(self, which: Filter) -> int:
        was_waiting = {"$in": [f"${self.path}.status", [Status.NOT_FOUND, Status.UNAVAILABLE, Status.ERROR]]}
        due_again = {"$cond": [was_waiting, "$$NOW", "$$REMOVE"]}
        released = self.collection.update_many(
            {**which, f"{self.path}.claimed_by": self.owner},
            [{"$set": {f"{self.path}.next_attempt_at": due_again, f"{self.path}.claimed_by": "$$REMOVE"}}],
        )
        return released.modified_count

    def count_due(self, providers: Sequence[str] = ()) -> int:
        """How many documents are due now."""
        return sum(self.collection.count_documents(due) for due in self._filters(datetime.now(UTC), providers))

    def _filters(self, now: datetime, providers: Sequence[str]) -> Iterator[Filter]:
        """What is due, in the order it is taken; no document is in two of them."""
        status, next_attempt_at = f"{self.path}.status", f"{self.path}.next_attempt_at"
        claimed_by, asked = f"{self.path}.claimed_by", f"{self.path}.providers"
        spotify_id = {"_id": {"$regex": SPOTIFY_ID}}
        yield {status: Status.PENDING, next_attempt_at: None, **spotify_id}
        without_values = [one for one in Status if one is not Status.ENRICHED]
        yield {status: {"$in": without_values}, next_attempt_at: {"$lte": now}, **spotify_id}
        if outdated := self._outdated():
            not_waiting = {"$not": {"$gt": now}}
            yield {status: Status.ENRICHED, next_attempt_at: not_waiting, "$or": outdated, **spotify_id}
        if providers:
            waiting = {"$in": [Status.NOT_FOUND, Status.UNAVAILABLE]}
            others = {"$exists": True, "$not": {"$all": list(providers)}}
            yield {status: waiting, next_attempt_at: {"$gt": now}, claimed_by: None, asked: others, **spotify_id}

    def _outdated(self) -> list[Filter]:
        outdated: list[Filter] = []
        if self._due.refresh_before:
            outdated.append({f"{self.path}.fetched_at": {"$lt": self._due.refresh_before}})
        if self._due.made_up_too:
            outdated.append({f"{self.path}.provider": {"$in": list(self._due.made_up)}})
        return outdated

    def _find(self, due: Filter, size: int) -> list[Claim]:
        found = self.collection.find(due, {self.path: 1}).sort("play_count", -1).limit(size)
        return [_claim(document["_id"], document["enrichment"][self.kind]) for document in found]

    def _take(self, due: Filter, candidates: Sequence[Claim]) -> list[Claim]:
        """Claim what no other worker has claimed since it was found."""
        ids = [candidate.id for candidate in candidates]
        lease_end = datetime.now(UTC) + LEASE
        taken = self.collection.update_many(
            {"$and": [{"_id": {"$in": ids}}, due]},
            {"$set": {f"{self.path}.claimed_by": self.owner, f"{self.path}.next_attempt_at": lease_end}},
        )
        if taken.matched_count == len(ids):
            return list(candidates)
        mine = self.collection.find({"_id": {"$in": ids}, f"{self.path}.claimed_by": self.owner}, {"_id": 1})
        won = {document["_id"] for document in mine}
        return [candidate for candidate in candidates if candidate.id in won]


def _claim(identity: str, state: dict[str, Any]) -> Claim:
    return Claim(
        id=identity,
        status=Status(state["status"]),
        attempts=state.get("attempts", 0),
        provider=state.get("provider"),
    )
