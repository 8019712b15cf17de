"""What PostgreSQL says of its indexes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import dict_row

from echotune.indexes.postgres import PostgresIndex
from echotune.indexes.settings import MaintenanceSettings
from echotune.resources import read_sql

MEBIBYTE = 1 << 20
BTREE = "btree"
WORDS_OF_THEIR_OWN = re.compile(r"[(),]|[^\s(),]+")


@dataclass(frozen=True, kw_only=True)
class LiveIndex:
    """An index as PostgreSQL has it.

    :param partitioned: whether it stands for one index on each partition
    :param parent: the partitioned index that this one is a part of
    :param valid: whether queries use it; one on which building was broken off is not
    :param of_constraint: whether a key or a constraint rests on it
    :param table_is_worked_on: whether another session builds an index of the table, or vacuums it
    :param plain: whether its keys are columns and it has all rows
    :param keys: what tells its key columns from others, in order
    :param scans: how often queries used it since this is counted
    """

    schema: str
    table_name: str
    name: str
    partitioned: bool = False
    parent: str | None = None
    valid: bool = True
    is_unique: bool = False
    of_constraint: bool = False
    table_is_worked_on: bool = False
    method: str = BTREE
    definition: str
    plain: bool = True
    keys: Sequence[str] = ()
    size_bytes: int = 0
    scans: int = 0

    @property
    def words(self) -> list[str]:
        """What is indexed, and how, in comparable words."""
        return words_of(self.definition)


@dataclass(frozen=True, kw_only=True)
class StaleStatistics:
    """A table of which the planner knows too little.

    :param changed: rows that changed since it looked
    """

    schema: str
    table_name: str
    never: bool
    changed: int


@dataclass(frozen=True, kw_only=True)
class PostgresState:
    """What a plan is made of.

    :param different: names of declared indexes that PostgreSQL has in another form
    :param bloat: the share of an index that is wasted, by its name, of those that are large enough
    :param stale: tables to analyze
    :param missing_years: of this year and the next, those without a partition of the plays
    :param observed_days: for how long the use of indexes has been counted
    """

    indexes: Sequence[LiveIndex]
    different: frozenset[str] = frozenset()
    bloat: Mapping[str, float] = field(default_factory=dict)
    stale: Sequence[StaleStatistics] = ()
    missing_years: Sequence[int] = ()
    observed_days: int = 0


def read_state(
    connection: Connection[Any], declared: Sequence[PostgresIndex], settings: MaintenanceSettings
) -> PostgresState:
    """Look at the database; nothing is written unless a declared index seems to be different."""
    indexes = read_indexes(connection)
    stale = _rows(connection, "indexes/stale_statistics.sql")
    years = _rows(connection, "indexes/missing_partitions.sql")
    observed = connection.execute(read_sql("indexes/observed_days.sql")).fetchone()
    return PostgresState(
        indexes=indexes,
        different=frozenset(_different(connection, declared, indexes)),
        bloat=_bloat(connection, indexes, settings),
        stale=[StaleStatistics(**row) for row in stale],
        missing_years=[next(iter(row.values())) for row in years],
        observed_days=(observed and observed[0]) or 0,
    )


def read_indexes(connection: Connection[Any]) -> list[LiveIndex]:
    """Every index of the platform's tables."""
    return [LiveIndex(**row) for row in _rows(connection, "indexes/live.sql")]


def words_of(definition: str) -> list[str]:
    """What an index is on, without its name, its table and what is said either way."""
    _, _, what = definition.rstrip("; \n").lower().partition(" on ")
    words = WORDS_OF_THEIR_OWN.findall(what)[1:]
    if words and words[0].startswith("public."):
        words = words[1:]
    if words[:2] == ["using", BTREE]:
        words = words[2:]
    return [word for word in words if word not in "()"] if "where" in words else words


def normal_words(connection: Connection[Any], index: PostgresIndex) -> list[str]:
    """A declaration in PostgreSQL's own words, by making it on an empty table that is gone at once."""
    with connection.transaction(force_rollback=True):
        like = sql.SQL("create temporary table declared (like {})").format(sql.Identifier(index.schema, index.table))
        connection.execute(like)
        connection.execute(index.on(sql.SQL("pg_temp.declared"), name=index.name))
        row = connection.execute("select pg_get_indexdef(to_regclass(%s))", [f"pg_temp.{index.name}"]).fetchone()
    return words_of(row[0]) if row else []


def _different(
    connection: Connection[Any], declared: Sequence[PostgresIndex], indexes: Sequence[LiveIndex]
) -> list[str]:
    live = {(index.schema, index.name): index for index in indexes}
    found = []
    for index in declared:
        present = live.get((index.schema, index.name))
        if present is None or (present.table_name == index.table and present.words == words_of(index.statement)):
            continue
        if present.table_name != index.table or normal_words(connection, index) != present.words:
            found.append(index.name)
    return found


def _bloat(
    connection: Connection[Any], indexes: Sequence[LiveIndex], settings: MaintenanceSettings
) -> dict[str, float]:
    large = [
        index
        for index in indexes
        if index.valid and index.method == BTREE and index.size_bytes >= settings.reindex_above_mebibytes * MEBIBYTE
    ]
    if not large:
        return {}
    meter = connection.execute(read_sql("indexes/bloat_meter.sql")).fetchone()
    statement = (
        sql.SQL(read_sql("indexes/measured_bloat.sql")).format(schema=sql.Identifier(meter[0]))
        if meter
        else sql.SQL(read_sql("indexes/estimated_bloat.sql"))
    )
    shares = {}
    for index in large:
        name = sql.Identifier(index.schema, index.name).as_string(connection)
        row = connection.execute(statement, {"index_name": name}).fetchone()
        if row and row[0] is not None:
            shares[index.name] = float(row[0])
    return shares


def _rows(connection: Connection[Any], file: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(read_sql(file)).fetchall()
