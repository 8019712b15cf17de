"""MongoDB's side of the comparison: the rows that documents tell of, counted as they pass by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any
from uuid import UUID

from psycopg import Connection

from echotune.sync.archived import added
from echotune.sync.checksums import row_checksum
from echotune.sync.columns import Document, Row
from echotune.sync.errors import UnfitValue
from echotune.sync.read_ahead import read_ahead
from echotune.sync.rejections import Rejections
from echotune.sync.source import Part, SyncSource
from echotune.sync.tables import Table
from echotune.sync.totals import NOTHING, Month, Totals, TotalsByMonth
from echotune.sync.writer import PLAYED_AT

DOCUMENTS_AT_ONCE = 5_000


class DocumentTotals:
    """Counts the rows of a table's documents by month."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._checksum = row_checksum(table.columns)
        self._rows: dict[tuple[int, int], int] = defaultdict(int)
        self._checksums: dict[tuple[int, int], int] = defaultdict(int)

    def add(self, documents: Iterable[Document], refused: Container[UUID]) -> None:
        """Count the rows of documents, without those that do not fit and those that PostgreSQL refused."""
        for rows in fit_rows(self._table, documents, refused):
            for row in rows:
                month = (row[PLAYED_AT].year, row[PLAYED_AT].month) if self._table.by_month else (0, 0)
                self._rows[month] += 1
                self._checksums[month] += self._checksum(row)

    def by_month(self) -> TotalsByMonth:
        """What was counted so far."""
        return {
            _first_day(*month): Totals(rows=rows, checksum=self._checksums[month]) for month, rows in self._rows.items()
        }


def count_documents(
    connection: Connection[Any], source: SyncSource, tables: Sequence[Table], part: Part
) -> dict[str, TotalsByMonth]:
    """Read a part of a collection once, and count the rows of it in each of the tables that it fills.

    Rejections of documents that are no longer there are forgotten.
    """
    totals = {table.name: DocumentTotals(table) for table in tables}
    rejections = [Rejections.of(connection, table) for table in tables]
    for documents in read_ahead(several(source.all_documents(_reading_all(tables), part))):
        for table, rejected in zip(tables, rejections, strict=True):
            totals[table.name].add(documents, rejected.seen(documents))
    archived = {rejected.table.name: _count_archived(source, rejected, part) for rejected in rejections}
    for rejected in rejections:
        rejected.forget_unseen(part)
    return {name: added(found.by_month(), archived[name]) for name, found in totals.items()}


def _count_archived(source: SyncSource, rejections: Rejections, part: Part) -> TotalsByMonth:
    """Count the rows of archived plays, without those that PostgreSQL refused."""
    archived = source.archived(rejections.table, part)
    if archived is None:
        return {}
    totals, refused = archived.totals(), archived.among(rejections.refused())
    rejections.seen({"_id": row_id} for row_id in refused)
    without = archived.totals_of(refused) if refused else {}
    return {month: found - without.get(month, NOTHING) for month, found in totals.items()}


def fit_rows(table: Table, documents: Iterable[Document], refused: Container[UUID]) -> Iterator[Sequence[Row]]:
    """The rows of each document that fits and that PostgreSQL did not refuse."""
    for document in documents:
        try:
            rows = table.rows(document)
        except UnfitValue:
            continue
        if rows and not (refused and rows[0][0] in refused):
            yield rows


def several(documents: Iterator[Document]) -> Iterator[list[Document]]:
    """Documents, some thousands at a time: what bounds the memory."""
    while found := list(islice(documents, DOCUMENTS_AT_ONCE)):
        yield found


def _reading_all(tables: Sequence[Table]) -> Table:
    """A table of the same collection that reads what all of them need."""
    fields = {name: shown for table in tables for name, shown in table.projection.items()}
    return replace(tables[0], projection=fields)


def _first_day(year: int, month: int) -> Month:
    return date(year, month, 1) if year else None
