"""Tables and months, named for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

MONTHS_A_YEAR = 12
NAMED = 12
"""So many places are named before the rest is only counted."""

Place = tuple[str, date | None]
"""A table and one of its months; None for a table whole."""


def name_places(places: Iterable[Place]) -> str:
    """Name places in their order, months that follow each other as one: ``listening_history 2014-03 to 2014-07``."""
    names = [_name(part) for part in _neighbours(places)]
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _name(part: Sequence[Place]) -> str:
    (table, first), (_, last) = part[0], part[-1]
    if first is None or last is None:
        return table
    return f"{table} {first:%Y-%m}" + (f" to {last:%Y-%m}" if last != first else "")


def _neighbours(places: Iterable[Place]) -> Iterator[list[Place]]:
    """Cut places into runs of months of one table without a gap."""
    part: list[Place] = []
    for place in places:
        if part and not _follows(part[-1], place):
            yield part
            part = []
        part.append(place)
    if part:
        yield part


def _follows(before: Place, after: Place) -> bool:
    (table, earlier), (other_table, later) = before, after
    return table == other_table and earlier is not None and later is not None and _number(later) == _number(earlier) + 1


def _number(month: date) -> int:
    return month.year * MONTHS_A_YEAR + month.month
