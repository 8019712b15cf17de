"""The first line of a CSV: checked before anything is read."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BufferedIOBase

from echotune.history.columns import HEADER
from echotune.history.errors import HistoryError

UTF8_MARK = b"\xef\xbb\xbf"
OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
LONGEST_HEADER = 65_536
NAMES_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first line of a file: its columns in their order, and the offset of the first row in bytes."""

    columns: tuple[str, ...]
    length: int


def read_header(stream: BufferedIOBase, *, file: str) -> Header:
    """Read the header at the start of a stream and check it.

    :raises HistoryError: naming the file and what is wrong with its first line
    """
    line = stream.readline(LONGEST_HEADER)
    if not line.strip():
        raise HistoryError(f"{file} is empty" if not line else f"{file} starts with an empty line, not a header")
    try:
        columns = tuple(next(csv.reader((_decode_header(line, file),))))
    except csv.Error as error:
        raise HistoryError(f"{file}: its first line is not CSV with lines that end in LF: {error}") from None
    problem = header_problem(columns)
    if problem:
        raise HistoryError(f"{file}: {problem}")
    return Header(columns=columns, length=len(line))


def _decode_header(line: bytes, file: str) -> str:
    encoding = OTHER_ENCODINGS.get(line[:2]) or ("UTF-16" if b"\0" in line else None)
    if encoding:
        raise HistoryError(f"{file} is written in {encoding}: save it as UTF-8")
    try:
        return line.removeprefix(UTF8_MARK).decode()
    except UnicodeDecodeError as error:
        raise HistoryError(f"{file} is not UTF-8 (byte {error.start} of its first line): save it as UTF-8") from None


def header_problem(columns: Sequence[str]) -> str | None:
    """Say what is wrong with a header, naming the columns, or return None. Any order of the 57 columns is right."""
    doubled = [name for name, count in Counter(columns).items() if count > 1]
    missing = [name for name in HEADER if name not in columns]
    unknown = [name for name in columns if name not in HEADER]
    if len(missing) == len(HEADER):
        return _no_header_problem(columns)
    problems = [
        f"{title} {_names(names)}"
        for title, names in (("missing:", missing), ("unknown:", unknown), ("doubled:", doubled))
        if names
    ]
    if not problems:
        return None
    return f"the header should be the {len(HEADER)} columns of a combined listening history; " + "; ".join(problems)


def _no_header_problem(columns: Sequence[str]) -> str:
    for delimiter, name in OTHER_DELIMITERS.items():
        if len(columns) < len(HEADER) and HEADER[0] in ",".join(columns).split(delimiter):
            return f"its columns are separated by {name}: save it with commas"
    return (
        f"its first line is not a header: none of the {len(HEADER)} column names is in it "
        f"(it should start {HEADER[0]},{HEADER[1]},…)"
    )


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"
