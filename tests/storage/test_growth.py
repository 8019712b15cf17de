"""How fast a server fills up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from echotune.storage.growth import FEWEST_PLAYS, Growth, growth_of
from echotune.storage.sizes import Counted
from tests.support.measuring import MEGABYTE, NOW, measurement, past


def growth(megabytes: float, *before: float) -> Growth | None:
    return growth_of(measurement(megabytes=megabytes, a_month=0), past(*before), Counted.DISK, NOW)


def test_without_earlier_reports_it_is_plays_a_month_times_bytes_a_play() -> None:
    expected = growth_of(measurement(megabytes=100, rows=100_000, a_month=1_500), [], Counted.DISK, NOW)
    assert expected is not None
    assert expected.bytes_a_month == pytest.approx(1_500 * 1_000)
    assert expected.basis == "expected from 1,500 plays a month in the year to 2026-10-29, 1 KB each"


def test_a_plan_that_counts_data_grows_by_data() -> None:
    measured = measurement(megabytes=100, data_megabytes=300, rows=100_000, a_month=1_000)
    expected = growth_of(measured, [], Counted.DATA, NOW)
    assert expected is not None
    assert expected.bytes_a_month == pytest.approx(3 * MEGABYTE)


def test_reports_of_two_months_are_measured_instead() -> None:
    measured = growth(130, 100, 110, 120)
    assert measured is not None
    assert measured.bytes_a_month == pytest.approx(10 * MEGABYTE)
    assert measured.basis == "measured since 2026-08-29"


def test_reports_of_less_than_two_months_are_not_enough() -> None:
    found = growth(130, 100)
    assert found is not None
    assert found.basis.startswith("expected from 0 plays")


def test_after_something_was_removed_it_is_measured_from_then_on() -> None:
    measured = growth(60, 200, 210, 40, 45, 55)
    assert measured is not None
    assert measured.bytes_a_month == pytest.approx(20 / 3 * MEGABYTE)


def test_a_little_less_than_before_is_no_removal() -> None:
    measured = growth(99, 100, 100, 100)
    assert measured is not None
    assert measured.bytes_a_month == pytest.approx(-1 / 3 * MEGABYTE)


@pytest.mark.parametrize("rows", [None, FEWEST_PLAYS - 1])
def test_nothing_is_expected_of_too_few_or_uncounted_plays(rows: int | None) -> None:
    assert growth_of(measurement(rows=rows), [], Counted.DISK, NOW) is None


def test_nothing_is_expected_where_there_are_no_plays() -> None:
    assert growth_of(replace(measurement(), plays=None), [], Counted.DISK, NOW) is None
