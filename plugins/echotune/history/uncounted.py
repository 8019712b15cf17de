"""What the catalog does not count yet: the tracks whose plays came in, or were marked, since it was counted last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from more_itertools import chunked

from echotune.history.load_runs import FORGETTING, LOADED, RUNNING, Record, finish_step, plays_of_records
from echotune.history.store import HistoryStore

TRACK = "spotify:track:"

MARKS = "marks"
"""The kind of a record that names tracks: plays of theirs were marked as duplicates, or are no longer."""

COUNTING = "counting"
"""The kind of a record that is there while somebody counts: who was killed meanwhile leaves it."""

TRACKS_AT_ONCE = 10_000
"""Tracks that are named in one command."""

FIELDS = LOADED | {"kind": 1, "state": 1, "counts.inserted": 1, "rows": 1, "tracks": 1}


def note_marks(store: HistoryStore, identity: UUID, uris: Iterable[str]) -> None:
    """Have the tracks counted anew whose plays get marks or lose them.

    :param identity: the ``_id`` of the note; noted again, its tracks wait again
    """
    note = {"kind": MARKS, "tracks": sorted(set(uris)), "in_catalog": False, "updated_at": datetime.now(UTC)}
    store.load_runs.replace_one({"_id": identity}, note, upsert=True)


@dataclass(frozen=True, kw_only=True)
class Uncounted:
    """Records of ``load_runs`` whose plays wait to be counted."""

    store: HistoryStore
    records: Sequence[Record]

    @classmethod
    def of(cls, store: HistoryStore) -> Uncounted:
        """Those that wait now."""
        return cls(store=store, records=list(store.load_runs.find({"in_catalog": False}, FIELDS)))

    def is_at_most(self, plays: float) -> bool:
        """Whether the records tell all that may have changed, and no more plays than these."""
        if any(record["kind"] in (FORGETTING, COUNTING) for record in self.records):
            return False
        inserted = sum(map(_most_inserted, self.records))
        noted = sum(len(record.get("tracks", ())) for record in self.records)
        return bool(inserted + noted <= plays)

    def tracks(self) -> Iterator[list[str]]:
        """The URIs of the tracks, up to ``TRACKS_AT_ONCE`` at a time; one may be named more than once."""
        noted = (uri for record in self.records for uri in record.get("tracks", ()))
        yield from chunked(noted, TRACKS_AT_ONCE)
        yield from self.tracks_of_loads()

    def tracks_of_loads(self) -> Iterator[list[str]]:
        """The same, but for tracks of which plays were only marked."""
        for of_loads in self.plays_of_loads():
            stages: list[dict[str, Any]] = [{"$match": of_loads}, {"$group": {"_id": "$spotify_track_uri"}}]
            uris = (group["_id"] for group in self.store.plays.aggregate(stages))
            yield from chunked((uri for uri in uris if uri and uri.startswith(TRACK)), TRACKS_AT_ONCE)

    def plays_of_loads(self) -> Iterator[dict[str, Any]]:
        """Filters for the plays that loads may have brought."""
        return plays_of_records(record for record in self.records if record["kind"] == "chunk")

    @contextmanager
    def being_counted(self) -> Iterator[None]:
        """Have the next count all, if this one is cut off: it may have counted tracks and not what they are of."""
        note = {"_id": uuid4(), "kind": COUNTING, "in_catalog": False, "updated_at": datetime.now(UTC)}
        self.store.load_runs.insert_one(note)
        yield
        self.store.load_runs.delete_one({"_id": note["_id"]})

    def settle(self) -> None:
        """Note that they are counted, and when that was over, but for records that got plays meanwhile."""
        counted = {
            "$set": {"in_catalog": True},
            "$unset": {"uncounted_from": ""},
            "$currentDate": {"counted_at": True},
        }
        finish_step(self.store, self.records, counted)
        self.store.load_runs.delete_many({"kind": {"$in": [MARKS, COUNTING]}, "in_catalog": True})


def _most_inserted(record: Record) -> int:
    """The plays that a load brought, or may bring while it works or after it was cut off: every row."""
    if record.get("state") == RUNNING:
        return int(record["chunk"]["rows"] if "chunk" in record else record["rows"])
    return int(record.get("counts", {}).get("inserted", 0))
