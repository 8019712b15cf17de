"""PostgreSQL's side of the comparison: the rows it has, counted by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from echotune.resources import read_sql
from echotune.sync.checksums import checksum_expression
from echotune.sync.tables import Table
from echotune.sync.totals import NOTHING, Month, Totals, TotalsByMonth
from echotune.sync.transaction import sync_transaction


def count_rows(connection: Connection[Any], table: Table, month: Month = None) -> TotalsByMonth:
    """Count the rows of a table by month, or those of one month.

    Left out are placeholders, and rows of documents that no longer fit: they are as the documents were before.
    """
    statement = sql.SQL(read_sql("reconcile/count_rows.sql")).format(
        table=sql.Identifier(table.name),
        owner=sql.Identifier(table.owner),
        checksum=checksum_expression(table.columns),
        month=sql.SQL("found.month" if table.by_month else "null::date"),
        documented=sql.SQL("not found.placeholder" if table.has_placeholders else "true"),
        in_month=in_month() if month else sql.SQL("true"),
    )
    with sync_transaction(connection):
        rows = connection.execute(statement, {"table_name": table.name, "month": month}).fetchall()
    return {found: Totals(rows=count, checksum=int(checksum)) for found, count, checksum in rows}


def count_rows_of(connection: Connection[Any], table: Table, owners: Sequence[UUID]) -> Totals:
    """Count the rows of some documents."""
    statement = sql.SQL(read_sql("reconcile/count_rows_of.sql")).format(
        table=sql.Identifier(table.name),
        owner=sql.Identifier(table.owner),
        checksum=checksum_expression(table.columns),
    )
    with sync_transaction(connection):
        row = connection.execute(statement, {"owners": list(owners)}).fetchone()
    return Totals(rows=row[0], checksum=int(row[1])) if row else NOTHING


def in_month() -> sql.SQL:
    """What is true of a row ``found`` of the bound month; partitions of other years are left out."""
    return sql.SQL(read_sql("reconcile/in_month.sql"))
