"""What became of the rows of a load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True)
class LoadCounts:
    """Counts of rows.

    :param rows: rows read
    :param inserted: rows that became a new play
    :param already_there: rows whose play was in the collection, from an earlier run or another file
    :param repeats: rows that repeat an earlier row of the same file exactly, in every column of the play
    :param rejected: rows that did not load
    :param other_users: rows of users who were not asked for
    :param forgotten: rows of users who were forgotten after the load began
    """

    rows: int = 0
    inserted: int = 0
    already_there: int = 0
    repeats: int = 0
    rejected: int = 0
    other_users: int = 0
    forgotten: int = 0

    @property
    def accounted(self) -> int:
        """Rows whose fate is known: equal to ``rows``, or something was lost."""
        loaded = self.inserted + self.already_there + self.repeats
        return loaded + self.rejected + self.other_users + self.forgotten

    def __add__(self, other: LoadCounts) -> LoadCounts:
        mine, theirs = asdict(self), asdict(other)
        return LoadCounts(**{name: mine[name] + theirs[name] for name in mine})

    @classmethod
    def total(cls, counts: Iterable[Self]) -> LoadCounts:
        """All of them added; zeros where there are none."""
        return sum(counts, start=LoadCounts())

    def as_forgotten(self) -> LoadCounts:
        """The counts of a user's rows once the user was forgotten, whatever became of them before."""
        return LoadCounts(rows=self.rows, forgotten=self.rows)

    def as_skipped(self) -> LoadCounts:
        """The counts of a chunk that was found done: what it inserted then is already there now."""
        return LoadCounts(**asdict(self) | {"inserted": 0, "already_there": self.inserted + self.already_there})
