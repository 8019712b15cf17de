"""What can be wrong with a history, told so that a person can mend it."""

from __future__ import annotations


class HistoryError(Exception):
    """Something a retry does not mend: a file, a setting or a load that is wrong. The message says what and where."""


class CellError(ValueError):
    """A cell that holds no value of its column's type: the row is rejected."""

    def __init__(self, *, column: str, reason: str) -> None:
        super().__init__(f"{column} {reason}")
        self.column = column
        self.reason = reason
