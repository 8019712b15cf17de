"""The copy of one slice: batch by batch, each with how far the slice is then, in one transaction."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from psycopg import Connection, Rollback

from echotune.history.load import cycle_search_paused
from echotune.resources import read_sql
from echotune.sync.batches import BATCH_DOCUMENTS, Batch, batches_of
from echotune.sync.counts import SyncCounts
from echotune.sync.forgotten import LeavingOut
from echotune.sync.read_ahead import read_ahead
from echotune.sync.runs import SliceRecord, move_slice, read_slice
from echotune.sync.slices import Slice
from echotune.sync.source import Position, SyncSource
from echotune.sync.tables import Table, table_named
from echotune.sync.transaction import lock_writers, sync_transaction, writing_transaction
from echotune.sync.watermarks import move_month_watermarks, move_watermark
from echotune.sync.writer import PLAYED_AT, write_batch

log = logging.getLogger(__name__)


def sync_slice(
    connection: Connection[Any], source: SyncSource, run_id: str, number: int, *, batch_documents: int = BATCH_DOCUMENTS
) -> SyncCounts:
    """Copy a slice of a run from where it is, and return what the whole of it took.

    :raises SyncError: the slice is not in the run's plan, or another task copies it
    """
    record = read_slice(connection, run_id, number)
    if record.finished_at:
        return record.counts
    table = table_named(record.slice.table)
    leaving_out = LeavingOut(users=source.forgotten_users())
    order = record.position.order if record.position else source.order(table, record.slice)
    documents = source.documents(table, record.slice, order, record.position)
    copied = SliceCopy(connection, table, run_id, record, leaving_out)
    with cycle_search_paused():
        for batch in read_ahead(batches_of(table, documents, order, size=batch_documents)):
            copied.write(batch)
    copied.finish()
    return copied.counts


class SliceCopy:
    """Writes the batches of a slice and keeps its record.

    :param record: where the slice was when this task took it up
    :param leaving_out: who is forgotten while the slice is read
    """

    def __init__(
        self, connection: Connection[Any], table: Table, run_id: str, record: SliceRecord, leaving_out: LeavingOut
    ) -> None:
        self.counts = record.counts
        self._connection = connection
        self._table = table
        self._run_id = run_id
        self._record = record
        self._leaving_out = leaving_out
        self._position: Position | None = record.position
        self._years: set[int] = set()
        self._since = time.monotonic()

    def write(self, batch: Batch) -> None:
        """Write a batch; with it, in one transaction, what did not fit and how far the slice is."""
        self._ensure_partitions(batch)
        while not self._write(self._leaving_out.without(self._table, batch)):
            log.info("%s: written anew: a user was forgotten meanwhile", self._record.slice)
        self._position = batch.position
        log.info("%s: %s documents", self._record.slice, f"{self.counts.documents:,}")

    def _write(self, batch: Batch) -> bool:
        """Write a batch; undo it and return False where a user of it was forgotten before it is done."""
        counts = None
        # Rows are copied while another slice's are merged.
        with sync_transaction(self._connection):
            written = replace(write_batch(self._connection, self._table, batch), seconds=self._seconds())
            move_slice(self._connection, self._run_id, self._record, batch.position, written, found_at=self._position)
            lock_writers(self._connection)
            if self._leaving_out.is_outdated(self._table):
                raise Rollback
            counts = written
        self.counts += counts or SyncCounts()
        return counts is not None

    def finish(self) -> None:
        """Note that the slice is done; where it was the table's last one, the table is."""
        seconds = self._seconds()
        with writing_transaction(self._connection):
            finish_slice(self._connection, self._run_id, self._record.slice, seconds)
        self.counts += SyncCounts(seconds=seconds)

    def _ensure_partitions(self, batch: Batch) -> None:
        if not self._table.by_month:
            return
        years = {row[PLAYED_AT].year for row in batch.rows} - self._years
        if years:
            # A new partition takes locks that a batch on its way would wait for, so it waits for the batch.
            with writing_transaction(self._connection):
                for year in years:
                    values = {"first_year": year, "last_year": year}
                    self._connection.execute(read_sql("sync/ensure_partitions.sql"), values)
            self._years |= years

    def _seconds(self) -> float:
        """Seconds since this was asked last."""
        before, self._since = self._since, time.monotonic()
        return self._since - before


def finish_slice(connection: Connection[Any], run_id: str, slice_: Slice, seconds: float) -> None:
    """Close a slice's record and move the watermarks, within the caller's transaction."""
    values = {"run_id": run_id, "slice": slice_.number, "table_name": slice_.table, "seconds": seconds}
    connection.execute(read_sql("sync/finish_slice.sql"), values)
    if not slice_.moves_watermark:
        return
    row = connection.execute(read_sql("sync/count_unfinished.sql"), values).fetchone()
    if row and row[0]:
        move_month_watermarks(connection, slice_)
    else:
        move_watermark(connection, slice_.table, slice_.through, slice_.window)
