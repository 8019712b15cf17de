"""Whatever is in a CSV: each of its rows becomes just the play it tells, or is rejected with its number and reason."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from echotune.history.columns import COLUMNS
from echotune.history.document import cells_of
from echotune.history.source import HistoryFile
from local.sample import HEADER
from tests.fuzzing.cases import in_time, part_of_cases
from tests.fuzzing.damage import damaged
from tests.fuzzing.reading import MemoryPath, Outcome, read_history
from tests.support.cells import BOOLEANS, DECIMALS, IDENTIFYING, INSTANTS, SIGNED, WHOLE, WORDS_FOR_NOTHING, cells
from tests.support.rows import row

COLUMNS_BY_NAME = {column.name: column for column in COLUMNS}

NUMBERS = WHOLE | SIGNED | DECIMALS
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
USUAL_INSTANT = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)\+00:00", re.ASCII)
IDENTIFYING_TEXTS = [HEADER.index(name) for name in IDENTIFYING if name not in INSTANTS | NUMBERS | BOOLEANS]

STRANGE_CELLS = st.sampled_from(
    [
        *WORDS_FOR_NOTHING,
        *("", '"', '""', "a,b", "a\nb", "a\r\nb", "a\rb", "\r", "\n", "\t", "\0", "a\0b", "\\", "\\,", ",", ", ,", "'"),
        *("=cmd|' /C calc'!A0", "+1+1", "-1", "@SUM(A1)", "$where", "a.b", "{}", "[1]", "<b>", "%s", "{0}"),
        *("\ufdd0", "\ufdd0\r", "\ufdd1", "\ufeff", "\ufffe", "\x1a", "\u2028", "\x85", "\x0b", "\x1e", "é", "e\u0301"),
        *("😀", "👩‍👩‍👧", "\u202e", "ﬁ", "Ⅷ", "²", "１２", "٣", "𝟗", "१.५"),
        *("3.0", "3.00", "007", "-0", "-0.0", "1e3", "1e400", "1e-400", "1_000", "1_0.5", "0x1F", "1,5", "1.0.0", ".0"),
        *("inf", "-inf", "Infinity", "NaN", "9" * 19, "9" * 5000, f"{2**63}", f"{2**63 - 1}.0", "0.1" + "0" * 30 + "1"),
        *("0001-01-01 00:00:00+00:00", "9999-12-31 23:59:59.999999+00:00", "9999-12-31 23:59:59-00:01", "NaT"),
        *("2017-04-04", "20170404T063204", "2017-W14-2", "2017-04-04T06:32:04.1234567Z", "2017-04-04 06:32:04+25:00"),
        *("2017-04-04 06:32:04+00:00:30", "2016-12-31 23:59:60+00:00", "1491287524", "2017-04-04 24:00:00+00:00"),
        *("true", "TRUE", "tRue", "1", "yes", "x" * 131_072, "x" * 131_073, "," * 1000, "\\," * 1000, "é" * 70_000),
    ]
)
CHANGES = st.dictionaries(st.sampled_from(HEADER), STRANGE_CELLS | st.text(max_size=8), max_size=4)
LEGAL = st.sampled_from(HEADER).flatmap(lambda name: st.tuples(st.just(name), cells(name)))
ROWS = st.lists(st.tuples(st.lists(LEGAL, max_size=3).map(dict), CHANGES), min_size=1, max_size=4)
ORDERS = (HEADER, *(tuple(Random(seed).sample(HEADER, len(HEADER))) for seed in range(20)))
QUOTINGS = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
NAMES = st.sampled_from(HEADER) | st.sampled_from(
    ["", "ts", " ts_x", "TS_X", "Energy ", "\ufeffusername", "é", "a\rb", "\0"]
)


def written(
    rows: Sequence[Sequence[str]], header: Sequence[str], line_end: str, quoting: Any = csv.QUOTE_MINIMAL
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)
    writer.writerow(header)
    writer.writerows([[given[HEADER.index(name)] for name in header] for given in rows])
    return text.getvalue().encode()


def read(content: bytes, **options: Any) -> Outcome:
    return read_history(HistoryFile(path=MemoryPath("history.csv", content)), **options)


def require_told(play: Mapping[str, Any], expected: Sequence[str]) -> None:
    """Every cell can be told again, and each number and time is the one that is written there."""
    assert cells_of(play) == list(expected)
    for name, cell in zip(HEADER, expected, strict=True):
        if name in NUMBERS and cell:
            assert NUMBER.fullmatch(cell.strip()), f"{cell!r} is no number"
            value, told = value_at(play, COLUMNS_BY_NAME[name].path), Decimal(cell.strip())
            assert value == (float(told) if name in DECIMALS else told)
        if name in INSTANTS and (match := USUAL_INSTANT.fullmatch(cell)):
            assert value_at(play, COLUMNS_BY_NAME[name].path) == datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]


def value_at(play: Mapping[str, Any], path: str) -> Any:
    found: Any = play
    for part in path.split("."):
        found = found[part]
    return found


def require_repeats(outcome: Outcome, rows: Mapping[int, Sequence[str]]) -> None:
    """A row that is neither a document nor rejected says the same as an earlier one, as far as that is text."""
    seen = {tuple(rows[number][index] for index in IDENTIFYING_TEXTS) for number in outcome.plays}
    repeats = rows.keys() - outcome.plays.keys() - outcome.rejected.keys()
    assert [number for number in repeats if tuple(rows[number][i] for i in IDENTIFYING_TEXTS) not in seen] == []


@part_of_cases(0.4)
@given(
    ROWS,
    st.integers(0, 20),
    st.sampled_from(["\n", "\r\n"]),
    QUOTINGS,
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 2, 99]),
)
@in_time
def test_a_row_becomes_its_play_or_is_rejected_for_a_cell_that_is_strange(
    drawn: list[tuple[dict[str, str], dict[str, str]]],
    order: int,
    line_end: str,
    quoting: Any,
    marked: bool,
    packed: bool,
    chunk_rows: int,
) -> None:
    rows = {number: row(legal | strange) for number, (legal, strange) in enumerate(drawn, start=1)}
    # Where it is not quoted, a carriage return at a line's end is the line's, whoever reads it.
    assume(not any(cells[HEADER.index(ORDERS[order][-1])].endswith("\r") for cells in rows.values()))
    content = written(list(rows.values()), ORDERS[order], line_end, quoting)
    content = b"\xef\xbb\xbf" * marked + content
    outcome = read(gzip.compress(content, 1) if packed else content, chunk_rows=chunk_rows)
    assert outcome.problem == ""
    if any(len(cell) > csv.field_size_limit() for cells in rows.values() for cell in cells):
        # It bounds how far a quote that is never closed can reach, so behind it each line counts as a row.
        assert len(outcome.records) >= len(rows)
        return
    assert len(outcome.records) == len(rows)
    for number, play in outcome.plays.items():
        require_told(play, rows[number])
    for number, rejected in outcome.rejected.items():
        assert rejected.column in drawn[number - 1][1], f"{rejected} is not for a cell that is strange"
    require_repeats(outcome, rows)


LINES = st.lists(CHANGES.map(row), min_size=2, max_size=4)


@part_of_cases(0.4)
@given(st.data(), LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
@in_time
def test_a_file_with_damage_gives_no_row_that_is_not_in_it(
    data: st.DataObject, rows: list[list[str]], line_end: str, is_header_safe: bool
) -> None:
    content = written(rows, HEADER, line_end)
    start = content.index(b"\n") + 1 if is_header_safe else 0
    content = content[:start] + data.draw(damaged(content[start:]))
    outcome = read(content)
    if outcome.problem:
        return
    for number, play in outcome.plays.items():
        require_told(play, independent_cells(outcome.records[number].raw))
    assert told(read(content, chunk_rows=1)) == told(outcome)
    if is_header_safe and (whole := python_reads(content)) is not None:
        assert len(whole) == len(outcome.records)
        for number, play in outcome.plays.items():
            require_told(play, whole[number - 1])


def told(outcome: Outcome) -> Any:
    """All but the words of the reason, which may say what stands behind the row: another chunk does not see that."""
    plays = {number: cells_of(play) for number, play in outcome.plays.items()}
    return plays, {number: (one.column, one.raw) for number, one in outcome.rejected.items()}


FIELD = re.compile(r'(?:"((?:[^"]|"")*)"|([^",][^,]*|))(,|\r?\n?\Z)')
"""A cell as RFC 4180 has it; behind a first letter that is no quote, quotes are text."""


def independent_cells(raw: bytes) -> list[str]:
    text, found, place = raw.decode(), [], 0
    body = text.removesuffix("\n").removesuffix("\r")
    while True:
        match = FIELD.match(body, place)
        assert match, f"no cell of RFC 4180 at {place}"
        found.append(match[1].replace('""', '"') if match[1] is not None else match[2])
        place = match.end()
        if match[3] != ",":
            return found


def python_reads(content: bytes) -> list[list[str]] | None:
    """The rows as Python's csv module reads them; None where it cannot, or means something else by a line."""
    try:
        text = content.decode()
        rows = [cells for cells in csv.reader(io.StringIO(text, newline=""), strict=True) if cells][1:]
    except (UnicodeDecodeError, csv.Error):
        return None
    has_other_line_ends = "\r" in text.replace("\r\n", "")
    has_broken_rows = any(len(cells) != len(HEADER) for cells in rows)
    return None if has_other_line_ends or has_broken_rows else rows


