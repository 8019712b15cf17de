"""What can go wrong in a sync."""

from __future__ import annotations


class SyncError(Exception):
    """A sync cannot go on; the message says what to do."""


class UnfitValue(SyncError):
    """A value that fits its column by none of the written rules.

    :param field: the field of the document, as a path
    :param reason: what is wrong, for a person
    """

    def __init__(self, *, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason
