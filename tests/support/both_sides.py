"""The rows of both sides of a sync, whole: what MongoDB's documents come to, and what PostgreSQL has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Connection, sql

from echotune.history.store import HistoryStore
from echotune.sync.source import SyncSource
from echotune.sync.tables import TABLES, Row, Table

Tables = dict[str, set[Row]]
"""Rows by table."""


def expected_rows(store: HistoryStore) -> Tables:
    """What the documents come to, without the placeholders of those who are only referred to."""
    source = SyncSource(store)
    return {table.name: comparable(rows_of_documents(table, source)) for table in TABLES}


def synced_rows(connection: Connection[Any], *, placeholders: bool = False) -> Tables:
    """What PostgreSQL has, in the columns that the sync writes."""
    return {table.name: comparable(select_rows(connection, table, placeholders)) for table in TABLES}


def rows_of_documents(table: Table, source: SyncSource) -> Iterable[Row]:
    columns = len(table.columns)
    return (row[:columns] for document in source.all_documents(table) for row in table.rows(document))


def select_rows(connection: Connection[Any], table: Table, placeholders: bool) -> Iterable[Row]:
    every = sql.SQL("select {} from {}")
    known = sql.SQL("select {} from {} where not placeholder")
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    statement = known if table.has_placeholders and not placeholders else every
    return connection.execute(statement.format(columns, sql.Identifier("public", table.name))).fetchall()


def comparable(rows: Iterable[Row]) -> set[Row]:
    """Rows that can be members of a set."""
    return {tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows}
