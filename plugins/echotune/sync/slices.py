"""A slice: the part of a run that one task copies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class Window:
    """The documents changed between two times, and what told them apart from others when they were looked at."""

    start: datetime
    documents: int
    fingerprint: int


@dataclass(frozen=True, kw_only=True)
class Slice:
    """Some documents of a table.

    :param number: counts from 0 within the run
    :param first_month: the first of the months it spans, where the table is cut into months
    :param last_month: the last of them
    :param without_month: whether it has the plays that belong to no month
    :param since: documents changed since then; None for all
    :param through: the time up to which its documents are in the table when it is finished
    :param moves_watermark: whether a later run may rely on that
    :param window: the changes before ``through``, for the table's watermark
    """

    number: int
    table: str
    since: datetime | None
    through: datetime
    moves_watermark: bool = True
    first_month: date | None = None
    last_month: date | None = None
    without_month: bool = False
    window: Window | None = None

    def __str__(self) -> str:
        months = f" {self.first_month:%Y-%m} to {self.last_month:%Y-%m}" if self.first_month else ""
        return f"{self.table}{months}{' without month' if self.without_month else ''}"
