"""What a database takes, place by place: a place is a collection or a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Counted(StrEnum):
    """What a plan's limit is held against."""

    DATA = "data"
    """Documents as they are before compression, and indexes."""
    DISK = "disk"
    """What data and indexes take on the disk."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Bytes, each with the indexes; in PostgreSQL both are the same.

    :param data: before compression
    :param disk: on the disk
    :param indexes: the indexes' part in them
    """

    data: int = 0
    disk: int = 0
    indexes: int = 0

    def counted(self, how: Counted) -> int:
        """The bytes that a limit counts."""
        return self.data if how is Counted.DATA else self.disk

    @classmethod
    def total(cls, sizes: Iterable[Size]) -> Size:
        """Add up sizes."""
        kept = list(sizes)
        return cls(
            data=sum(size.data for size in kept),
            disk=sum(size.disk for size in kept),
            indexes=sum(size.indexes for size in kept),
        )


@dataclass(frozen=True, kw_only=True)
class PlaceSize:
    """The size of a collection or table.

    :param rows: documents or rows; None where the server cannot tell cheaply
    """

    place: str
    rows: int | None
    size: Size


@dataclass(frozen=True, kw_only=True)
class Plays:
    """How many plays come in, and how many are old.

    :param place: the collection or table that has them
    :param a_month: plays a month, in the twelve months up to the newest
    :param newest: when the newest was
    :param old: plays before ``old_before``; None where nothing would be archived
    """

    place: str
    a_month: float
    newest: datetime
    old: int | None = None
    old_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What was measured of one server.

    :param system: ``mongodb`` or ``postgresql``
    :param places: the database's places, the largest first
    :param own: the whole database
    :param others: the server's other databases, as far as they can be seen: they share a plan's limit
    :param plays: None where there are none, or where they cannot be counted
    :param notes: what could not be measured, a line each
    """

    system: str
    places: tuple[PlaceSize, ...]
    own: Size
    others: Size
    plays: Plays | None = None
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Size:
        """All that shares a plan's limit."""
        return Size.total([self.own, self.others])
