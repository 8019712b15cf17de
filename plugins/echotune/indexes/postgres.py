"""PostgreSQL's indexes: the declaration, and which of it a database lacks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, LiteralString, cast

from psycopg import Connection, sql

from echotune.resources import read_sql

DECLARED = "indexes/declared.sql"
DECLARATION = re.compile(
    r"^-- serves: (?P<serves>[^\n]+)\n"
    r"(?P<statement>create index (?P<name>\w+) on (?P<schema>\w+)\.(?P<table>\w+) [^;]+);$",
    re.MULTILINE,
)


@dataclass(frozen=True, kw_only=True)
class PostgresIndex:
    """A declared index.

    :param statement: what makes it, and locks out writers of its table meanwhile
    :param serves: the query it is there for
    """

    schema: str
    table: str
    name: str
    statement: LiteralString
    serves: str

    def on(self, table: sql.Composable, *, name: str, concurrently: bool = False) -> sql.Composed:
        """The statement that makes it under a name on a table."""
        verb = sql.SQL("create index concurrently" if concurrently else "create index")
        _, _, what = self.statement.partition(f" on {self.schema}.{self.table} ")
        return sql.SQL("{} {} on {} ").format(verb, sql.Identifier(name), table) + sql.SQL(what)


def declared_indexes() -> list[PostgresIndex]:
    """Read include/sql/indexes/declared.sql."""
    found = [match.groupdict() for match in DECLARATION.finditer(read_sql(DECLARED))]
    return [PostgresIndex(**cast(dict[str, Any], declaration)) for declaration in found]


def missing_indexes(connection: Connection[Any]) -> list[PostgresIndex]:
    """The declared indexes that the database has under no such name."""
    rows = connection.execute(read_sql("indexes/present.sql")).fetchall()
    present = {(schema, name) for schema, name in rows}
    return [index for index in declared_indexes() if (index.schema, index.name) not in present]
