"""The temporary table that rows are copied into before they are merged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Connection, sql

from echotune.resources import read_sql
from echotune.sync.columns import Column, Row
from echotune.sync.tables import Table


def stage(connection: Connection[Any], table: Table, rows: Iterable[Row]) -> None:
    """Copy rows of a table into ``pg_temp.staged``, anew; it is gone with the transaction.

    :raises psycopg.DataError: a row does not fit its columns
    """
    definitions = sql.SQL(", ").join(_definition(column) for column in table.staged)
    connection.execute(sql.SQL(read_sql("sync/stage.sql")).format(columns=definitions))
    columns = identifiers(column.name for column in table.staged)
    with connection.cursor() as cursor, cursor.copy(sql.SQL(read_sql("sync/copy.sql")).format(columns=columns)) as copy:
        copy.set_types([column.type.value for column in table.staged])
        for row in rows:
            copy.write_row(row)


def identifiers(names: Iterable[str], *, of: str = "") -> sql.Composed:
    """Names for a statement, with commas between; ``of`` is the table or alias they belong to."""
    return sql.SQL(", ").join(sql.Identifier(of, name) if of else sql.Identifier(name) for name in names)


def _definition(column: Column) -> sql.Composable:
    # The type is a word of this project's own.
    return sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type.value))
