"""The twelve audio features of a track, described once: their names, types and ranges.

Source of the ranges: Spotify's reference of audio-features, widened where real values were seen outside of it
(a time signature of 0 or 1, a loudness above 0 dB).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from echotune.enrichment.errors import FeatureError
from echotune.enrichment.plain_text import excerpt
from echotune.enrichment.providers.base import Values

TIME_SIGNATURE = "time_signature"


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One audio feature: its name in MongoDB and at its sources, its type there, and the values it may have.

    :param whole: a whole number, stored as an integer; others are stored as floats
    :param unit: what it is measured in, where that is not a share of 1
    """

    name: str
    low: float
    high: float
    whole: bool = False
    unit: str = ""

    @property
    def allowed(self) -> str:
        """The range for a person."""
        return f"a {'whole ' if self.whole else ''}number from {self.low:g} to {self.high:g} {self.unit}".rstrip()


def share(name: str) -> Feature:
    """Describe a feature between 0 and 1."""
    return Feature(name=name, low=0, high=1)


FEATURES: tuple[Feature, ...] = (
    share("danceability"),
    share("energy"),
    # -1 is Spotify's sign for "no key was detected".
    Feature(name="key", low=-1, high=11, whole=True),
    Feature(name="loudness", low=-100, high=10, unit="dB"),
    Feature(name="mode", low=0, high=1, whole=True),
    share("speechiness"),
    share("acousticness"),
    share("instrumentalness"),
    share("liveness"),
    share("valence"),
    Feature(name="tempo", low=0, high=400, unit="BPM"),
    Feature(name=TIME_SIGNATURE, low=0, high=11, whole=True),
)
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
NUMBERS = frozenset({int, float})
CHECKS: tuple[tuple[str, float, float, type[int] | type[float], Feature], ...] = tuple(
    (feature.name, feature.low, feature.high, int if feature.whole else float, feature) for feature in FEATURES
)
"""What is looked at for each feature of each track."""


def read_features(source: Mapping[str, Any], *, optional: Collection[str] = ()) -> Values:
    """Return the audio features in a mapping, with the types they have in MongoDB. Other names in it are ignored.

    :param optional: features that the source may lack; such a one is left out
    :raises FeatureError: one is missing, no number, or out of its range
    """
    values: Values = {}
    for name, low, high, type_, feature in CHECKS:
        value: Any = source.get(name)
        if value is None and name in optional:
            continue
        # bool is an int to isinstance, and NaN fails every comparison.
        if type(value) not in NUMBERS or not low <= value <= high:
            raise _error(feature, value)
        values[name] = number = type_(value)
        if number != value:
            raise _error(feature, value)
    return values


def _error(feature: Feature, value: Any) -> FeatureError:
    found = "is missing" if value is None else f"is {excerpt(value, 60)}"
    return FeatureError(f"{feature.name} {found}, not {feature.allowed}")
