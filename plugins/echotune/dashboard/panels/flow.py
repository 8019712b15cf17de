"""The way of the plays, a step each: how much is there, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Cursor

from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.settings import EnrichmentKind
from echotune.history.store import HistoryStore
from echotune.resources import read_sql


@dataclass(frozen=True, kw_only=True)
class Count:
    """How much a step has.

    :param waiting: what it has still to do; None where that means nothing
    :param waiting_text: the same as a few words
    """

    count: int
    waiting: int | None = None
    waiting_text: str | None = None


def files(store: HistoryStore) -> Count:
    """Rows of the files that were loaded; rejected rows wait for a person."""
    loaded = {"$match": {"kind": "file", "counts": {"$exists": True}}}
    found = next(store.load_runs.aggregate([loaded, {"$group": {"_id": None, "rows": {"$sum": "$counts.rows"}}}]), None)
    rejected = store.rejected_rows.estimated_document_count()
    return Count(
        count=found["rows"] if found else 0,
        waiting=rejected,
        waiting_text=f"{rejected:,} rejected rows" if rejected else None,
    )


def plays(store: HistoryStore) -> Count:
    """Plays in MongoDB; files that were begun and not finished wait."""
    unfinished = store.load_runs.count_documents({"kind": "file", "state": {"$ne": "done"}})
    return Count(
        count=store.plays.estimated_document_count(),
        waiting=unfinished,
        waiting_text=f"{unfinished:,} unfinished files" if unfinished else None,
    )


def enriched(store: HistoryStore, *, simulated: bool) -> Count:
    """Tracks whose audio features are known; the due ones wait."""
    queue = Queue(store.tracks, EnrichmentKind.AUDIO_FEATURES, owner="dashboard", due=Due(made_up_too=not simulated))
    due = queue.count_due()
    return Count(
        count=store.tracks.count_documents({"enrichment.audio_features.status": "enriched"}),
        waiting=due,
        waiting_text=f"{due:,} tracks are due" if due else None,
    )


def catalog(store: HistoryStore) -> Count:
    """Tracks, artists and albums; tracks whose plays lack what is known of them wait."""
    due = store.tracks.count_documents({"embedding_due": {"$exists": True}})
    return Count(
        count=sum(one.estimated_document_count() for one in (store.tracks, store.artists, store.albums)),
        waiting=due,
        waiting_text=f"plays of {due:,} tracks to bring up to date" if due else None,
    )


def rows(cursor: Cursor[dict[str, Any]], waiting: int | None) -> Count:
    """Plays in PostgreSQL; those that changed since the last sync wait.

    :param waiting: None where MongoDB does not answer
    """
    found = cursor.execute(read_sql("dashboard/count_plays.sql")).fetchone()
    return Count(
        count=found["plays"] if found else 0,
        waiting=waiting,
        waiting_text=f"{waiting:,} changed plays" if waiting else None,
    )
