"""Whether MongoDB and PostgreSQL hold the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Cursor

from echotune.dashboard.answers import NothingThereError
from echotune.history.store import HistoryStore
from echotune.resources import read_sql
from echotune.sync.tables import TABLES

NEVER_SYNCED = "Nothing was synced yet: run mongo_to_supabase_sync."
PLAYS = "listening_history"
Rows = list[dict[str, Any]]


def synced_up_to(cursor: Cursor[dict[str, Any]]) -> datetime | None:
    """The time up to which the changes of plays are in PostgreSQL."""
    found = cursor.execute(read_sql("dashboard/synced_up_to.sql"), {"table_name": PLAYS}).fetchone()
    return found["through"] if found else None


def proofs(cursor: Cursor[dict[str, Any]]) -> dict[str, Any]:
    """The latest comparison of each table, and of each month of the plays.

    :raises NothingThereError: there was none
    """
    rows: Rows = cursor.execute(read_sql("dashboard/latest_proofs.sql")).fetchall()
    if not rows:
        raise NothingThereError(NEVER_SYNCED)
    rejected = cursor.execute(read_sql("dashboard/count_rejected.sql")).fetchone()
    return {
        "reconciled_at": max(row["checked_at"] for row in rows).isoformat(),
        "tables": [_table(table.name, found) for table in TABLES if (found := _of(rows, table.name))],
        "months": [
            {"month": f"{row['month']:%Y-%m}", "state": row["state"], **_counts([row])}
            for row in _of(rows, PLAYS)
            if row["month"] and (row["documents"] or row["rows"])
        ],
        "rejected_documents": rejected["documents"] if rejected else 0,
    }


def lag(store: HistoryStore, through: datetime | None, now: datetime) -> dict[str, Any]:
    """How far PostgreSQL is behind: the age of the oldest change that it does not have, and how many there are."""
    since = {"updated_at": {"$gt": through}} if through else {}
    oldest = next(store.plays.find(since, {"_id": 0, "updated_at": 1}).sort("updated_at", 1).limit(1), None)
    newest = next(store.plays.find({}, {"_id": 0, "updated_at": 1}).sort("updated_at", -1).limit(1), None)
    return {
        "lag_seconds": max(0.0, (now - oldest["updated_at"]).total_seconds()) if oldest else 0.0,
        "newest_in_mongodb": newest["updated_at"].isoformat() if newest else None,
        "synced_up_to": through.isoformat() if through else None,
        "waiting": waiting(store, through),
    }


def waiting(store: HistoryStore, through: datetime | None) -> int:
    """Plays that changed since the last sync."""
    if through is None:
        return store.plays.estimated_document_count()
    return store.plays.count_documents({"updated_at": {"$gt": through}})


def _of(rows: Rows, table: str) -> Rows:
    return [row for row in rows if row["table_name"] == table]


def _table(name: str, rows: Rows) -> dict[str, Any]:
    states = {row["state"] for row in rows}
    worst = next(state for state in ("differs", "changing", "repaired", "equal") if state in states)
    return {"table": name, "state": worst, **_counts(rows)}


def _counts(rows: Rows) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in ("documents", "rows")}
