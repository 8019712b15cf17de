"""What is looked at before the first row: header, encoding, size, and room in the database."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import SEEK_END, BufferedIOBase

from pymongo.errors import OperationFailure

from echotune.history.columns import HEADER
from echotune.history.errors import HistoryError
from echotune.history.source import GZIP_MAGIC, HistoryPath, open_history
from echotune.history.store import HistoryStore

ZIP_MAGIC = b"PK\x03\x04"
UTF8_MARK = b"\xef\xbb\xbf"
OTHER_ENCODINGS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
LONGEST_HEADER = 65_536
NAMES_SHOWN = 8
DATABASE_BYTES_PER_CSV_BYTE = 2.0
"""Plays with their indexes took 1.2 bytes for a byte of the sample; journal and oplog want some room as well."""
GZIP_RATIO = 8


@dataclass(frozen=True, kw_only=True)
class InspectedFile:
    """A file whose header is right.

    :param path: where it is, in the form the source named it
    :param name: its name without folders, as the documents carry it
    :param size: bytes on disk
    :param sha256: of its bytes on disk, in hexadecimal
    :param compressed: whether it is gzipped
    """

    path: str
    name: str
    size: int
    sha256: str
    compressed: bool


@dataclass(frozen=True, kw_only=True)
class Header:
    """The first line of a file: its columns in their order, and the offset of the first row in bytes."""

    columns: tuple[str, ...]
    length: int


def inspect_file(path: HistoryPath) -> InspectedFile:
    """Check a file's header and encoding, and take its fingerprint.

    :raises HistoryError: the file is empty, has no row, is in another encoding, or its columns are not the 57
    """
    with open_history(path) as stream:
        read_header(stream, file=path.name)
        if not any(line.strip() for line in stream):
            raise HistoryError(f"{path.name} has a header and no row")
    with path.open("rb") as raw:
        compressed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        digest = hashlib.file_digest(raw, "sha256")
        size = raw.seek(0, SEEK_END)
    return InspectedFile(path=str(path), name=path.name, size=size, sha256=digest.hexdigest(), compressed=compressed)


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
    if line.startswith(ZIP_MAGIC):
        raise HistoryError(f"{file} is a ZIP archive: unpack it and load the CSV that is in it")
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


def check_room(store: HistoryStore, files: Sequence[InspectedFile]) -> int | None:
    """Return the free bytes of the database's disk, or None where the server does not tell (Atlas' shared tiers).

    :raises HistoryError: the files would not fit
    """
    free = _free_bytes(store)
    if free is None:
        return None
    csv_bytes = sum(file.size * (GZIP_RATIO if file.compressed else 1) for file in files)
    needed = int(csv_bytes * DATABASE_BYTES_PER_CSV_BYTE)
    if needed > free:
        raise HistoryError(
            f"the database's disk has {free / 2**20:,.0f} MiB free and these files need about "
            f"{needed / 2**20:,.0f} MiB: make room or load fewer files"
        )
    return free


def _free_bytes(store: HistoryStore) -> int | None:
    """Ask the history's database, then ``admin``: the server tells no disk for a database that is not there yet."""
    for database in (store.database, store.database.client["admin"]):
        try:
            statistics = database.command("dbStats")
        except OperationFailure:
            continue
        if statistics.get("fsTotalSize"):
            return int(statistics["fsTotalSize"] - statistics["fsUsedSize"])
    return None
