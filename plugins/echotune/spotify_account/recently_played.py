"""A listener's recent plays into the history: each once, and told where Spotify no longer had all of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

from pymongo import UpdateOne

from echotune.history.counts import LoadCounts
from echotune.history.document import Document
from echotune.history.errors import CellError
from echotune.history.forgotten import ForgottenUsers
from echotune.history.play_writer import PlayWriter
from echotune.history.rejected import LONGEST_RAW, REJECTED_NAMESPACE
from echotune.history.store import HistoryStore
from echotune.reconciliation import Check, require_equal
from echotune.spotify_account.client import ITEMS_AT_ONCE, Account
from echotune.spotify_account.plays import FORMAT, milliseconds, shape_play, source_sha256
from echotune.spotify_account.progress import Gap, begin_load, finish_load, move_on, newest_known

log = logging.getLogger(__name__)

OVERLAP = timedelta(seconds=1)
"""So much before the newest known play is asked for, that it is among the answers where none is missing."""


@dataclass(frozen=True, kw_only=True)
class RecentLoad:
    """What became of a listener's recent plays.

    :param counts: of the items that Spotify told
    """

    username: str
    counts: LoadCounts
    gap: Gap | None = None

    def as_result(self) -> dict[str, Any]:
        """What a task returns of it."""
        return {
            "username": self.username,
            "counts": asdict(self.counts),
            "gap": str(self.gap) if self.gap else None,
        }


@dataclass(frozen=True, kw_only=True)
class RejectedItem:
    """An item that is no play, and why."""

    item: Any
    error: CellError


def load_recent_plays(store: HistoryStore, account: Account) -> RecentLoad:
    """Bring the plays of an account since the last load. Safe to stop and to start again at any point.

    :raises AccountError, AccountUnavailable, Postponed: Spotify did not tell them; nothing was written
    """
    username, known, now = account.username, newest_known(store, account.username), datetime.now(UTC)
    forgotten = ForgottenUsers.of(store)
    items = list(recent_items(account, known))
    plays, rejected = shape_items(items, username, now)
    newest = max((play["timestamp"] for play in plays), default=None)
    brings_plays = newest is not None and (known is None or newest > known)
    first_row = min((play["source"]["row"] for play in plays), default=0)
    was_cut_off = brings_plays and begin_load(store, username, rows=len(plays), first_row=first_row)
    counts = _write(store, username, items, plays, rejected)
    if brings_plays or counts.inserted:
        finish_load(store, username, counts, first_row=first_row, was_cut_off=was_cut_off)
    gap = find_gap(username, known, plays, told=len(items))
    move_on(store, username, newest, counts, gap)
    if forgotten.includes(username):
        _take_back(store, username)
        return RecentLoad(username=username, counts=LoadCounts(rows=len(items), forgotten=len(items)))
    if gap is not None:
        log.warning("%s", gap)
    return RecentLoad(username=username, counts=counts, gap=gap)


def recent_items(account: Account, known: datetime | None) -> Iterator[Any]:
    """What Spotify tells since the newest known play, that one included; without one, all that it remembers."""
    after = milliseconds(known - OVERLAP) if known else None
    while True:
        items = account.recently_played(after)
        yield from items
        newest = max(map(_played_at, items), default=-1)
        if len(items) < ITEMS_AT_ONCE or newest <= (after or 0):
            return
        after = newest


def shape_items(items: Sequence[Any], username: str, now: datetime) -> tuple[list[Document], list[RejectedItem]]:
    """The documents of items, and those items that are no plays."""
    plays, rejected = [], []
    for item in items:
        try:
            plays.append(shape_play(item, username, now))
        except CellError as error:
            rejected.append(RejectedItem(item=item, error=error))
    return plays, rejected


def find_gap(username: str, known: datetime | None, plays: Sequence[Document], *, told: int) -> Gap | None:
    """Plays may be missing where Spotify told as many as it remembers and the newest known play is not among them."""
    if known is None or told < ITEMS_AT_ONCE or not plays:
        return None
    oldest: datetime = min(play["timestamp"] for play in plays)
    return Gap(username=username, start=known, end=oldest) if oldest > known else None


def _write(
    store: HistoryStore, username: str, items: Sequence[Any], plays: Sequence[Document], rejected: list[RejectedItem]
) -> LoadCounts:
    documents = {play["_id"]: play for play in plays}
    writer = PlayWriter(store, sha256=source_sha256(username), expect_known=True, dry_run=False)
    counts = writer.write(documents) if documents else LoadCounts()
    _keep_rejected(store, username, rejected)
    counts += LoadCounts(rows=len(items), repeats=len(plays) - len(documents), rejected=len(rejected))
    what = f"{username}: items accounted for"
    require_equal([Check(what=what, expected=counts.rows, found=counts.accounted)])
    return counts


def _take_back(store: HistoryStore, username: str) -> None:
    """Remove what was written of a listener who was forgotten meanwhile."""
    source = {"source.sha256": source_sha256(username)}
    store.plays.delete_many(source)
    store.rejected_rows.delete_many(source)
    store.load_runs.delete_many(source)
    log.warning("A listener was forgotten while their plays were loaded: nothing of them is kept")


def _keep_rejected(store: HistoryStore, username: str, rejected: Sequence[RejectedItem]) -> None:
    """Keep items that are no plays; the same one, told again by the next answer, is kept once."""
    changes, now = [], datetime.now(UTC)
    for one in rejected:
        raw, played = json.dumps(one.item, sort_keys=True)[:LONGEST_RAW], _played_at(one.item)
        document = {
            "source": {"file": FORMAT, "sha256": source_sha256(username), "row": played},
            "row": played,
            "column": one.error.column,
            "reason": one.error.reason,
            "raw": raw,
            "updated_at": now,
        }
        identity = uuid5(REJECTED_NAMESPACE, "\0".join((FORMAT, username, raw)))
        changes.append(UpdateOne({"_id": identity}, {"$set": document, "$setOnInsert": {"created_at": now}}, True))
        log.warning("%s: an item of recently played is no play: %s", username, one.error)
    if changes:
        store.rejected_rows.bulk_write(changes, ordered=False)


def _played_at(item: Any) -> int:
    """When an item was played, in milliseconds; 0 where it does not say."""
    try:
        return milliseconds(datetime.fromisoformat(item["played_at"]).astimezone(UTC))
    except (TypeError, KeyError, ValueError, OverflowError):
        return 0