@part_of_cases(0.1)
@given(st.binary(max_size=400), st.integers(0, 4), st.integers(0, 2))
@in_time
def test_a_line_that_is_no_row_costs_no_other(garbage: bytes, place: int, repeats: int) -> None:
    line = garbage.replace(b'"', b"'").replace(b"\n", b" ").replace(b"\r", b" ")
    assume(line.strip(b"\r\n") and line.count(b",") < len(HEADER) - 1)
    rows = [row(ms_played_x=str(number)) for number in range(4)]
    lines = written(rows, HEADER, "\n").splitlines(keepends=True)
    lines[1 + place : 1 + place] = [line + b"\n"] * (repeats + 1)
    outcome = read(b"".join(lines))
    assert [cells_of(play) for play in outcome.plays.values()] == rows
    assert sorted(outcome.rejected) == list(range(place + 1, place + repeats + 2))


@part_of_cases(0.1)
@given(st.lists(st.tuples(st.integers(0, 57), NAMES | st.none()), max_size=4), st.sampled_from([",", ";", "\t"]))
@in_time
def test_a_header_that_is_not_the_57_columns_is_refused(changes: list[tuple[int, str | None]], delimiter: str) -> None:
    names = list(HEADER)
    for place, name in changes:
        names[place : place + 1] = [] if name is None else [name]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", delimiter=delimiter).writerow(names)
    content = text.getvalue().encode() + written([row()], HEADER, "\n").split(b"\n", 1)[1]
    outcome = read(content)
    assert (outcome.problem == "") == (sorted(names) == sorted(HEADER) and delimiter == ",")
