"""Documents of a slice, shaped into rows and cut into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from bson import json_util

from echotune.sync.columns import Document, Row
from echotune.sync.errors import UnfitValue
from echotune.sync.source import JSON, Order, Position
from echotune.sync.tables import Table, document_row_id
from echotune.sync.values import FIRST_PLAY, NUL, PLAYS_END, REPLACEMENT

BATCH_DOCUMENTS = 25_000
"""Documents of one transaction: what bounds the memory of a sync, whatever its length."""

FIRST_DOCUMENTS = 2_500
"""Documents of a slice's first transaction, so that PostgreSQL has work early; each later one has twice as many."""

LONGEST_NAME = 500

REFUSED = "PostgreSQL refused it: "
"""How the reason begins of a document that fits by the written rules and that PostgreSQL did not take."""


class FitDocument(NamedTuple):
    """A document whose values fit: its id, the id of its rows, and these."""

    id: Any
    owner: UUID
    rows: Sequence[Row]


@dataclass(frozen=True, kw_only=True)
class RejectedDocument:
    """A document that does not fit its table, and why.

    :param name: its ``_id`` as text
    :param row_id: the id its rows would have
    :param month: the month of a play
    :param username: whose it is, where it is a user's and names one
    """

    name: str
    row_id: UUID
    month: date | None
    reason: str
    username: str | None = None


@dataclass(kw_only=True)
class Batch:
    """Documents that are written in one transaction: those that fit, those that do not, and the last one's place."""

    fit: list[FitDocument] = field(default_factory=list)
    rejected: list[RejectedDocument] = field(default_factory=list)
    position: Position | None = None

    @property
    def documents(self) -> int:
        """How many documents were read for it."""
        return len(self.fit) + len(self.rejected)

    @property
    def rows(self) -> Iterator[Row]:
        """The rows of those that fit."""
        return rows_of(self.fit)


def rows_of(documents: Iterable[FitDocument]) -> Iterator[Row]:
    """The rows of documents, one after the other."""
    return chain.from_iterable(document.rows for document in documents)


def batches_of(
    table: Table, documents: Iterable[Document], order: Order, *, size: int = BATCH_DOCUMENTS
) -> Iterator[Batch]:
    """Shape and cut documents; no two of a batch have rows of the same id.

    A document that is written while it is read can come twice, the second time as it is then.
    """
    batch, last, owners = Batch(), None, set[UUID]()
    most = min(FIRST_DOCUMENTS, size)
    for document in documents:
        shaped = shape(table, document)
        owner = shaped.owner if isinstance(shaped, FitDocument) else shaped.row_id
        if last is not None and (owner in owners or len(owners) == most):
            batch.position = Position.of(last, order)
            yield batch
            batch, owners, most = Batch(), set(), min(2 * most, size)
        owners.add(owner)
        if isinstance(shaped, FitDocument):
            batch.fit.append(shaped)
        else:
            batch.rejected.append(shaped)
        last = document
    if last is not None:
        batch.position = Position.of(last, order)
        yield batch


def shape(table: Table, document: Document) -> FitDocument | RejectedDocument:
    """Return a document with its rows, or why it has none."""
    try:
        rows = table.rows(document)
    except UnfitValue as error:
        rejected = reject(table, document["_id"], document_row_id(table, document), str(error), _month(table, document))
        return replace(rejected, username=_username(table, document))
    owner = rows[0][0] if rows else document_row_id(table, document)
    return FitDocument(document["_id"], owner, rows)


def reject(table: Table, id_: Any, row_id: UUID, reason: str, month: date | None) -> RejectedDocument:
    """Describe a document that does not fit."""
    return RejectedDocument(
        name=document_name(id_), row_id=row_id, month=month, reason=reason.replace(NUL, REPLACEMENT)
    )


def document_name(id_: Any) -> str:
    """An ``_id`` as text, in MongoDB's extended JSON where it is neither text nor a UUID."""
    name = str(id_) if isinstance(id_, str | UUID) else json_util.dumps(id_, json_options=JSON)
    return name.replace(NUL, REPLACEMENT)[:LONGEST_NAME]


def month_of(played_at: Any) -> date | None:
    """The month in UTC of a play, or None where it is at no time that plays can have."""
    if isinstance(played_at, datetime) and FIRST_PLAY <= played_at < PLAYS_END:
        return date(played_at.year, played_at.month, 1)
    return None


def _username(table: Table, document: Document) -> str | None:
    name = document["cells"][1] if table.by_month else document["_id"]
    return name if table.collection in ("plays", "users") and isinstance(name, str) else None


def _month(table: Table, document: Document) -> date | None:
    return month_of(document["cells"][0]) if table.by_month else None
