"""The settings of statistics: what they may be, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.statistics.errors import StatisticsError
from echotune.statistics.settings import StatisticsSettings


def test_a_user_without_a_zone_has_that_of_everyone() -> None:
    settings = StatisticsSettings.of({"time_zone": "Europe/Amsterdam", "time_zones": '{"anna": "Asia/Tokyo"}'})
    assert (settings.zone_of("anna"), settings.zone_of("bert")) == ("Asia/Tokyo", "Europe/Amsterdam")


def test_an_empty_text_is_no_zones() -> None:
    assert StatisticsSettings.of({"time_zones": " "}).time_zones == {}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("time_zone", "Mars/Olympus", "is no time zone"),
        ("time_zone", "../etc/passwd", "is no time zone"),
        ("time_zones", "{", "is not JSON"),
        ("time_zones", '{"anna": ' * 100_000, "is not JSON"),
        ("time_zones", '{"anna": "Mars/Olympus"}', "is no time zone"),
        ("session_pause_minutes", 0, "greater than or equal to 1"),
        ("unknown", 1, "not permitted"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_setting_that_is_wrong_is_named(name: str, value: Any, problem: str) -> None:
    with pytest.raises(StatisticsError, match=f"{name}.*{problem}"):
        StatisticsSettings.of({name: value})
