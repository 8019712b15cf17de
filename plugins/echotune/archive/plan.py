"""What there is to archive: which user's plays of which year, and what that frees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson.raw_bson import RawBSONDocument

from echotune.archive.archives import BEGUN, PROVED, Archives
from echotune.archive.moving import Raw
from echotune.archive.report import Found
from echotune.archive.settings import ArchiveSettings
from echotune.history.mark_duplicates import UNMARKED
from echotune.history.store import HistoryStore
from echotune.storage.mongo_sizes import measure_mongodb
from echotune.sync.values import FIRST_PLAY

NOTE_BYTES = 115
"""What stays of an archived play on MongoDB's disk: its document in ``archived_plays``, and its place in an index."""


@dataclass(frozen=True, kw_only=True)
class ArchiveSlice:
    """The plays of a user and year; none where only an earlier run's work is left to be finished."""

    username: str
    year: int
    plays: int = 0

    def __str__(self) -> str:
        return f"{self.username} {self.year}"


def plan_archive(store: HistoryStore, settings: ArchiveSettings, now: datetime) -> list[ArchiveSlice]:
    """Find the plays that are old enough by user and year, and what earlier runs did not finish."""
    chosen: dict[str, Any] = {"$in": list(settings.usernames)} if settings.usernames else {"$type": "string"}
    match = {"user.username": chosen, "timestamp": _between(FIRST_PLAY, settings.before(now)), **UNMARKED}
    group = {"_id": {"username": "$user.username", "year": {"$year": "$timestamp"}}, "plays": {"$sum": 1}}
    found = store.plays.aggregate([{"$match": match}, {"$group": group}], allowDiskUse=True)
    slices = {
        (slice_.username, slice_.year): slice_
        for slice_ in (ArchiveSlice(**each["_id"], plays=each["plays"]) for each in found)
    }
    for archive in Archives(store).in_states((*BEGUN, *PROVED)):
        if not settings.usernames or archive.username in settings.usernames:
            left = ArchiveSlice(username=archive.username, year=archive.year)
            slices.setdefault((left.username, left.year), left)
    return [slices[name] for name in sorted(slices)]


def measure_found(store: HistoryStore, slices: Sequence[ArchiveSlice], before: datetime, now: datetime) -> Found:
    """Say what a plan comes to, and about what it frees."""
    plays = sum(slice_.plays for slice_ in slices)
    measurement = measure_mongodb(store, archive_years=0, now=now)
    place = next((place for place in measurement.places if place.place == store.plays.name), None)
    each = max(0, place.size.disk / place.rows - NOTE_BYTES) if place and place.rows else None
    return Found(
        plays=plays,
        users=len({slice_.username for slice_ in slices if slice_.plays}),
        before=f"{before:%Y-%m-%d}",
        unfinished=sum(not slice_.plays for slice_ in slices),
        frees=None if each is None else round(plays * each),
    )


def plays_of_slice(plays: Raw, slice_: ArchiveSlice, before: datetime) -> Iterator[RawBSONDocument]:
    """The plays of a slice in the order of their time."""
    start = datetime(slice_.year, 1, 1, tzinfo=UTC)
    end = min(before, datetime(slice_.year + 1, 1, 1, tzinfo=UTC))
    match = {"user.username": slice_.username, "timestamp": _between(start, end), **UNMARKED}
    return plays.find(match).sort("timestamp", 1)


def cut_slices(slices: Iterable[ArchiveSlice], most: int) -> Iterator[list[ArchiveSlice]]:
    """Cut slices into runs of neighbours of at most so many plays, or one slice: a task each."""
    part: list[ArchiveSlice] = []
    for slice_ in slices:
        if part and sum(each.plays for each in part) + slice_.plays > most:
            yield part
            part = []
        part.append(slice_)
    if part:
        yield part


def name_slices(slices: Sequence[ArchiveSlice]) -> str:
    """What a task is called."""
    first, last = slices[0], slices[-1]
    if len(slices) == 1:
        return str(first)
    return f"{first} to {last.year if first.username == last.username else last}"


def _between(start: datetime, end: datetime) -> dict[str, Any]:
    # A list of times would match by its parts; it is no time.
    return {"$gte": start, "$lt": end, "$not": {"$type": "array"}}
