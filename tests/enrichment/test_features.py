"""The twelve audio features: types and ranges."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.errors import FeatureError
from echotune.enrichment.features import FEATURE_NAMES, FEATURES, read_features
from echotune.history.columns import COLUMNS

VALUES: dict[str, Any] = {
    "danceability": 0.5,
    "energy": 1,
    "key": -1,
    "loudness": -7.25,
    "mode": 1,
    "speechiness": 0.03,
    "acousticness": 0,
    "instrumentalness": 5.22e-06,
    "liveness": 0.1,
    "valence": 0.046,
    "tempo": 120,
    "time_signature": 4,
}


def test_the_features_are_those_of_the_history() -> None:
    prefix = "audio_features."
    assert list(FEATURE_NAMES) == [
        column.path.removeprefix(prefix) for column in COLUMNS if column.path.startswith(prefix)
    ]


def test_features_have_the_types_that_the_history_has() -> None:
    values = read_features(VALUES | {"id": "x", "type": "audio_features"})
    assert values == VALUES
    whole = {"key", "mode", "time_signature"}
    assert {name: type(value) for name, value in values.items()} == {
        name: int if name in whole else float for name in FEATURE_NAMES
    }


def test_a_whole_number_may_be_written_as_a_float() -> None:
    assert type(read_features(VALUES | {"key": 5.0})["key"]) is int


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_the_ends_of_each_range_are_in_it_and_what_is_beyond_is_not(feature: Any) -> None:
    for value in (feature.low, feature.high):
        assert read_features(VALUES | {feature.name: value})[feature.name] == value
    step = 1 if feature.whole else 0.001
    for value in (feature.low - step, feature.high + step):
        with pytest.raises(FeatureError, match=f"^{feature.name} is {value!r}, not a .*number from {feature.low:g} to"):
            read_features(VALUES | {feature.name: value})


@pytest.mark.parametrize("name", FEATURE_NAMES)
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, "0.5", "", True, False, [], {}, b"1", 1j, 10**400, -(10**400)], ids=repr
)
def test_what_is_no_number_in_the_range_is_no_feature(name: str, value: Any) -> None:
    with pytest.raises(FeatureError, match=f"^{name} is ") as raised:
        read_features(VALUES | {name: value})
    assert len(str(raised.value)) < 150


@pytest.mark.parametrize("name", ["key", "mode", "time_signature"])
def test_a_whole_number_has_no_fraction(name: str) -> None:
    with pytest.raises(FeatureError, match=f"^{name} is 0.5, not a whole number"):
        read_features(VALUES | {name: 0.5})


@pytest.mark.parametrize("name", FEATURE_NAMES)
def test_a_missing_feature_is_named(name: str) -> None:
    with pytest.raises(FeatureError, match=f"^{name} is missing"):
        read_features({key: value for key, value in VALUES.items() if key != name})
    with pytest.raises(FeatureError, match=f"^{name} is missing"):
        read_features(VALUES | {name: None})


def test_an_optional_feature_may_be_missing_but_not_wrong() -> None:
    without = {name: value for name, value in VALUES.items() if name != "time_signature"}
    assert read_features(without, optional=("time_signature",)) == without
    with pytest.raises(FeatureError, match="time_signature is 99"):
        read_features(without | {"time_signature": 99}, optional=("time_signature",))


@given(
    st.dictionaries(st.sampled_from(FEATURE_NAMES), st.none() | st.floats() | st.integers() | st.text() | st.booleans())
)
def test_whatever_comes_is_refused_or_in_its_range(changes: dict[str, Any]) -> None:
    try:
        values = read_features(VALUES | changes)
    except FeatureError:
        return
    for feature in FEATURES:
        value = values[feature.name]
        assert feature.low <= value <= feature.high
        assert type(value) is (int if feature.whole else float)
