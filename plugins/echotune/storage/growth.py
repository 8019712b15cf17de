"""How fast a server fills up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from echotune.storage.months import months_between
from echotune.storage.quantities import bytes_text
from echotune.storage.sizes import Counted, Measurement, PlaceSize, Size

FEWEST_PLAYS = 1_000
"""With fewer, what a play takes is lost in what an empty database takes."""
SHORTEST_MEASURED = 2.0
"""Months that measured growth must span."""
SHRINKING = 0.98
"""Below this share of the size before, something was removed: growth is measured from then on only."""


@dataclass(frozen=True, kw_only=True)
class PastSize:
    """What an earlier run measured: all that shares the limit."""

    at: datetime
    size: Size


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Bytes a month, and where that is from.

    :param basis: what a person reads after "growth is"
    """

    bytes_a_month: float
    basis: str


def growth_of(measurement: Measurement, past: Sequence[PastSize], how: Counted, now: datetime) -> Growth | None:
    """Growth as it was measured, or else as the plays let expect; None where there are too few of them.

    :param past: what earlier runs measured, the oldest first
    """
    return _measured(measurement.total.counted(how), past, how, now) or _expected(measurement, how)


def _measured(used: int, past: Sequence[PastSize], how: Counted, now: datetime) -> Growth | None:
    first, later = None, used
    for earlier in reversed(past):
        size = earlier.size.counted(how)
        if later < size * SHRINKING:
            break
        first, later = earlier, size
    if first is None or (months := months_between(first.at, now)) < SHORTEST_MEASURED:
        return None
    return Growth(
        bytes_a_month=(used - first.size.counted(how)) / months,
        basis=f"measured since {first.at:%Y-%m-%d}",
    )


def _expected(measurement: Measurement, how: Counted) -> Growth | None:
    plays, each = measurement.plays, bytes_a_play(measurement, how)
    if plays is None or each is None:
        return None
    return Growth(
        bytes_a_month=plays.a_month * each,
        basis=f"expected from {plays.a_month:,.0f} plays a month in the year to {plays.newest:%Y-%m-%d}, "
        f"{bytes_text(each)} each",
    )


def bytes_a_play(measurement: Measurement, how: Counted) -> float | None:
    """What a play takes with its part of the indexes; None where there are too few to tell."""
    place = _place_of_plays(measurement)
    if place is None or place.rows is None or place.rows < FEWEST_PLAYS:
        return None
    return place.size.counted(how) / place.rows


def _place_of_plays(measurement: Measurement) -> PlaceSize | None:
    if measurement.plays is None:
        return None
    return next((place for place in measurement.places if place.place == measurement.plays.place), None)
