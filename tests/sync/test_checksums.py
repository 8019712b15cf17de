"""A row's checksum: the same wherever it is computed, another one for another row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg import Connection, sql

from echotune.sync.checksums import checksum_expression, row_checksum
from echotune.sync.staging import stage
from echotune.sync.tables import TABLES, Column, ColumnType, Row, Table, table_named

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=300)
VALUES: dict[ColumnType, st.SearchStrategy[Any]] = {
    ColumnType.UUID: st.uuids(),
    ColumnType.TEXT: texts,
    ColumnType.SMALLINT: st.integers(-(1 << 15), (1 << 15) - 1),
    ColumnType.INTEGER: st.integers(-(1 << 31), (1 << 31) - 1),
    ColumnType.BIGINT: st.integers(-(1 << 63), (1 << 63) - 1),
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.TIMESTAMP: st.datetimes(timezones=st.just(UTC)),
    ColumnType.DATE: st.dates(),
    ColumnType.NUMBER: st.floats(allow_nan=False) | st.just(-0.0),
    ColumnType.TEXTS: st.lists(texts, max_size=4),
}
TRIAL = replace(
    table_named("artists"), columns=tuple(Column(name=type_.name.lower(), type=type_) for type_ in ColumnType), key=()
)
"""A table with a column of each type."""

LARGEST: Row = (
    UUID(int=(1 << 128) - 1),
    "\x01\x1f\x7f\u2028 '\\\" 🎧",
    (1 << 15) - 1,
    (1 << 31) - 1,
    (1 << 63) - 1,
    True,
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    date(9999, 12, 31),
    1.7976931348623157e308,
    ["", "a,b", "{}", '"', "NULL", "\x1e"],
)
SMALLEST: Row = (
    UUID(int=0),
    "",
    -(1 << 15),
    -(1 << 31),
    -(1 << 63),
    False,
    datetime(1, 1, 1, tzinfo=UTC),
    date(1, 1, 1),
    -0.0,
    [],
)


def rows_for(table: Table) -> st.SearchStrategy[list[Row]]:
    """Rows of any values, null among them."""
    values = [st.none() | VALUES[column.type] for column in table.columns]
    return st.lists(st.tuples(*values), min_size=1, max_size=5)


def checksums_in_postgresql(connection: Connection[Any], table: Table, rows: Sequence[Row]) -> list[int]:
    statement = sql.SQL("select {} from pg_temp.staged as found order by ctid").format(
        checksum_expression(table.columns)
    )
    with connection.transaction():
        stage(connection, replace(table, staged_only=()), rows)
        return [checksum for (checksum,) in connection.execute(statement).fetchall()]


def test_postgresql_computes_the_same_checksum_of_any_values(supabase: Connection[Any]) -> None:
    checksum = row_checksum(TRIAL.columns)

    @given(rows_for(TRIAL))
    def same_on_both_sides(rows: list[Row]) -> None:
        assert checksums_in_postgresql(supabase, TRIAL, rows) == [checksum(row) for row in rows]

    same_on_both_sides()


def test_postgresql_computes_the_same_checksum_of_the_rows_of_every_table(supabase: Connection[Any]) -> None:
    @settings(max_examples=10)
    @given(st.tuples(*map(rows_for, TABLES)))
    def same_on_both_sides(rows_of_tables: Sequence[list[Row]]) -> None:
        for table, rows in zip(TABLES, rows_of_tables, strict=True):
            checksum = row_checksum(table.columns)
            assert checksums_in_postgresql(supabase, table, rows) == [checksum(row) for row in rows]

    same_on_both_sides()


@pytest.mark.parametrize("row", [LARGEST, SMALLEST, (None,) * len(SMALLEST)], ids=["largest", "smallest", "nulls"])
def test_the_bounds_of_every_type_are_the_same_on_both_sides(supabase: Connection[Any], row: Row) -> None:
    assert checksums_in_postgresql(supabase, TRIAL, [row]) == [row_checksum(TRIAL.columns)(row)]


@given(first=rows_for(TRIAL), second=rows_for(TRIAL))
@example(first=[SMALLEST], second=[(*SMALLEST[:1], None, *SMALLEST[2:])])
@example(first=[LARGEST], second=[(*LARGEST[:-1], [",".join(LARGEST[-1])])])
def test_other_rows_have_other_checksums(first: list[Row], second: list[Row]) -> None:
    checksum = row_checksum(TRIAL.columns)
    assert [checksum(one) == checksum(other) for one, other in zip(first, second, strict=False)] == [
        one == other for one, other in zip(first, second, strict=False)
    ]


def test_a_text_is_not_taken_for_one_that_is_split_between_columns() -> None:
    two = (Column(name="a", type=ColumnType.TEXT), Column(name="b", type=ColumnType.TEXT))
    rows = [("x\x1f", "y"), ("x", "\x1fy"), ("x\x1fy", ""), ("x\x1fy", None), (None, "x\x1fy"), ("", "x\x1fy")]
    assert len({row_checksum(two)(row) for row in rows}) == len(rows)


def test_minus_zero_is_zero_as_it_is_to_postgresql(supabase: Connection[Any]) -> None:
    number = replace(TRIAL, columns=(Column(name="number", type=ColumnType.NUMBER),))
    first, second = checksums_in_postgresql(supabase, number, [(0.0,), (-0.0,)])
    assert first == second == row_checksum(number.columns)((-0.0,))


def test_values_that_only_tell_of_placeholders_do_not_count() -> None:
    columns = (Column(name="a", type=ColumnType.TEXT),)
    assert row_checksum(columns)(("x", "of another table")) == row_checksum(columns)(("x",))
