"""How far each table came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from echotune.resources import read_sql
from echotune.sync.slices import Slice, Window


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """Documents changed up to a time are in the table.

    :param through: that time; None where the table was never finished
    :param window: the changes before it, as they were then
    :param months: the months that an unfinished run brought further, and how far
    """

    through: datetime | None = None
    window: Window | None = None
    months: Mapping[date, datetime] = field(default_factory=dict)


def read_watermarks(connection: Connection[Any]) -> dict[str, Watermark]:
    """Read the watermark of each table that has one."""
    found: dict[str, Watermark] = {}
    for table, month, through, start, documents, fingerprint in connection.execute(
        read_sql("sync/read_watermarks.sql")
    ).fetchall():
        known = found.get(table, Watermark())
        if month is not None:
            found[table] = Watermark(
                through=known.through, window=known.window, months={**known.months, month: through}
            )
            continue
        window = Window(start=start, documents=documents, fingerprint=int(fingerprint)) if start else None
        found[table] = Watermark(through=through, window=window, months=known.months)
    return found


def move_month_watermarks(connection: Connection[Any], slice_: Slice) -> None:
    """Note that the months of a slice are ahead of their table."""
    if slice_.first_month and slice_.last_month:
        values = {
            "table_name": slice_.table,
            "through": slice_.through,
            "first_month": slice_.first_month,
            "last_month": slice_.last_month,
        }
        connection.execute(read_sql("sync/move_month_watermarks.sql"), values)


def move_watermark(connection: Connection[Any], table: str, through: datetime, window: Window | None) -> None:
    """Note that a table is finished up to a time; its months need no watermarks of their own any more."""
    values = {"table_name": table, "through": through, **window_values(window)}
    connection.execute(read_sql("sync/move_watermark.sql"), values)
    connection.execute(read_sql("sync/forget_month_watermarks.sql"), values)


def window_values(window: Window | None) -> dict[str, Any]:
    """The columns of a window."""
    return {
        "window_start": window.start if window else None,
        "window_documents": window.documents if window else None,
        "window_fingerprint": window.fingerprint if window else None,
    }
