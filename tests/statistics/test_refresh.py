"""The collection of statistics: of everyone who has plays, and of nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from echotune.history.store import HistoryStore
from echotune.statistics.errors import StatisticsError
from echotune.statistics.refresh import refresh_statistics
from echotune.statistics.settings import StatisticsSettings

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def play(username: str, *, updated_at: datetime = LONG_AGO) -> dict[str, Any]:
    return {
        "_id": uuid4(),
        "user": {"username": username},
        "timestamp": LONG_AGO,
        "listening": {"ms_played": 1_000},
        "updated_at": updated_at,
    }


@pytest.fixture
def two_users(store: HistoryStore) -> HistoryStore:
    store.plays.insert_many([play("anna"), play("bert")])
    refresh_statistics(store, StatisticsSettings())
    return store


def plays_told(store: HistoryStore) -> dict[str, int]:
    return {each["_id"]: each["totals"]["plays"] for each in store.listening_statistics.find()}


def test_every_user_has_one_document(two_users: HistoryStore) -> None:
    assert plays_told(two_users) == {"anna": 1, "bert": 1}


def test_only_users_whose_plays_changed_are_counted_again(two_users: HistoryStore) -> None:
    two_users.plays.insert_one(play("anna", updated_at=datetime.now(UTC)))
    refreshed = refresh_statistics(two_users, StatisticsSettings())
    assert (refreshed.users, refreshed.unchanged) == (1, 1)
    assert plays_told(two_users) == {"anna": 2, "bert": 1}


def test_a_play_that_was_on_its_way_at_the_last_refresh_is_not_missed(two_users: HistoryStore) -> None:
    two_users.plays.insert_one(play("anna", updated_at=datetime.now(UTC) - timedelta(minutes=5)))
    assert refresh_statistics(two_users, StatisticsSettings()).users == 1


def test_another_time_zone_counts_its_user_again(two_users: HistoryStore) -> None:
    settings = StatisticsSettings(time_zones={"bert": "Asia/Tokyo"})
    assert refresh_statistics(two_users, settings).users == 1


def test_a_full_refresh_counts_everyone_again(two_users: HistoryStore) -> None:
    assert refresh_statistics(two_users, StatisticsSettings(full_refresh=True)).users == 2


def test_a_user_whose_plays_are_gone_has_no_statistics(two_users: HistoryStore) -> None:
    two_users.plays.delete_many({"user.username": "bert"})
    assert refresh_statistics(two_users, StatisticsSettings()).removed == 1
    assert plays_told(two_users) == {"anna": 1}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone: 'Mars/Olympus' is no time zone"),
        ({"time_zone": "../../etc/passwd"}, "is no time zone"),
        ({"time_zones": '{"anna": "Here"}'}, "time_zones.anna: 'Here' is no time zone"),
        ({"time_zones": "{"}, "time_zones: is not JSON"),
        ({"session_pause_minutes": "0"}, "session_pause_minutes: "),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(StatisticsError) as caught:
        StatisticsSettings.of(settings)
    assert complaint in str(caught.value)


def test_settings_are_read_as_templates_give_them() -> None:
    given = {"time_zone": "UTC", "time_zones": '{"anna": "Asia/Tokyo"}', "session_pause_minutes": "5"}
    settings = StatisticsSettings.of(given | {"full_refresh": "True"})
    assert (settings.zone_of("anna"), settings.zone_of("bert"), settings.full_refresh) == ("Asia/Tokyo", "UTC", True)
