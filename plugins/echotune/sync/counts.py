"""What became of documents and rows, counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, kw_only=True)
class SyncCounts:
    """Documents read; rows inserted, updated, the same already, and deleted; documents quarantined; seconds."""

    documents: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    quarantined: int = 0
    seconds: float = 0.0

    def __add__(self, other: Self) -> Self:
        names = [part.name for part in fields(self)]
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @classmethod
    def total(cls, counts: Iterable[Self]) -> Self:
        """The sum of several."""
        return sum(counts, start=cls())
