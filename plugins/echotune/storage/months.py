"""Months and years of the calendar."""

from __future__ import annotations

from datetime import datetime

MONTHS_A_YEAR = 12
DAYS_A_MONTH = 365.2425 / MONTHS_A_YEAR
SECONDS_A_MONTH = DAYS_A_MONTH * 24 * 60 * 60


def years_before(moment: datetime, years: int) -> datetime:
    """The same day and time, years earlier; the 28th of February where that year has no 29th."""
    year = moment.year - years
    try:
        return moment.replace(year=year)
    except ValueError:
        return moment.replace(year=year, day=28)


def months_between(earlier: datetime, later: datetime) -> float:
    """Months of the mean length."""
    return (later - earlier).total_seconds() / SECONDS_A_MONTH
