"""How far each listener's plays are known: a document of ``load_runs`` a listener, and one that makes plays counted."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from echotune.history.counts import LoadCounts
from echotune.history.load_runs import LOAD_NAMESPACE, NEITHER_COMPARED_NOR_COUNTED, RUNNING, loaded_fields
from echotune.history.store import HistoryStore
from echotune.spotify_account.plays import FORMAT, source_sha256

GAPS_KEPT = 100
A_BIT_EARLIER = timedelta(minutes=15)
"""Runs start on the hour and last differently: a day later is also a little less than a day."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Plays may be missing between two plays, because Spotify remembers 50 only.

    :param start: the time of the newest play that was known
    :param end: the time of the oldest play that Spotify still had
    """

    username: str
    start: datetime
    end: datetime

    def __str__(self) -> str:
        return (
            f"{self.username}: plays between {self.start:%Y-%m-%d %H:%M:%S} and {self.end:%Y-%m-%d %H:%M:%S} UTC may "
            "be missing, because Spotify remembers the last 50 only: load the next export with csv_backfill"
        )


def newest_known(store: HistoryStore, username: str) -> datetime | None:
    """The time of the newest play that was ever loaded from this account; None before its first load."""
    record = store.load_runs.find_one({"_id": _id(FORMAT, username)}, {"newest_played_at": 1})
    found: datetime | None = record.get("newest_played_at") if record else None
    return found


def move_on(store: HistoryStore, username: str, newest: datetime | None, counts: LoadCounts, gap: Gap | None) -> None:
    """Record a load after its plays are written; the newest play's time never goes back."""
    now = datetime.now(UTC)
    change = {
        "$set": {
            "kind": FORMAT,
            "username": username,
            "source": _source(username),
            "state": "done",
            "counts": asdict(counts),
            "updated_at": now,
        },
        "$setOnInsert": {"created_at": now},
    }
    if newest is not None:
        change["$max"] = {"newest_played_at": newest}
    if gap is not None:
        found = {"from": gap.start, "to": gap.end, "found_at": now}
        change["$push"] = {"gaps": {"$each": [found], "$slice": -GAPS_KEPT}}
    store.load_runs.update_one({"_id": _id(FORMAT, username)}, change, upsert=True)


def begin_load(store: HistoryStore, username: str, *, rows: int, first_row: int) -> bool:
    """Record that plays are being loaded; return whether the load before was cut off.

    From now on they wait for what is done behind a load: who is killed does not come to its end.

    :param rows: how many plays there are at most
    :param first_row: the smallest ``source.row`` of them
    """
    begun = {"state": RUNNING, "rows": rows, **NEITHER_COMPARED_NOR_COUNTED}
    return _record_load(store, username, begun, first_row) == RUNNING


def finish_load(
    store: HistoryStore, username: str, counts: LoadCounts, *, first_row: int, was_cut_off: bool = False
) -> None:
    """Record that plays are in the collection, and what is still to be done with them.

    :param first_row: the smallest ``source.row`` of the plays
    :param was_cut_off: whether a load before this one did not come to its end
    """
    _record_load(store, username, {"state": "done", **loaded_fields(counts, was_cut_off=was_cut_off)}, first_row)


def _record_load(store: HistoryStore, username: str, fields: dict[str, Any], first_row: int) -> str | None:
    """Write to the record of the plays that wait; return its state before, None where there was none."""
    now = datetime.now(UTC)
    before = store.load_runs.find_one_and_update(
        {"_id": _id("chunk", username)},
        {
            "$set": {"kind": "chunk", "source": _source(username), **fields, "updated_at": now},
            "$min": {"uncounted_from": first_row},
            "$setOnInsert": {"created_at": now},
        },
        {"state": 1},
        upsert=True,
    )
    return before["state"] if before else None


def playlists_due(store: HistoryStore, username: str, after_hours: int) -> bool:
    """Whether a listener's playlists were not brought for so long; a quarter of an hour makes no difference."""
    recently = datetime.now(UTC) - timedelta(hours=after_hours) + A_BIT_EARLIER
    known = {"_id": _id(FORMAT, username), "playlists_at": {"$gt": recently}}
    return not after_hours or store.load_runs.find_one(known, {"_id": 1}) is None


def remember_playlists(store: HistoryStore, username: str) -> None:
    """Record that a listener's playlists are in PostgreSQL."""
    now = datetime.now(UTC)
    change = {
        "$set": {"kind": FORMAT, "username": username, "source": _source(username), "playlists_at": now},
        "$setOnInsert": {"created_at": now},
    }
    store.load_runs.update_one({"_id": _id(FORMAT, username)}, change, upsert=True)


def _source(username: str) -> dict[str, str]:
    return {"file": FORMAT, "sha256": source_sha256(username)}


def _id(kind: str, username: str) -> UUID:
    return uuid5(LOAD_NAMESPACE, "\0".join((FORMAT, kind, username)))
