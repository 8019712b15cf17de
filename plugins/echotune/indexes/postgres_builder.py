"""Making an index while applications read and write its table. What was broken off is taken up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from echotune.indexes.postgres import PostgresIndex
from echotune.indexes.postgres_plan import REPLACEMENT
from echotune.indexes.postgres_session import MaintenanceSession
from echotune.indexes.postgres_state import LiveIndex, normal_words, read_indexes, words_of
from echotune.resources import read_sql

LONGEST_NAME = 63


class IndexBuilder:
    """Makes declared indexes, on ordinary and on partitioned tables."""

    def __init__(self, session: MaintenanceSession) -> None:
        self._session = session

    def create(self, index: PostgresIndex, *, name: str = "") -> None:
        """Make an index under its own or another name."""
        partitions = self._partitions(index)
        if partitions is None:
            self._create_on_table(index, name or index.name)
        else:
            self._create_on_partitions(index, name or index.name, partitions)

    def rebuild(self, index: PostgresIndex) -> None:
        """Make an index anew and let it take the place of the old one, so that there is one at every moment."""
        replacement = f"{index.name}{REPLACEMENT}"
        self.create(index, name=replacement)
        old = sql.Identifier(index.schema, index.name)
        new = sql.Identifier(index.schema, replacement)
        swap = [
            sql.SQL("drop index {}").format(old),
            sql.SQL("alter index {} rename to {}").format(new, sql.Identifier(index.name)),
        ]
        self._session.briefly(swap)

    def drop(self, schema: str, name: str) -> None:
        """Drop an index that is of no use."""
        live = self._live().get((schema, name))
        if live is None:
            return
        statement = sql.SQL("drop index {}").format(sql.Identifier(schema, name))
        if live.partitioned:
            self._session.briefly([statement])
        else:
            self._session.concurrently(_drop(schema, name))

    def _create_on_table(self, index: PostgresIndex, name: str) -> None:
        live = self._live().get((index.schema, name))
        if live and not (live.valid and self._is_declared(live, index)):
            self._session.concurrently(_drop(index.schema, name))
        elif live:
            return
        self._build(index, index.schema, index.table, name)

    def _create_on_partitions(self, index: PostgresIndex, name: str, partitions: list[tuple[str, str]]) -> None:
        live = self._live().get((index.schema, name))
        if live and not self._is_declared(live, index):
            self._session.briefly([sql.SQL("drop index {}").format(sql.Identifier(index.schema, name))])
        parts = [(schema, self._part(index, schema, table, name)) for schema, table in partitions]
        if (index.schema, name) not in self._live():
            only = sql.SQL("only {}").format(sql.Identifier(index.schema, index.table))
            self._session.briefly([index.on(only, name=name)])
        for schema, part in parts:
            self._attach(index, name, schema, part)

    def _part(self, index: PostgresIndex, schema: str, table: str, parent: str) -> str:
        """The index of one partition: one that is there already and free, or a new one."""
        live = self._live()
        for found in live.values():
            same_table = (found.schema, found.table_name) == (schema, table)
            if same_table and found.valid and found.parent in (None, parent) and self._is_declared(found, index):
                return found.name
        name = next(name for name in _names(f"{table}_{index.name}") if (schema, name) not in live)
        self._build(index, schema, table, name)
        return name

    def _build(self, index: PostgresIndex, schema: str, table: str, name: str) -> None:
        statement = index.on(sql.Identifier(schema, table), name=name, concurrently=True)
        self._session.concurrently(statement, after_failure=_drop(schema, name))

    def _attach(self, index: PostgresIndex, parent: str, schema: str, part: str) -> None:
        if self._live()[schema, part].parent == parent:
            return
        attach = sql.SQL("alter index {} attach partition {}")
        self._session.briefly([attach.format(sql.Identifier(index.schema, parent), sql.Identifier(schema, part))])

    def _is_declared(self, live: LiveIndex, index: PostgresIndex) -> bool:
        if live.words == words_of(index.statement):
            return True
        return live.words == normal_words(self._session.connection, index)

    def _live(self) -> dict[tuple[str, str], LiveIndex]:
        return {(live.schema, live.name): live for live in read_indexes(self._session.connection)}

    def _partitions(self, index: PostgresIndex) -> list[tuple[str, str]] | None:
        """The partitions of the index's table, or None where it is not partitioned."""
        connection: Any = self._session.connection
        kind = connection.execute(
            read_sql("indexes/is_partitioned.sql"), {"table_name": f"{index.schema}.{index.table}"}
        ).fetchone()
        if not kind or not kind[0]:
            return None
        rows = connection.execute(read_sql("indexes/partitions.sql"), {"table_name": f"{index.schema}.{index.table}"})
        return [(schema, name) for schema, name in rows.fetchall()]


def _drop(schema: str, name: str) -> sql.Composed:
    return sql.SQL("drop index concurrently if exists {}").format(sql.Identifier(schema, name))


def _names(wanted: str) -> Iterator[str]:
    """A name as PostgreSQL takes it, then others like it."""
    yield wanted[:LONGEST_NAME]
    number = 2
    while True:
        end = f"_{number}"
        yield f"{wanted[: LONGEST_NAME - len(end)]}{end}"
        number += 1
