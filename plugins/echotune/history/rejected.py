"""Rows that did not load: kept with the reason, so that nothing is lost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from pymongo import UpdateOne

from echotune.history.chunks import Chunk
from echotune.history.columns import COLUMNS
from echotune.history.errors import CellError
from echotune.history.exports import EXTENDED
from echotune.history.privacy import PersonalData
from echotune.history.records import Record
from echotune.history.store import HistoryStore

REJECTED_NAMESPACE = UUID("0d7a1f0a-52f7-5b3a-8f60-3f3f8b9b7f10")
PERSONAL_FIELDS = {
    field.name for field in EXTENDED.cells for column in COLUMNS if column.personal and column.name == field.column
}
LONGEST_RAW = 65_536
"""Characters of a row that are kept; the file and the row number lead to the rest."""


@dataclass(frozen=True, kw_only=True)
class RejectedRow:
    """A row that did not load.

    :param row: its number in the file, from 1
    :param column: the column at fault, empty where the row is broken as a whole
    :param reason: what is wrong, to be read after the column's name
    :param raw: its text, without the personal data that the policy drops
    :param username: the user that the load was asked for, whose row it may be though it does not say so
    """

    row: int
    column: str
    reason: str
    raw: str
    username: str = ""

    def __str__(self) -> str:
        return f"row {self.row}: {self.column or 'the row'} {self.reason}"


def reject(
    *,
    row: int,
    error: CellError,
    record: Record,
    cells: Sequence[str] | None,
    personal_data: PersonalData,
    username: str = "",
) -> RejectedRow:
    """Describe a bad row; ``cells`` in the order of the header where the row could be split."""
    if record.fields is not None:
        text = _record_without_personal_data(record.fields, personal_data)
    elif cells is not None:
        text = _without_personal_data(cells, personal_data)
    else:
        text = personal_data.redact(record.raw.decode(errors="backslashreplace").rstrip("\r\n"))
    return RejectedRow(row=row, column=error.column, reason=error.reason, raw=text[:LONGEST_RAW], username=username)


def _without_personal_data(cells: Sequence[str], personal_data: PersonalData) -> str:
    store = personal_data.transformation()
    kept = [
        (store(cell) or "") if column.personal and cell else cell for column, cell in zip(COLUMNS, cells, strict=True)
    ]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(kept)
    return line.getvalue()


def _record_without_personal_data(record: Mapping[str, Any], personal_data: PersonalData) -> str:
    """A record of an export as JSON in ASCII, which also writes what is no character."""
    store = personal_data.transformation()
    kept = {name: (store(str(value)) if name in PERSONAL_FIELDS and value else value) for name, value in record.items()}
    return json.dumps(kept)


def keep_rejected(store: HistoryStore, chunk: Chunk, rows: Sequence[RejectedRow], *, now: datetime) -> None:
    """Write rejected rows; one that is there already, from an earlier run over the same row, is written over."""
    if rows:
        store.rejected_rows.bulk_write([_upsert(chunk, row, now) for row in rows], ordered=False)


def _upsert(chunk: Chunk, rejected: RejectedRow, now: datetime) -> UpdateOne:
    document: dict[str, Any] = {
        "source": {"file": chunk.file, "sha256": chunk.sha256, "row": rejected.row},
        "row": rejected.row,
        "reason": rejected.reason,
        "raw": rejected.raw,
        "updated_at": now,
    }
    if rejected.column:
        document["column"] = rejected.column
    if rejected.username:
        document["username"] = rejected.username
    changes = {"$set": document, "$setOnInsert": {"created_at": now}}
    return UpdateOne({"_id": rejected_id(chunk, rejected)}, changes, upsert=True)


def rejected_id(chunk: Chunk, rejected: RejectedRow) -> UUID:
    """The id of a rejected row's document."""
    path = f"{chunk.path}\0{chunk.member}" if chunk.member else chunk.path
    return uuid5(REJECTED_NAMESPACE, "\0".join((path, str(rejected.row), rejected.raw)))
