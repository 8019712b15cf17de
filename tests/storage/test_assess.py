"""A measurement held against a limit."""

from __future__ import annotations

import pytest

from echotune.storage.assess import Level, StorageReport, assess
from echotune.storage.plans import limit_named, read_plans
from echotune.storage.sizes import Measurement
from tests.support.measuring import MEGABYTE, NOW, measurement


def report(measured: Measurement, named: str = "1000 MB") -> StorageReport:
    limit = limit_named(named, measured.system, read_plans())
    return assess(measured, limit=limit, past=[], plans=read_plans(), now=NOW)


def test_a_plan_that_counts_data_counts_it_before_compression() -> None:
    measured = measurement(megabytes=100, data_megabytes=256)
    assert report(measured, "atlas-m0").share == pytest.approx(0.5)
    assert report(measured, "512 MB").share == pytest.approx(100 / 512)


def test_other_databases_of_the_server_count_too() -> None:
    assert report(measurement(megabytes=100, others=400)).used == 500 * MEGABYTE


def test_months_left_are_what_is_free_by_what_comes_in() -> None:
    # 100,000 plays in 100 MB: a play is 1 KB, 50,000 a month are 50 MB.
    assert report(measurement(megabytes=100, a_month=50_000)).months_left == pytest.approx(18)


def test_a_server_that_is_over_its_limit_has_no_month_left() -> None:
    assert report(measurement(megabytes=1100, a_month=50_000)).months_left == 0


def test_without_growth_or_limit_no_end_is_told() -> None:
    assert report(measurement(a_month=0)).months_left is None
    assert report(measurement(a_month=50_000), "none").months_left is None


@pytest.mark.parametrize(
    ("megabytes", "a_month", "level"),
    [
        (799, 0, Level.FINE),
        (800, 0, Level.WARNING),
        (949, 0, Level.WARNING),
        (950, 0, Level.CRITICAL),
        (100, 250_000, Level.FINE),
        (100, 350_000, Level.WARNING),
    ],
)
def test_it_is_warned_of_from_80_and_95_percent_and_three_months_before_the_end(
    megabytes: float, a_month: float, level: Level
) -> None:
    assert report(measurement(megabytes=megabytes, a_month=a_month)).level is level


def test_a_server_without_a_limit_is_never_warned_of() -> None:
    assert report(measurement(megabytes=10**6, a_month=10**6), "none").level is Level.FINE


def test_archiving_frees_what_old_plays_and_their_part_of_the_indexes_take() -> None:
    archiving = report(measurement(megabytes=100, rows=100_000, old=30_000)).archiving
    assert archiving is not None
    assert (archiving.plays, archiving.frees) == (30_000, 30 * MEGABYTE)


def test_where_no_play_is_old_archiving_is_not_spoken_of() -> None:
    assert report(measurement(old=0)).archiving is None
