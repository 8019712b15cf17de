"""Whether both sides hold the same rows: counts and checksums by table, and by month of the plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from psycopg import Connection

from echotune.resources import read_sql
from echotune.sync.checksums import row_checksum
from echotune.sync.document_side import count_documents, fit_rows, several
from echotune.sync.reconciliations import Comparison, remembered
from echotune.sync.rejections import Rejections
from echotune.sync.revisions import Revisions
from echotune.sync.row_side import count_rows, count_rows_of
from echotune.sync.source import WHOLE, Part, SyncSource
from echotune.sync.tables import Table, table_named
from echotune.sync.totals import NOTHING, Month, Totals, TotalsByMonth
from echotune.sync.transaction import sync_transaction

MOST_MONTHS_APART = 12
"""More months than these are read in one go with all others: less work than each by itself."""


class Verifier:
    """Compares tables with what MongoDB says of them.

    :param tables: those that are compared
    :param use_revisions: whether documents of which nothing changed since they were found equal are not read again
    """

    def __init__(
        self, connection: Connection[Any], source: SyncSource, tables: Sequence[Table], *, use_revisions: bool
    ) -> None:
        self._connection = connection
        self._source = source
        # The users need the revisions of the plays, which take longest: last.
        self._tables = sorted(tables, key=lambda table: not table.removes)
        self._use_revisions = use_revisions
        self._revisions = Revisions(source, self._tables)

    def verify(self) -> list[Comparison]:
        """Compare the tables, each whole or month by month."""
        found: list[Comparison] = []
        for _, group in groupby(self._tables, key=lambda table: table.collection):
            together = list(group)
            found += self._by_documents(together) if together[0].removes else [self._known_rows(together[0])]
        return sorted(found, key=lambda comparison: comparison.place)

    def verify_again(self, comparison: Comparison) -> Comparison:
        """Compare a table, or one month of it, anew and by its documents."""
        table, month = table_named(comparison.table), comparison.month
        if not table.removes:
            return replace(self._known_rows(table), revision=comparison.revision)
        part: Part = month if table.by_month else WHOLE
        documents = count_documents(self._connection, self._source, [table], part)[table.name]
        rows = count_rows(self._connection, table, month)
        return replace(comparison, documents=documents.get(month, NOTHING), rows=rows.get(month, NOTHING))

    def _by_documents(self, tables: Sequence[Table]) -> list[Comparison]:
        """Compare tables of the same collection."""
        known = {table.name: self._known(table) for table in tables}
        read = self._read(tables, {table.name: self._unknown(table, known[table.name]) for table in tables})
        found = []
        for table in tables:
            comparisons = self._compare(table, {**known[table.name], **read.get(table.name, {})})
            # What was known may rest on rejections that are forgotten since: only a reading says that it differs.
            found += [
                self.verify_again(one) if not one.equal and one.month in known[table.name] else one
                for one in comparisons
            ]
        return found

    def _known(self, table: Table) -> TotalsByMonth:
        """What the documents of each month come to, where nothing changed since they were read."""
        if not self._use_revisions:
            return {}
        revisions = self._revisions.of(table)
        return {
            month: last.documents
            for month, last in remembered(self._connection, table).items()
            if revisions.get(month) == last.revision
        }

    def _unknown(self, table: Table, known: Mapping[Month, Totals]) -> set[Month]:
        """The months whose documents have to be read; those with nothing but rejected ones that may be gone as well."""
        with sync_transaction(self._connection):
            values = {"table_name": table.name}
            rejected = self._connection.execute(read_sql("reconcile/rejected_months.sql"), values).fetchall()
        months = {*self._revisions.of(table), *(month for (month,) in rejected)}
        return months - known.keys()

    def _read(self, tables: Sequence[Table], unknown: Mapping[str, set[Month]]) -> dict[str, TotalsByMonth]:
        reading = [table for table in tables if unknown[table.name]]
        if not reading:
            return {}
        months = set().union(*unknown.values())
        if not reading[0].by_month or len(months) > MOST_MONTHS_APART:
            return count_documents(self._connection, self._source, reading, WHOLE)
        found: dict[str, TotalsByMonth] = {}
        for month in months:
            for name, totals in count_documents(self._connection, self._source, reading, month).items():
                found[name] = {**found.get(name, {}), **totals}
        return found

    def _compare(self, table: Table, documents: TotalsByMonth) -> list[Comparison]:
        revisions, rows = self._revisions.of(table), count_rows(self._connection, table)
        months = {*revisions, *documents, *rows} or {None}
        return [
            Comparison(
                table=table.name,
                month=month,
                revision=revisions.get(month, ""),
                documents=documents.get(month, NOTHING),
                rows=rows.get(month, NOTHING),
            )
            for month in months
        ]

    def _known_rows(self, table: Table) -> Comparison:
        """Compare a table that may hold rows of which MongoDB knows nothing: those that it knows of."""
        revision = self._revisions.of(table).get(None, "")
        checksum = row_checksum(table.columns)
        rejections = Rejections.of(self._connection, table)
        documented, found = NOTHING, NOTHING
        for documents in several(self._source.all_documents(table)):
            refused = rejections.seen(documents)
            # Two documents may name the same row, as a name and as a list of it.
            rows = {row[0]: row for fit in fit_rows(table, documents, refused) for row in fit}
            documented += Totals(rows=len(rows), checksum=sum(map(checksum, rows.values())))
            found += count_rows_of(self._connection, table, list(rows))
        rejections.forget_unseen(WHOLE)
        return Comparison(table=table.name, month=None, revision=revision, documents=documented, rows=found)
