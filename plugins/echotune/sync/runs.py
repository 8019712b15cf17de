"""The records of runs and their slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from echotune.resources import read_sql
from echotune.sync.counts import SyncCounts
from echotune.sync.errors import SyncError
from echotune.sync.settings import SyncSettings
from echotune.sync.slices import Slice, Window
from echotune.sync.source import Position
from echotune.sync.transaction import sync_transaction
from echotune.sync.watermarks import window_values

DAYS_KEPT = 90


@dataclass(frozen=True, kw_only=True)
class SliceRecord:
    """What is known of a slice: how far it is, and what it took."""

    slice: Slice
    position: Position | None
    finished_at: datetime | None
    counts: SyncCounts

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read a row of ``echotune.sync_slices``."""
        window = None
        if row["window_start"]:
            window = Window(
                start=row["window_start"],
                documents=row["window_documents"],
                fingerprint=int(row["window_fingerprint"]),
            )
        slice_ = Slice(
            number=row["slice"],
            table=row["table_name"],
            since=row["since"],
            through=row["through"],
            moves_watermark=row["moves_watermark"],
            first_month=row["first_month"],
            last_month=row["last_month"],
            without_month=row["without_month"],
            window=window,
        )
        return cls(
            slice=slice_,
            position=Position.read(row["position"]) if row["position"] else None,
            finished_at=row["finished_at"],
            counts=SyncCounts(**{name: row[name] for name in asdict(SyncCounts())}),
        )


def start_run(connection: Connection[Any], run_id: str, settings: SyncSettings) -> None:
    """Record that a run is under way, and forget what is older than 90 days."""
    with sync_transaction(connection):
        values = {"run_id": run_id, "settings": Jsonb(settings.model_dump(mode="json")), "days": DAYS_KEPT}
        connection.execute(read_sql("sync/start_run.sql"), values)
        connection.execute(read_sql("sync/forget_runs.sql"), values)


def finish_run(connection: Connection[Any], run_id: str, summary: Mapping[str, Any]) -> None:
    """Record that a run is over, and what it came to."""
    with sync_transaction(connection):
        connection.execute(read_sql("sync/finish_run.sql"), {"run_id": run_id, "summary": Jsonb(dict(summary))})


def record_slices(connection: Connection[Any], run_id: str, slices: list[Slice]) -> None:
    """Record the slices of a run, within the caller's transaction; those of an earlier plan of it are forgotten."""
    connection.execute(read_sql("sync/forget_slices.sql"), {"run_id": run_id})
    for slice_ in slices:
        values = {
            "run_id": run_id,
            "slice": slice_.number,
            "table_name": slice_.table,
            "first_month": slice_.first_month,
            "last_month": slice_.last_month,
            "without_month": slice_.without_month,
            "since": slice_.since,
            "through": slice_.through,
            "moves_watermark": slice_.moves_watermark,
            **window_values(slice_.window),
        }
        connection.execute(read_sql("sync/insert_slice.sql"), values)


def read_slices(connection: Connection[Any], run_id: str) -> list[SliceRecord]:
    """Return the records of a run's slices."""
    with sync_transaction(connection), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(read_sql("sync/read_slices.sql"), {"run_id": run_id})
        return [SliceRecord.of(row) for row in cursor.fetchall()]


def read_slice(connection: Connection[Any], run_id: str, number: int) -> SliceRecord:
    """Return the record of one slice.

    :raises SyncError: it was not planned
    """
    for record in read_slices(connection, run_id):
        if record.slice.number == number:
            return record
    raise SyncError(f"run {run_id} has no slice {number}: it was planned anew; start the run again")


def move_slice(
    connection: Connection[Any],
    run_id: str,
    record: SliceRecord,
    position: Position | None,
    counts: SyncCounts,
    *,
    found_at: Position | None,
) -> None:
    """Record within the caller's transaction how far a slice is now.

    :raises SyncError: it is no longer where this task found it: another one copies it
    """
    values = {
        "run_id": run_id,
        "slice": record.slice.number,
        "position": str(position) if position else None,
        "found_at": str(found_at) if found_at else None,
        **asdict(counts),
    }
    if connection.execute(read_sql("sync/move_slice.sql"), values).rowcount != 1:
        raise SyncError(f"slice {record.slice.number} of run {run_id} is copied by another task, which goes on")
