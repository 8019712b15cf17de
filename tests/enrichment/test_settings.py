"""The settings of an enrichment: what they may be, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.limits import Limits
from echotune.enrichment.settings import EnrichmentSettings


def of(**values: Any) -> EnrichmentSettings:
    return EnrichmentSettings.of(values)


def test_the_defaults_are_safe() -> None:
    settings = of()
    assert settings.kinds == ("audio_features", "catalog")
    assert settings.providers == ("spotify", "reccobeats")
    assert settings.calls_per_30s <= 30, "about one call a second"
    assert not settings.mock


def test_text_is_taken_as_templates_give_it() -> None:
    settings = of(kinds="catalog", providers=" reccobeats , spotify,", mock="false", calls_per_30s="12", max_tracks="0")
    assert settings.kinds == ("catalog",)
    assert settings.providers == ("reccobeats", "spotify")
    assert (settings.mock, settings.calls_per_30s, settings.max_tracks) == (False, 12, 0)
    assert of(providers=["reccobeats"]).providers == ("reccobeats",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kinds", "lyrics"),
        ("kinds", ["audio_features", "lyrics"]),
        ("kinds", ""),
        ("kinds", 7),
        ("providers", "tidal"),
        ("providers", "spotify, spotify"),
        ("providers", ""),
        ("providers", "mock"),
        ("providers", "local"),
        ("mock", "perhaps"),
        ("calls_per_30s", 0),
        ("calls_per_30s", "many"),
        ("calls_per_30s", 1.5),
        ("calls_per_24h", -1),
        ("calls_per_24h", None),
        ("max_tracks", -1),
        ("refresh_after_days", -1),
        ("refresh_after_days", ""),
        ("features_table", 7),
        ("workers", 0),
        ("max_run_minutes", 0),
        ("unknown", 1),
    ],
)
def test_a_setting_that_is_wrong_is_named(name: str, value: Any) -> None:
    with pytest.raises(EnrichmentError, match=name):
        of(**{name: value})


def test_every_setting_that_is_wrong_is_named() -> None:
    with pytest.raises(EnrichmentError) as error:
        of(workers=0, calls_per_30s="x", kinds="lyrics")
    message = str(error.value)
    assert all(name in message for name in ("workers", "calls_per_30s", "kinds", "'lyrics'"))
    assert "\n" not in message


def test_only_what_is_needed_has_to_be_there() -> None:
    assert of(kinds="catalog", providers="").providers == ()
    assert of(mock=True, providers="").feature_providers == ("mock",)
    assert of(providers="local", features_table="features.csv").feature_providers == ("local",)


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ({}, True),
        ({"mock": True}, False),
        ({"kinds": "audio_features", "providers": "reccobeats"}, False),
        ({"kinds": "audio_features", "providers": "reccobeats, spotify"}, True),
        ({"kinds": "catalog", "providers": "reccobeats"}, True),
    ],
)
def test_whether_spotify_is_needed(values: dict[str, Any], needed: bool) -> None:
    assert of(**values).needs_spotify is needed


def test_the_budget_of_a_day_is_spotifys_alone() -> None:
    settings = of(calls_per_30s=5, calls_per_24h=50)
    assert settings.limits_of("spotify") == Limits(calls_per_30s=5, calls_per_24h=50)
    assert settings.limits_of("reccobeats") == Limits(calls_per_30s=5, calls_per_24h=None)


@given(workers=st.integers(1, 20), more=st.integers(0, 100))
def test_shares_add_up_and_are_as_equal_as_can_be(workers: int, more: int) -> None:
    """There are never more workers than tracks: a share of nothing would mean no limit."""
    settings = of(max_tracks=workers + more)
    shares = [settings.share_of(worker, workers) for worker in range(1, workers + 1)]
    assert sum(shares) == workers + more
    assert max(shares) - min(shares) <= 1
    assert min(shares) > 0


def test_no_limit_is_no_limit_for_each() -> None:
    assert [of(max_tracks=0).share_of(worker, 3) for worker in (1, 2, 3)] == [0, 0, 0]
