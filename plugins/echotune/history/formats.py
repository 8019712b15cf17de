"""The formats of histories: how each is cut into records, and how a record becomes the cells of a play."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from io import BufferedIOBase
from itertools import islice
from operator import itemgetter
from typing import NamedTuple, Protocol

from echotune.history.columns import HEADER
from echotune.history.errors import CellError, HistoryError
from echotune.history.exports import ACCOUNT, EXPORTS, EXTENDED, Details, Export, ExportReader, export_of
from echotune.history.header import read_header
from echotune.history.json_records import read_blocks, read_opening, split_json_records
from echotune.history.records import LONGEST_CELL, LONGEST_ROW, Record, read_cells, split_records

CSV = "csv"
FIRST_RECORDS = 100
"""Records that are looked at to tell which export a file is."""


class PlayCells(NamedTuple):
    """What a record tells of a play: 57 cells in the order of the header, and what only an export tells."""

    cells: Sequence[str]
    details: Details | None = None


ReadPlay = Callable[[Record], PlayCells]
"""Raises CellError for a record that is no play."""


class HistoryFormat(Protocol):
    """How the files of one format are read."""

    def begin(self, stream: BufferedIOBase, *, file: str) -> int:
        """Read what stands before the first record; return its length in bytes."""
        ...

    def split(self, stream: BufferedIOBase, length: int | None = None) -> Iterator[Record]:
        """Yield the records of the next bytes, at most so many: together, all the bytes."""
        ...

    def reader(self, stream: BufferedIOBase, *, file: str, username: str) -> ReadPlay:
        """Read what stands before the first record; return what reads the records.

        :param username: the user of records that name none
        """
        ...


class CsvFormat:
    """The combined CSV of 57 columns, in any order."""

    def begin(self, stream: BufferedIOBase, *, file: str) -> int:
        return read_header(stream, file=file).length

    def split(self, stream: BufferedIOBase, length: int | None = None) -> Iterator[Record]:
        return split_records(stream if length is None else _lines(stream, length))

    def reader(self, stream: BufferedIOBase, *, file: str, username: str) -> ReadPlay:
        columns = read_header(stream, file=file).columns
        if columns == HEADER:
            return lambda record: PlayCells(read_cells(record, columns))
        reorder = itemgetter(*(columns.index(name) for name in HEADER))
        return lambda record: PlayCells(reorder(read_cells(record, columns)))


class ExportFormat:
    """One of Spotify's exports: a JSON list of records."""

    def __init__(self, export: Export) -> None:
        self.export = export

    def begin(self, stream: BufferedIOBase, *, file: str) -> int:
        return read_opening(stream, file=file)

    def split(self, stream: BufferedIOBase, length: int | None = None) -> Iterator[Record]:
        return split_json_records(read_blocks(stream, length))

    def reader(self, stream: BufferedIOBase, *, file: str, username: str) -> ReadPlay:
        self.begin(stream, file=file)
        reader = ExportReader(self.export, username=username)

        def read(record: Record) -> PlayCells:
            if record.fields is None:
                raise CellError(column="", reason=record.problem or "is not a record of fields")
            if len(record.raw) > LONGEST_ROW:
                raise CellError(column="", reason=f"is longer than {LONGEST_ROW:,} bytes")
            if len(record.raw) > LONGEST_CELL or b"\\u" in record.raw or not _is_utf8(record.raw):
                _check_texts(record)
            return PlayCells(reader.cells(record.fields), reader.details(record.fields))

        return read


def format_named(name: str) -> HistoryFormat:
    """Return a format by the name that files and chunks carry."""
    return CsvFormat() if name == CSV else ExportFormat(EXPORTS[name])


class Opening(NamedTuple):
    """What the top of a file tells of it.

    :param names_user: whether its first record says whose play it is
    :param has_rows: whether there is a record at all
    """

    format: str
    names_user: bool
    has_rows: bool


def look_at_opening(stream: BufferedIOBase, *, file: str, is_json: bool) -> Opening:
    """Tell the format of a file from its top, and check it.

    :raises HistoryError: it is no listening history, or in another encoding
    """
    if not is_json:
        read_header(stream, file=file)
        return Opening(format=CSV, names_user=True, has_rows=any(line.strip() for line in stream))
    read_opening(stream, file=file)
    records = list(islice(split_json_records(read_blocks(stream)), FIRST_RECORDS))
    fields = [record.fields for record in records if record.fields is not None]
    if not fields:
        if any(record.problem for record in records):
            raise HistoryError(f"{file}: none of its first records can be read; the first {records[0].problem}")
        return Opening(format=EXTENDED.name, names_user=True, has_rows=False)
    export = next(filter(None, map(export_of, fields)), None)
    if export is None:
        raise HistoryError(
            f"{file} is no listening history: its records should have {_marks(EXTENDED)} or {_marks(ACCOUNT)}"
        )
    return Opening(format=export.name, names_user=bool(fields[0].get("username")), has_rows=True)


def _marks(export: Export) -> str:
    return " and ".join(sorted(export.marks, reverse=True))


def _lines(stream: BufferedIOBase, length: int) -> Iterator[bytes]:
    remaining = length
    for line in stream:
        yield line
        remaining -= len(line)
        if remaining <= 0:
            return


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_texts(record: Record) -> None:
    """:raises CellError: a text that no database keeps as it is"""
    for name, value in (record.fields or {}).items():
        for text in (name, value):
            if isinstance(text, str) and (problem := _text_problem(text)):
                raise CellError(column=name.encode(errors="replace").decode(), reason=problem)


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return "holds a NUL character"
    if len(text) > LONGEST_CELL:
        return f"is longer than {LONGEST_CELL:,} characters"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"holds what is no character, at place {error.start}"
    return None
