"""What was learnt of tracks, written into their plays by the server itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from pymongo import UpdateMany

from echotune.enrichment.embedded_values import NEEDED, Document, Filter, updates
from echotune.history.store import HistoryStore

log = logging.getLogger(__name__)

TRACKS_A_STEP, TRACKS_A_COMMAND = 2_000, 250
"""Tracks handled between two reports, which is what a crash repeats, and in one command."""

PLAYS_AT_ONCE = 10_000
"""Plays that the server sends at once."""

CONNECTIONS = 2
"""Commands that run side by side."""

BY_USERS_ABOVE = 0.1
"""A share of all plays."""

TRACK_ID = slice(-22, None)
"""Where the id of a track is in its address."""

DONE = {"$unset": {"embedding_due": "", "values_withdrawn": ""}}

Part = TypeVar("Part")


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """Tracks whose plays were brought up to date, and the plays that changed."""

    tracks: int
    plays: int


def embed_due(store: HistoryStore, *, by_users_above: float = BY_USERS_ABOVE) -> Embedded:
    """Bring the plays of all tracks up to date that changed, or got plays, since it was done last.

    Only values that differ are written, with ``updated_at``. Safe to stop and to start again at any point.

    :param by_users_above: the share of all plays above which the tracks that are due are looked up user by user
    """
    started = time.monotonic()
    # Told by the server, whose clock also says when a track became due: one that changes meanwhile stays due.
    now: datetime = store.database.command("hello")["localTime"]
    due = {"embedding_due": {"$lt": now}}
    tracks, plays = _waiting(store, due)
    are_most = plays > by_users_above * store.plays.estimated_document_count()
    embed = _embed_by_users if are_most else _embed_by_tracks
    changed = embed(store, due, tracks) if tracks else 0
    log.info("%s plays changed in %.1f s", f"{changed:,}", time.monotonic() - started)
    return Embedded(tracks=tracks, plays=changed)


def _waiting(store: HistoryStore, due: Filter) -> tuple[int, int]:
    """How many tracks are due, and how many plays they have."""
    count = {"$group": {"_id": None, "tracks": {"$sum": 1}, "plays": {"$sum": "$play_count"}}}
    found = next(store.tracks.aggregate([{"$match": due}, count]), {"tracks": 0, "plays": 0})
    return found["tracks"], found["plays"]


def _embed_by_tracks(store: HistoryStore, due: Filter, tracks: int) -> int:
    """Look the plays of each track up; return how many changed."""
    handled, changed = 0, 0

    def embed(command: Sequence[Document]) -> int:
        return _write(store, [one for track in command for one in updates(track, {"spotify_track_uri": track["uri"]})])

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        # Plays of one time lie together on the server's disk, so tracks of one time change the same pages.
        while step := list(store.tracks.find(due, NEEDED).sort("first_played_at", 1).limit(TRACKS_A_STEP)):
            changed += sum(pool.map(embed, _parts(step, TRACKS_A_COMMAND)))
            store.tracks.update_many({"_id": {"$in": [track["_id"] for track in step]}, **due}, DONE)
            handled += len(step)
            log.info("%s of %s tracks embedded into their plays", f"{handled:,}", f"{tracks:,}")
    return changed


def _embed_by_users(store: HistoryStore, due: Filter, tracks: int) -> int:
    """Look each user's plays of the tracks up, user by user; return how many changed.

    A user's plays lie together on the server's disk, so that each page is written about once. Where not all plays fit
    into the server's memory, a page would else be written for almost every play on it: ten times the plays took
    eighteen times as long.
    """
    handled, changed = 0, 0

    def embed(command: Sequence[Filter]) -> int:
        return _write(store, list(_updates_of(store, command, due)))

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        # None: plays that name no user.
        for username in [*store.plays.distinct("user.username"), None]:
            for step in _parts(_plays_by_track(store, username), TRACKS_A_STEP):
                changed += sum(pool.map(embed, _parts(step, TRACKS_A_COMMAND)))
                handled += len(step)
            log.info("%s tracks of %s looked at, %s plays changed", f"{handled:,}", f"{tracks:,}", f"{changed:,}")
    store.tracks.update_many(due, DONE)
    return changed


def _plays_by_track(store: HistoryStore, username: str | None) -> Iterator[Filter]:
    """What finds a user's plays, track by track, those first that were played first. Read from an index alone."""
    wanted = {"_id": 0, "timestamp": 1, "spotify_track_uri": 1}
    times: dict[str, list[datetime | None]] = {}
    found = store.plays.find({"user.username": username}, wanted).sort("timestamp", 1).batch_size(PLAYS_AT_ONCE)
    for play in found:
        if uri := play.get("spotify_track_uri"):
            times.setdefault(uri, []).append(play.get("timestamp"))
    for uri, moments in times.items():
        yield {"user.username": username, "timestamp": {"$in": moments}, "spotify_track_uri": uri}


def _updates_of(store: HistoryStore, plays: Sequence[Filter], due: Filter) -> Iterator[UpdateMany]:
    """What brings those of these plays up to date whose tracks are due."""
    plays_of = {one["spotify_track_uri"]: one for one in plays}
    ids = [uri[TRACK_ID] for uri in plays_of]
    for track in store.tracks.find({"_id": {"$in": ids}, **due}, NEEDED):
        if track["uri"] in plays_of:
            yield from updates(track, plays_of[track["uri"]])


def _write(store: HistoryStore, operations: list[UpdateMany]) -> int:
    """Have the server do this; return how many plays changed."""
    return store.plays.bulk_write(operations, ordered=True).modified_count if operations else 0


def _parts(whole: Iterable[Part], size: int) -> Iterator[list[Part]]:
    members = iter(whole)
    return iter(lambda: list(islice(members, size)), [])
