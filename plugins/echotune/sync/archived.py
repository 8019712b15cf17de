"""Archived plays: gone from MongoDB's plays and not deleted. Their rows stay, and are proved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from bson import ObjectId
from pymongo.database import Database

from echotune.sync.checksums import row_checksum
from echotune.sync.columns import Document, Row
from echotune.sync.errors import SyncError, UnfitValue
from echotune.sync.rows import PLAY_CELLS, PLAY_SECTIONS
from echotune.sync.tables import LISTENING_HISTORY, rules_of
from echotune.sync.totals import NOTHING, Month, Totals, TotalsByMonth

RULES = rules_of(LISTENING_HISTORY)
"""The rules by which ``row_checksum`` of an archived play is computed."""

BY_MONTH: Mapping[str, Any] = {
    "_id": {"$dateTrunc": {"date": "$played_at", "unit": "month"}},
    "rows": {"$sum": 1},
    # The sum of so many numbers of 64 bits has more of them.
    "checksum": {"$sum": {"$toDecimal": "$row_checksum"}},
}


class ArchiveReader(Protocol):
    """What can read the archives' files."""

    def documents(
        self, start: datetime, end: datetime, archives: Collection[ObjectId] | None = None
    ) -> Iterator[Document]:
        """Plays that ended from ``start`` to before ``end``, of these archives or of all."""
        ...


@dataclass(frozen=True, kw_only=True)
class ArchivedPlays:
    """The archived plays of a time.

    :param database: the one with ``archived_plays`` and ``archives``
    :param reader: what reads the files; without one, rows that only they tell of cannot be written
    """

    database: Database[Document]
    reader: ArchiveReader | None
    start: datetime
    end: datetime

    def totals(self) -> TotalsByMonth:
        """Count their rows by month; files are read only where the rules are others than when these were written."""
        outdated = self.database["archives"].distinct("_id", {"rules": {"$ne": RULES}})
        match = self._between() | ({"archive": {"$nin": outdated}} if outdated else {})
        totals = self._totals(match)
        return added(totals, self._totals_of_files(outdated)) if outdated else totals

    def among(self, ids: Collection[UUID]) -> list[UUID]:
        """Those of the ids that are of archived plays."""
        match = self._between() | {"_id": {"$in": list(ids)}}
        return [play["_id"] for play in self.database["archived_plays"].find(match, {"_id": 1})] if ids else []

    def totals_of(self, ids: Collection[UUID]) -> TotalsByMonth:
        """Count the rows of those of them that have these ids."""
        return self._totals(self._between() | {"_id": {"$in": list(ids)}})

    def _totals(self, match: Mapping[str, Any]) -> TotalsByMonth:
        found = self.database["archived_plays"].aggregate([{"$match": match}, {"$group": BY_MONTH}], allowDiskUse=True)
        return {
            group["_id"].date(): Totals(rows=group["rows"], checksum=int(group["checksum"].to_decimal()))
            for group in found
        }

    def _totals_of_files(self, archives: Sequence[ObjectId]) -> TotalsByMonth:
        totals: dict[Month, Totals] = defaultdict(Totals)
        checksum = row_checksum(LISTENING_HISTORY.columns)
        for document in self.documents(archives):
            try:
                (row,) = LISTENING_HISTORY.rows(document)
            except UnfitValue:
                continue
            totals[row[1].date().replace(day=1)] += Totals(rows=1, checksum=checksum(row))
        return totals

    def row_keys(self) -> Iterator[Row]:
        """The keys of their rows."""
        fields = {"played_at": 1}
        return (
            (play["_id"], play["played_at"]) for play in self.database["archived_plays"].find(self._between(), fields)
        )

    def documents(self, archives: Collection[ObjectId] | None = None) -> Iterator[Document]:
        """Their documents, as the sync reads those of MongoDB.

        :raises SyncError: nothing can read the files
        """
        if self.reader is None:
            raise SyncError("rows of archived plays are to be written, and there is nothing that reads their files")
        return map(as_read, self.reader.documents(self.start, self.end, archives))

    def _between(self) -> dict[str, Any]:
        return {"played_at": {"$gte": self.start, "$lt": self.end}}


def added(totals: TotalsByMonth, others: TotalsByMonth) -> TotalsByMonth:
    """The sums of both, by month."""
    return {month: totals.get(month, NOTHING) + others.get(month, NOTHING) for month in {*totals, *others}}


def as_read(document: Document) -> Document:
    """A play as MongoDB gives it with the sync's projection."""
    read = {"_id": document["_id"], "cells": [_value_at(document, path) for path in PLAY_CELLS]}
    sections = {name: document[name] for name in PLAY_SECTIONS if name in document}
    if any(not isinstance(section, dict | None) for section in sections.values()):
        read["wrong_sections"] = sections
    return read


def _value_at(document: Document, path: str) -> Any:
    value: Any = document
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
