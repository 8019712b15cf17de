"""Rows that did not load, and documents that do not fit: where and why, without their content."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor
from pymongo import DESCENDING

from echotune.history.store import HistoryStore
from echotune.resources import read_sql


def rejected_rows(store: HistoryStore, *, offset: int, limit: int) -> dict[str, Any]:
    """Rows of files, the latest first; their text stays where it is: it may be personal."""
    fields = {"_id": 0, "source.file": 1, "row": 1, "column": 1, "reason": 1, "updated_at": 1}
    found = store.rejected_rows.find({}, fields).sort([("updated_at", DESCENDING), ("_id", DESCENDING)])
    rows = [
        {
            "file": row["source"]["file"],
            "row": row["row"],
            "column": row.get("column"),
            "reason": row["reason"],
            "at": row["updated_at"].isoformat(),
        }
        for row in found.skip(offset).limit(limit)
    ]
    return {"total": store.rejected_rows.estimated_document_count(), "rows": rows}


def rejected_documents(cursor: Cursor[dict[str, Any]], *, offset: int, limit: int) -> dict[str, Any]:
    """Documents that have no row in PostgreSQL, the latest first."""
    total = cursor.execute(read_sql("dashboard/count_rejected.sql")).fetchone()
    rows = cursor.execute(read_sql("dashboard/rejected.sql"), {"limit": limit, "offset": offset}).fetchall()
    return {
        "total": total["documents"] if total else 0,
        "rows": [{**row, "at": row["at"].isoformat()} for row in rows],
    }
