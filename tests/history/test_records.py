"""Records: the rows of a file, however they are written."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.history.errors import CellError
from echotune.history.records import LONGEST_CELL, LONGEST_ROW, Record, read_cells, split_records
from local.sample import HEADER
from tests.support.cells import hard_rows
from tests.support.rows import csv_text, row

ROWS = st.lists(hard_rows(), max_size=6)
LINE_ENDS = st.sampled_from(["\n", "\r\n"])


def lines_of(content: str | bytes) -> list[bytes]:
    """Physical lines, as a binary file gives them."""
    return io.BytesIO(content.encode() if isinstance(content, str) else content).readlines()


def body(rows: list[list[str]], line_end: str = "\n") -> str:
    """The rows as csv.writer writes them, without a header."""
    return csv_text(rows, line_end=line_end).removeprefix(",".join(HEADER) + line_end)


def cells_or_reason(record: Record) -> list[str] | str:
    try:
        return read_cells(record)
    except CellError as error:
        return error.reason


def read(content: str | bytes) -> list[list[str] | str]:
    """The cells of each good row, the reason of each bad one."""
    return [cells_or_reason(record) for record in split_records(lines_of(content)) if not record.is_blank]


@given(ROWS, LINE_ENDS)
def test_rows_are_read_as_they_were_written(rows: list[list[str]], line_end: str) -> None:
    assert read(body(rows, line_end)) == rows


@given(ROWS, LINE_ENDS)
def test_rows_are_read_as_python_reads_them(rows: list[list[str]], line_end: str) -> None:
    text = body(rows, line_end)
    assert read(text) == list(csv.reader(io.StringIO(text, newline="")))


@given(ROWS.filter(bool), LINE_ENDS)
def test_a_last_line_without_an_end_is_a_row(rows: list[list[str]], line_end: str) -> None:
    assert read(body(rows, line_end).removesuffix(line_end)) == rows


@given(st.integers(0, 3), LINE_ENDS)
def test_blank_lines_are_no_rows(blanks: int, line_end: str) -> None:
    text = line_end * blanks + body([row()], line_end) + line_end * blanks + body([row()], line_end)
    assert read(text) == [row(), row()]


@given(st.binary(max_size=200))
def test_records_together_are_all_the_bytes(content: bytes) -> None:
    assert b"".join(record.raw for record in split_records(lines_of(content))) == content


@given(st.lists(st.text(st.sampled_from('a,"\n\r\0é'), max_size=120), max_size=5))
def test_no_bytes_stop_the_reading(parts: list[str]) -> None:
    assert all(isinstance(found, str) or len(found) == 57 for found in read("".join(parts)))


@pytest.mark.parametrize(
    "stray",
    ['"', 'a"b', '"a"b', '"a\nb', '"a,', '""a'],
    ids=["unclosed", "inside", "closed early", "unclosed over lines", "unclosed over cells", "doubled"],
)
def test_a_stray_quote_loses_no_other_row(stray: str) -> None:
    broken = ",".join(row(platform="HERE")).replace("HERE", stray)
    found = read(f"{body([row(reason_start='before')])}{broken}\n{body([row(reason_start='after')] * 3)}")
    assert found[0] == row(reason_start="before")
    assert found[-3:] == [row(reason_start="after")] * 3


def test_a_quote_that_closes_in_a_later_row_costs_its_own_line_only() -> None:
    opened = ",".join(row(platform="X")).replace("X", '"X')
    closed = ",".join(row(platform="X")).replace("X", 'X"')
    found = read(f"{opened}\n{body([row()])}{closed}\n{body([row()])}")
    assert [found[1], found[3]] == [row(), row()]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a,b", "has 2 cells, not 57"),
        (",".join(row(platform="web")[:56]).replace("Bohemian", '"Bohemian"'), "has 56 cells, not 57"),
        (",".join(["x", *row(platform="web")]), "has 58 cells, not 57"),
        ('"a', "is not CSV: unexpected end of data"),
        ('"a"b,c', "is not CSV: ',' expected after '\"'"),
    ],
)
def test_a_broken_row_has_a_reason(text: str, reason: str) -> None:
    with pytest.raises(CellError, match=reason) as caught:
        read_cells(next(split_records(lines_of(text))))
    assert caught.value.column == ""


def test_bytes_that_are_not_utf8_cost_their_row_only() -> None:
    content = body([row(), row(Label="é"), row()]).encode().replace("é".encode(), b"\xe9")
    first, second, third = read(content)
    assert (first, third) == (row(), row())
    assert str(second).startswith("is not UTF-8 at byte ")


@pytest.mark.parametrize("quoted", ["", '"'], ids=["plain", "quoted"])
def test_a_nul_character_names_its_column(quoted: str) -> None:
    cells = row(platform="plain", reason_start="HERE")
    line = ",".join(cells).replace("HERE", f"{quoted}a\0b{quoted}")
    with pytest.raises(CellError) as caught:
        read_cells(next(split_records(lines_of(line))))
    assert (caught.value.column, caught.value.reason) == ("reason_start", "holds a NUL character")


def test_an_endless_cell_names_its_column() -> None:
    with pytest.raises(CellError) as caught:
        read_cells(next(split_records(lines_of(",".join(row(platform="x" * 10_000_000))))))
    assert (caught.value.column, caught.value.reason) == ("platform", "is longer than 131,072 characters")


def test_an_endless_quoted_cell_costs_its_row_only() -> None:
    found = read(body([row(platform="x, " * 4_000_000), row()]))
    assert isinstance(found[0], str)
    assert found[1:] == [row()]


def test_an_endless_row_is_told_as_one_where_no_cell_is_endless() -> None:
    cells = ["x" * LONGEST_CELL] * (LONGEST_ROW // LONGEST_CELL)
    broken = [*cells, *row()[len(cells) :]]
    found = read(",".join(broken) + "\n" + body([row()]))
    assert found == [f"is longer than {LONGEST_ROW:,} bytes", row()]


def test_a_column_is_named_by_the_order_of_the_file() -> None:
    columns = list(reversed(HEADER))
    line = ",".join(reversed(row(platform="a\0b")))
    with pytest.raises(CellError) as caught:
        read_cells(next(split_records(lines_of(line))), columns)
    assert caught.value.column == "platform"


def test_a_carriage_return_in_quotes_is_kept() -> None:
    line = ",".join(row(platform="HERE")).replace("HERE", '"old\rmac"')
    assert read(line) == [row(platform="old\rmac")]


@pytest.mark.parametrize("cell", ["\ufdd0", "\ufdd00", "\ufdd0\r", "\r\ufdd01", "\ufdd0\n\r"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_code_point_that_is_no_character_is_kept(cell: str, line_end: str) -> None:
    line = ",".join(row(platform="HERE", Label="old\rmac")).replace("HERE", f'"{cell}"')
    assert read(line.replace("old\rmac", '"old\rmac"') + line_end) == [row(platform=cell, Label="old\rmac")]
    assert read(line.replace("old\rmac", "") + line_end) == [row(platform=cell)]


def test_a_carriage_return_outside_quotes_has_one_fate_whatever_else_is_quoted() -> None:
    plain = ",".join(row(platform="old\rmac"))
    quoted = plain.replace("Bohemian", '"Bohemian"')
    assert [isinstance(found, str) for found in read(plain)] == [isinstance(found, str) for found in read(quoted)]
