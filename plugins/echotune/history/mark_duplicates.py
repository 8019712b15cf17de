"""Marks the documents that are the same play as another, where plays of several sources meet."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from pymongo import UpdateOne

from echotune.history.duplicates import Duplicate, TimedPlay, find_duplicates
from echotune.history.load_runs import LOADED, Record, files_of_record, finish_step, plays_of_records
from echotune.history.store import HistoryStore
from echotune.history.uncounted import note_marks
from echotune.resources import read_mongo_json

log = logging.getLogger(__name__)

MARK = "duplicate_of"
UNMARKED = {MARK: {"$exists": False}}
"""Plays that are counted: what reads plays for numbers, rows or files leaves out the others."""

MARKED = {f"{MARK}.play": {"$exists": True}}
"""The others, by the index over them."""

MARGIN = timedelta(minutes=10)
"""Plays so far beyond a month are looked at with it: partners may lie on both sides of its ends."""

FIELDS = {
    "timestamp": 1,
    "spotify_track_uri": 1,
    "track.artist": 1,
    "track.name": 1,
    "episode": 1,
    "audiobook": 1,
    "listening": 1,
    "source.sha256": 1,
    "source.format": 1,
    MARK: 1,
}
FLAGS = ("reason_start", "reason_end", "shuffle", "skipped", "offline")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class UserMonth:
    """A month of one user in which plays of several files lie."""

    username: str
    start: datetime

    @property
    def end(self) -> datetime:
        """The first moment of the next month."""
        return (self.start + timedelta(days=32)).replace(day=1)


def mark_duplicates(store: HistoryStore) -> dict[str, int]:
    """Look at the months that got plays since it was done last, and mark in them what is the same play as another.

    A mark that no rule gives any more is taken away, unless the play it names is archived. Returns the number of
    documents that were marked by rule, and ``unmarked``.
    """
    records = list(store.load_runs.find({"kind": "chunk", "duplicates_checked": False}, LOADED))
    changed: Counter[str] = Counter()
    for month in _months_of_several_files(store, records):
        changed += _mark_month(store, month)
    finish_step(store, records, {"$set": {"duplicates_checked": True}})
    return dict(changed)


def _months_of_several_files(store: HistoryStore, loads: Sequence[Record]) -> list[UserMonth]:
    """The months of users in which plays that loads brought lie beside plays of other files."""
    bounds = {"$group": {"_id": None, "first": {"$min": "$timestamp"}, "last": {"$max": "$timestamp"}}}
    spans = [span for new in plays_of_records(loads) for span in store.plays.aggregate([{"$match": new}, bounds])]
    if not spans:
        return []
    first, last = min(span["first"] for span in spans), max(span["last"] for span in spans)
    between = {"$match": {"timestamp": {"$gte": first - MARGIN, "$lte": last + MARGIN}}}
    files = sorted({file for load in loads for file in files_of_record(load)})
    values = {"files": files, "margin": MARGIN // timedelta(milliseconds=1)}
    pipeline = read_mongo_json("pipelines/months_of_several_files.json")
    found = store.plays.aggregate([between, *pipeline], let=values, allowDiskUse=True)
    return [UserMonth(username=group["_id"]["username"], start=group["_id"]["month"]) for group in found]


def _mark_month(store: HistoryStore, month: UserMonth) -> Counter[str]:
    around = {"$gte": month.start - MARGIN, "$lt": month.end + MARGIN}
    documents = list(store.plays.find({"user.username": month.username, "timestamp": around}, FIELDS))
    duplicates = find_duplicates(map(timed_play, documents))
    inside = [document for document in documents if month.start <= document["timestamp"] < month.end]
    changes = dict(_changes(store, inside, duplicates))
    if changes:
        uris = [one["spotify_track_uri"] for one in inside if one["_id"] in changes and "spotify_track_uri" in one]
        _change_marks(store, changes, uris)
        log.info("%s, %s: %s marks changed", month.username, f"{month.start:%Y-%m}", f"{len(changes):,}")
    return Counter(duplicate.rule.value if duplicate else "unmarked" for duplicate in changes.values())


def _change_marks(store: HistoryStore, changes: Mapping[UUID, Duplicate | None], uris: Sequence[str]) -> None:
    note, now = uuid4(), datetime.now(UTC)
    # Who is killed in between leaves marks that nobody else would have counted.
    note_marks(store, note, uris)
    store.plays.bulk_write([_write(identity, duplicate, now) for identity, duplicate in changes.items()], ordered=False)
    # Who counted in between has counted some of them as they were.
    note_marks(store, note, uris)


def _changes(
    store: HistoryStore, documents: Iterable[Mapping[str, Any]], duplicates: Mapping[UUID, Duplicate]
) -> Iterator[tuple[UUID, Duplicate | None]]:
    """The marks that are to change, None where one goes."""
    void: dict[UUID, UUID] = {}
    for document in documents:
        identity, mark = document["_id"], document.get(MARK)
        duplicate = duplicates.get(identity)
        if duplicate is None:
            if mark is not None:
                void[identity] = mark["play"]
        elif mark != _mark_of(duplicate):
            yield identity, duplicate
    archived = store.archived_plays.find({"_id": {"$in": list(set(void.values()))}}, {"_id": 1}) if void else ()
    kept = {play["_id"] for play in archived}
    for identity, original in void.items():
        if original not in kept:
            yield identity, None


def timed_play(document: Mapping[str, Any]) -> TimedPlay:
    """Return of a play what the rules look at."""
    listening, source = document.get("listening", {}), document["source"]
    episode, audiobook, track = (document.get(name, {}) for name in ("episode", "audiobook", "track"))
    if episode:
        uri, names = episode.get("uri", ""), (episode.get("show", ""), episode.get("name", ""))
    elif audiobook:
        uri = audiobook.get("chapter_uri", "")
        names = (audiobook.get("title", ""), audiobook.get("chapter_title", ""))
    else:
        uri, names = "", (track.get("artist", ""), track.get("name", ""))
    return TimedPlay(
        id=document["_id"],
        time=(document["timestamp"] - EPOCH) // timedelta(milliseconds=1),
        ms_played=listening.get("ms_played"),
        uri=document.get("spotify_track_uri", uri),
        names=names,
        flags=tuple(listening.get(name) for name in FLAGS),
        file=source["sha256"],
        format=source.get("format", ""),
    )


def _mark_of(duplicate: Duplicate) -> dict[str, Any]:
    return {"play": duplicate.play, "rule": duplicate.rule.value}


def _write(identity: UUID, duplicate: Duplicate | None, now: datetime) -> UpdateOne:
    if duplicate is None:
        return UpdateOne({"_id": identity}, {"$unset": {MARK: ""}, "$set": {"updated_at": now}})
    return UpdateOne({"_id": identity}, {"$set": {MARK: _mark_of(duplicate), "updated_at": now}})
