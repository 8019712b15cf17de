"""What comparisons came to, kept in the schema echotune; the last of them spare the next run the reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from psycopg import Connection

from echotune.resources import read_sql
from echotune.sync.tables import TABLES, Table, table_named
from echotune.sync.totals import Month, Totals
from echotune.sync.transaction import sync_transaction

PLACES_NAMED = 24


class State(StrEnum):
    """How two sides compared: equal, equal after a repair, different, or different because MongoDB was changing."""

    EQUAL = "equal"
    REPAIRED = "repaired"
    DIFFERS = "differs"
    CHANGING = "changing"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Both sides of a table, or of one month of it.

    :param revision: what MongoDB said of it cheaply before it was compared
    :param documents: the rows of its documents
    :param rows: its rows in PostgreSQL
    """

    table: str
    month: Month
    revision: str
    documents: Totals
    rows: Totals

    @property
    def equal(self) -> bool:
        """Whether both sides have the same rows, by number and checksum."""
        return self.documents == self.rows

    @property
    def place(self) -> tuple[int, date]:
        """Where it stands among others: tables in the order in which they refer to each other, then months."""
        return TABLES.index(table_named(self.table)), self.month or date.min

    def __str__(self) -> str:
        return f"{self.table} {self.month:%Y-%m}" if self.month else self.table


def named(places: Sequence[str]) -> str:
    """Places for a message; of very many, those behind the first are only counted."""
    more = len(places) - PLACES_NAMED
    rest = f" and {more:,} more, see echotune.reconciliations" if more > 0 else ""
    return f"{', '.join(places[:PLACES_NAMED])}{rest}"


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """The revision of a month that was found equal, and what its documents came to."""

    revision: str
    documents: Totals


def remembered(connection: Connection[Any], table: Table) -> Mapping[Month, Remembered]:
    """What was found equal last, by month."""
    with sync_transaction(connection):
        rows = connection.execute(read_sql("reconcile/remembered.sql"), {"table_name": table.name}).fetchall()
    return {
        month: Remembered(revision=revision, documents=Totals(rows=documents, checksum=int(checksum)))
        for month, revision, documents, checksum in rows
    }


def remember(connection: Connection[Any], run_id: str, comparisons: Iterable[tuple[Comparison, State]]) -> None:
    """Keep what a run found; a run that is tried again replaces what it kept."""
    found = list(comparisons)
    values = {
        "run_id": run_id,
        "tables": [comparison.table for comparison, _ in found],
        "months": [comparison.month for comparison, _ in found],
        "revisions": [comparison.revision for comparison, _ in found],
        "documents": [comparison.documents.rows for comparison, _ in found],
        "document_checksums": [comparison.documents.checksum for comparison, _ in found],
        "rows": [comparison.rows.rows for comparison, _ in found],
        "row_checksums": [comparison.rows.checksum for comparison, _ in found],
        "states": [state.value for _, state in found],
    }
    with sync_transaction(connection):
        connection.execute(read_sql("reconcile/remember.sql"), values)
