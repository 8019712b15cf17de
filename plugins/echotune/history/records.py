"""Bytes of a CSV to records (RFC 4180), each good one to its cells, each bad one to its reason.

Planning and loading cut the file with the same code, so they agree on every row number.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from echotune.history.columns import HEADER
from echotune.history.errors import CellError

WIDTH = len(HEADER)
LONGEST_ROW = 4 * 2**20
"""Bytes. A MongoDB document may have 16 MiB, and a list of short texts takes 13 times the room in it."""
LONGEST_CELL = csv.field_size_limit()
"""Characters. It also bounds how far a quote that is never closed can reach."""


MASK = "\ufdd0"
"""A code point that Unicode reserves for uses inside a program. A text that has it all the same keeps it."""
MASK_BYTES = MASK.encode()
MASKED_MASK = MASK + "0"
MASKED_RETURN = MASK + "1"


class Record(NamedTuple):
    """One record of the file: its bytes, and its cells (CSV), its fields (JSON) or what is wrong with it.

    All are None for a record of a CSV without a quote: to split at the commas is all it takes.
    A blank line has an empty list of cells: it is no row, but its bytes count.
    """

    raw: bytes
    cells: list[str] | None = None
    problem: str | None = None
    fields: dict[str, Any] | None = None

    @property
    def is_blank(self) -> bool:
        """Whether it is no row: a line with nothing in it."""
        return self.cells == []


class Lines:
    """Physical lines that can be put back to be read again."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._put_back: list[bytes] = []

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._put_back.pop() if self._put_back else next(self._lines)

    def put_back(self, lines: list[bytes]) -> None:
        """Have these lines read next, in this order."""
        self._put_back.extend(reversed(lines))


def split_records(lines: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records of the physical lines below a header, blank lines among them: together, all the bytes.

    A record that spans lines and turns out bad (a quote opened and never closed, or closed some cells later) costs
    its first line only: reading goes on at its second line, so that one stray quote loses no other row.
    """
    remaining = Lines(lines)
    for line in remaining:
        if b'"' in line:
            yield _quoted_record(line, remaining)
        elif line.strip(b"\r\n"):
            yield Record(line)
        else:
            yield Record(line, cells=[])


def _quoted_record(line: bytes, remaining: Lines) -> Record:
    try:
        return Record(line, _unmasked(line, _split((_text(line),))))
    except UnicodeDecodeError as error:
        return Record(line, problem=_not_utf8(error))
    except csv.Error:
        return _record_over_lines(line, remaining)


def _split(lines: Iterable[str]) -> list[str]:
    """Split one record, as ``_text`` gives its lines."""
    return next(csv.reader(lines, strict=True))


def _unmasked(raw: bytes, cells: list[str]) -> list[str]:
    if b"\r" not in raw and MASK_BYTES not in raw:
        return cells
    return [cell.replace(MASKED_RETURN, "\r").replace(MASKED_MASK, MASK) for cell in cells]


def _text(line: bytes) -> str:
    """Decode a line. A carriage return inside it is text; csv takes it for the line's end, so it is masked."""
    text = line.decode().replace(MASK, MASKED_MASK)
    if "\r" not in text:
        return text
    body = text.removesuffix("\n").removesuffix("\r")
    return body.replace("\r", MASKED_RETURN) + text[len(body) :]


def _record_over_lines(first: bytes, remaining: Lines) -> Record:
    taken = [first]

    def text_lines() -> Iterator[str]:
        yield _text(first)
        for line in remaining:
            taken.append(line)
            yield _text(line)

    try:
        cells = _split(text_lines())
    except UnicodeDecodeError as error:
        problem = _not_utf8(error)
    except csv.Error as error:
        problem = f"is not CSV: {error}"
    else:
        if len(cells) == WIDTH:
            raw = b"".join(taken)
            return Record(raw, _unmasked(raw, cells))
        problem = f"has {len(cells)} cells, not {WIDTH}, once its quotes are closed {len(taken)} lines on"
    remaining.put_back(taken[1:])
    return Record(first, problem=problem)


def read_cells(record: Record, columns: Sequence[str] = HEADER) -> list[str]:
    """Return the 57 cells of a record, in the order of the file.

    :param columns: the file's header, to name the column where a single cell is wrong
    :raises CellError: the record is broken; the error's column is empty where the record is broken as a whole
    """
    if record.problem is not None:
        raise CellError(column="", reason=record.problem)
    cells = record.cells
    if cells is None:
        try:
            cells = record.raw.decode().removesuffix("\n").removesuffix("\r").split(",")
        except UnicodeDecodeError as error:
            raise CellError(column="", reason=_not_utf8(error)) from None
    if len(cells) != WIDTH:
        raise CellError(column="", reason=f"has {len(cells)} cells, not {WIDTH}")
    if b"\0" in record.raw or len(record.raw) > LONGEST_CELL:
        _check_each(cells, columns)
    if len(record.raw) > LONGEST_ROW:
        raise CellError(column="", reason=f"is longer than {LONGEST_ROW:,} bytes")
    return cells


def _check_each(cells: Sequence[str], columns: Sequence[str]) -> None:
    for cell, column in zip(cells, columns, strict=True):
        if "\0" in cell:
            raise CellError(column=column, reason="holds a NUL character")
        if len(cell) > LONGEST_CELL:
            raise CellError(column=column, reason=f"is longer than {LONGEST_CELL:,} characters")


def _not_utf8(error: UnicodeDecodeError) -> str:
    return f"is not UTF-8 at byte {error.start}"
