"""Made-up features."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.features import FEATURE_NAMES, read_features
from echotune.enrichment.providers.mock import MockFeatures
from tests.support.simulator import some_ids


def test_they_are_the_same_on_every_machine() -> None:
    assert MockFeatures().look_up(["0" * 22]).found == {
        "0" * 22: {
            "danceability": 0.882,
            "energy": 0.931,
            "key": 4,
            "loudness": -20.871,
            "mode": 1,
            "speechiness": 0.461,
            "acousticness": 0.107,
            "instrumentalness": 0.567,
            "liveness": 0.052,
            "valence": 0.324,
            "tempo": 178.915,
            "time_signature": 7,
        }
    }


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_id_has_all_features_in_their_ranges(id_: str) -> None:
    values = MockFeatures().look_up([id_]).found[id_]
    assert tuple(values) == FEATURE_NAMES
    assert read_features(values) == values


def test_ids_differ_and_values_spread() -> None:
    found = MockFeatures().look_up(some_ids(1000)).found
    assert len({tuple(values.values()) for values in found.values()}) == 1000
    assert {values["key"] for values in found.values()} == set(range(12))
    assert {values["mode"] for values in found.values()} == {0, 1}


def test_the_name_marks_what_is_made_up() -> None:
    assert MockFeatures().name == "mock"
