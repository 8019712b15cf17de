"""What is looked at before the first row: header, encoding, size, and room in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import SEEK_END

from pymongo.errors import OperationFailure

from echotune.history.errors import HistoryError
from echotune.history.formats import CSV, look_at_opening
from echotune.history.header import UTF8_MARK
from echotune.history.source import GZIP_MAGIC, HistoryFile, open_history
from echotune.history.store import HistoryStore

TOP_BYTES = 4_096
DATABASE_BYTES_PER_CSV_BYTE = 2.0
"""Plays with their indexes took 1.2 bytes for a byte of the sample; journal and oplog want some room as well."""
GZIP_RATIO = 8


@dataclass(frozen=True, kw_only=True)
class InspectedFile:
    """A file whose top is right.

    :param path: where it is, in the form the source named it
    :param member: its name in the ZIP at that path, empty where it is a file of its own
    :param name: its name without folders, as the documents carry it
    :param size: bytes on disk; of a member, bytes once it is unpacked
    :param sha256: of those bytes, in hexadecimal
    :param compressed: whether those bytes are gzipped
    :param format: see ``formats``
    """

    path: str
    name: str
    size: int
    sha256: str
    compressed: bool
    member: str = ""
    format: str = CSV


def inspect_file(file: HistoryFile, *, username: str = "") -> InspectedFile:
    """Check the top of a file and its encoding, and take its fingerprint.

    :param username: the user of records that name none
    :raises HistoryError: the file is empty, has no row, is in another encoding, is no listening history, or does not
        say whose it is
    """
    is_json = _is_json(file)
    with open_history(file) as stream:
        opening = look_at_opening(stream, file=file.name, is_json=is_json)
    if not opening.has_rows and opening.format == CSV:
        raise HistoryError(f"{file.name} has a header and no row")
    if not opening.names_user and not username:
        raise HistoryError(
            f"{file.name} does not say whose plays it holds, as Spotify's newer exports do not: set username to "
            "the Spotify user it is of"
        )
    size, sha256, compressed = _fingerprint(file)
    return InspectedFile(
        path=str(file.path),
        member=file.member,
        name=file.name,
        size=size,
        sha256=sha256,
        compressed=compressed,
        format=opening.format,
    )


def _is_json(file: HistoryFile) -> bool:
    """Whether the first character opens a list or an object: no header of a CSV begins so."""
    with open_history(file) as stream:
        return stream.read(TOP_BYTES).lstrip(UTF8_MARK).lstrip()[:1] in (b"[", b"{")


def _fingerprint(file: HistoryFile) -> tuple[int, str, bool]:
    """Return the size in bytes, the SHA-256, and whether the content is gzipped."""
    if file.member:
        with open_history(file) as stream:
            digest = hashlib.file_digest(stream, "sha256")
            return stream.tell(), digest.hexdigest(), False
    with file.path.open("rb") as raw:
        compressed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        digest = hashlib.file_digest(raw, "sha256")
        return raw.seek(0, SEEK_END), digest.hexdigest(), compressed


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
