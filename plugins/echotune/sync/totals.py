"""What is counted of rows on either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

Month = date | None
"""The first day of a month; None is a table without months, or the plays that belong to none."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many rows there are, and the sum of their checksums."""

    rows: int = 0
    checksum: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(rows=self.rows + other.rows, checksum=self.checksum + other.checksum)

    def __sub__(self, other: Self) -> Self:
        return type(self)(rows=self.rows - other.rows, checksum=self.checksum - other.checksum)


NOTHING = Totals()

TotalsByMonth = Mapping[Month, Totals]
