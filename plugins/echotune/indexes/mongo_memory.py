"""What runs remember of the indexes that nobody declared, in the collection index_usage."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import DeleteMany, ReplaceOne
from pymongo.errors import OperationFailure

from echotune.history.store import Documents
from echotune.indexes.mongo_comparison import LiveIndex
from echotune.indexes.mongo_refusals import told_refusal
from echotune.indexes.mongo_usage import Count, Look, Remembered, Usage, hidden, hiding, usage_of, watch

Place = tuple[str, str]
"""Collection and name of an index."""


class UsageMemory:
    """What earlier runs saw and what this one sees."""

    def __init__(self, documents: Documents, now: datetime) -> None:
        self._documents = documents
        self._now = now
        self._before: dict[Place, Remembered] = {}
        self._known: dict[Place, Remembered] = {}
        self._usages: dict[Place, Usage] = {}
        self._gone: list[Place] = []
        self._unreadable = ""

    @property
    def name(self) -> str:
        """The collection that it is kept in."""
        return self._documents.name

    def read(self) -> None:
        """Read what is remembered; without the right to, no use is known."""
        try:
            self._before = recall(self._documents)
        except OperationFailure as error:
            self._unreadable = told_refusal(error, f"read {self.name}")

    def see(self, undeclared: Sequence[LiveIndex], look: Look, *, unread: Container[str] = ()) -> None:
        """Add a look at the indexes that nobody declared.

        A look that is not whole adds nothing: the next one covers its time as well.

        :param unread: collections whose indexes are not known
        """
        unknown = self._unreadable or look.unknown
        for index in undeclared:
            place = (index.collection, index.name)
            before = self._before.get(place)
            known = self._seen(index, before, look) if not unknown else None
            if known:
                self._known[place] = known
            no_count = "" if known or index.hidden else "no server counts it yet"
            self._usages[place] = usage_of(before, known, unknown or no_count, self._now)
        self._gone = [place for place in self._before if place not in self._usages and place[0] not in unread]

    def usages(self) -> Mapping[Place, Usage]:
        """What the plan has to know, by index."""
        return self._usages

    def write(self) -> None:
        """Keep what was seen, in one command; none where there is nothing to keep."""
        changed = {place: one for place, one in self._known.items() if one != self._before.get(place)}
        remember(self._documents, changed, self._gone)

    def hiding(self, place: Place) -> None:
        """Keep that an index is about to be hidden."""
        self._known[place] = hiding(self._known[place], self._now)
        remember(self._documents, {place: self._known[place]})

    def hidden(self, place: Place) -> None:
        """Keep that it is hidden."""
        self._known[place] = hidden(self._known[place])
        remember(self._documents, {place: self._known[place]})

    def _seen(self, index: LiveIndex, before: Remembered | None, look: Look) -> Remembered | None:
        if index.hidden:
            # A run that was killed before it kept this: it is hidden by us all the same.
            return hidden(before) if before and before.hiding_at else None
        counts = look.counts.get((index.collection, index.name))
        return watch(before, specification(index), counts, self._now) if counts else None


def specification(index: LiveIndex) -> str:
    """Keys and options as text."""
    options = {name: value for name, value in index.options.items() if name != "hidden"}
    return f"{list(index.keys)} {sorted(options.items(), key=lambda option: option[0])}"


def recall(memory: Documents) -> dict[Place, Remembered]:
    """What is remembered, by index."""
    return {(found["_id"]["collection"], found["_id"]["name"]): _remembered(found) for found in memory.find()}


def remember(memory: Documents, remembered: Mapping[Place, Remembered], gone: Iterable[Place] = ()) -> None:
    """Write what is remembered, and forget what is gone, in one command; nothing where there is nothing."""
    writes: list[ReplaceOne[dict[str, Any]] | DeleteMany] = [
        ReplaceOne({"_id": _id(place)}, _document(one), upsert=True) for place, one in remembered.items()
    ]
    forgotten = [_id(place) for place in gone]
    if forgotten:
        writes.append(DeleteMany({"_id": {"$in": forgotten}}))
    if writes:
        memory.bulk_write(writes, ordered=False)


def _id(place: Place) -> dict[str, str]:
    return {"collection": place[0], "name": place[1]}


def _document(one: Remembered) -> dict[str, Any]:
    return {
        "specification": one.specification,
        "hosts": [
            {"host": host, "since": count.since, "operations": count.operations} for host, count in one.counts.items()
        ],
        "looked_at": one.looked_at,
        "unused_seconds": one.unused.total_seconds(),
        "hiding_at": one.hiding_at,
        "hidden": one.hidden,
    }


def _remembered(found: Mapping[str, Any]) -> Remembered:
    return Remembered(
        specification=found["specification"],
        counts={
            host["host"]: Count(since=host["since"], operations=int(host["operations"])) for host in found["hosts"]
        },
        looked_at=found["looked_at"],
        unused=timedelta(seconds=found["unused_seconds"]),
        hiding_at=found["hiding_at"],
        hidden=found["hidden"],
    )
