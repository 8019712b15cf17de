"""Documents that do not fit, while a collection is read whole: which are still there, and which PostgreSQL refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from psycopg import Connection

from echotune.resources import read_sql
from echotune.sync.batches import REFUSED
from echotune.sync.columns import Document
from echotune.sync.source import WHOLE, Part
from echotune.sync.tables import Table, document_row_id
from echotune.sync.transaction import sync_transaction


@dataclass(frozen=True, kw_only=True)
class Rejections:
    """The rejected documents of a table.

    :param since: when the reading began, by PostgreSQL's clock; None where there is none of them
    """

    connection: Connection[Any]
    table: Table
    since: datetime | None

    @classmethod
    def of(cls, connection: Connection[Any], table: Table) -> Self:
        """Look whether a table has any."""
        with sync_transaction(connection):
            row = connection.execute(read_sql("reconcile/rejections_since.sql"), {"table_name": table.name}).fetchone()
        return cls(connection=connection, table=table, since=row[0] if row else None)

    def seen(self, documents: Iterable[Document]) -> set[UUID]:
        """Note which of them are still there; return the rows' ids of those that fit and PostgreSQL refused."""
        if self.since is None:
            return set()
        row_ids = [document_row_id(self.table, document) for document in documents]
        values = {"table_name": self.table.name, "row_ids": row_ids, "refused": REFUSED}
        with sync_transaction(self.connection):
            rows = self.connection.execute(read_sql("reconcile/see_rejections.sql"), values).fetchall()
        return {row_id for row_id, refused in rows if refused}

    def refused(self) -> set[UUID]:
        """The rows' ids of those that PostgreSQL refused."""
        if self.since is None:
            return set()
        values = {"table_name": self.table.name, "refused": REFUSED}
        with sync_transaction(self.connection):
            return {row_id for (row_id,) in self.connection.execute(read_sql("reconcile/refused_rows.sql"), values)}

    def forget_unseen(self, part: Part) -> None:
        """Forget those of a part whose documents were not among what was read."""
        if self.since is None:
            return
        values = {
            "table_name": self.table.name,
            "since": self.since,
            "whole": part == WHOLE or not self.table.by_month,
            "month": None if part == WHOLE else part,
        }
        with sync_transaction(self.connection):
            self.connection.execute(read_sql("reconcile/forget_rejections.sql"), values)
