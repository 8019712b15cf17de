"""What a measurement means: of what a plan allows, when it is full, and what archiving would free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from echotune.storage.growth import Growth, PastSize, bytes_a_play, growth_of
from echotune.storage.plans import Limit, Plan, next_larger
from echotune.storage.sizes import Counted, Measurement

WARNING_SHARE = 0.80
CRITICAL_SHARE = 0.95
WARNING_MONTHS = 3.0
"""A server that is full sooner is warned of, however empty it is now."""


class Level(StrEnum):
    """How near a database is to its limit."""

    FINE = "fine"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, kw_only=True)
class Archiving:
    """What archiving would free.

    :param plays: how many would go
    :param before: older than this
    :param frees: bytes, about
    """

    plays: int
    before: datetime
    frees: int


@dataclass(frozen=True, kw_only=True)
class StorageReport:
    """The storage of one server.

    :param counts: what ``used`` counts
    :param used: bytes that count against the limit
    :param growth: None where nothing is known of it
    :param archiving: None where no play is old enough
    :param larger_plan: the provider's next larger one, where a plan was named
    """

    measurement: Measurement
    counts: Counted
    used: int
    limit: Limit | None = None
    growth: Growth | None = None
    archiving: Archiving | None = None
    larger_plan: Plan | None = None

    @property
    def system(self) -> str:
        """``mongodb`` or ``postgresql``."""
        return self.measurement.system

    @property
    def share(self) -> float | None:
        """The used part of the limit: 1 is full."""
        return self.used / self.limit.bytes if self.limit else None

    @property
    def months_left(self) -> float | None:
        """Months until it is full; None without a limit, or where nothing grows."""
        if self.limit is None or self.growth is None or self.growth.bytes_a_month <= 0:
            return None
        return max(0.0, (self.limit.bytes - self.used) / self.growth.bytes_a_month)

    @property
    def level(self) -> Level:
        """How much of a worry it is."""
        share, months = self.share or 0.0, self.months_left
        if share >= CRITICAL_SHARE:
            return Level.CRITICAL
        soon = months is not None and months < WARNING_MONTHS
        return Level.WARNING if share >= WARNING_SHARE or soon else Level.FINE


def assess(
    measurement: Measurement,
    *,
    limit: Limit | None,
    past: Sequence[PastSize],
    plans: Sequence[Plan],
    now: datetime,
) -> StorageReport:
    """Hold a measurement against its limit and what earlier runs measured (the oldest first)."""
    counts = limit.counts if limit else Counted.DISK
    used = measurement.total.counted(counts)
    return StorageReport(
        measurement=measurement,
        counts=counts,
        used=used,
        limit=limit,
        growth=growth_of(measurement, past, counts, now),
        archiving=_archiving(measurement, counts),
        larger_plan=next_larger(limit, used, plans) if limit else None,
    )


def _archiving(measurement: Measurement, counts: Counted) -> Archiving | None:
    plays, each = measurement.plays, bytes_a_play(measurement, counts)
    if plays is None or not plays.old or plays.old_before is None or each is None:
        return None
    return Archiving(plays=plays.old, before=plays.old_before, frees=round(plays.old * each))
