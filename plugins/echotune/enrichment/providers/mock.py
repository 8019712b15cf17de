"""Made-up audio features, for trying the platform without any service. They say nothing of the music."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from echotune.enrichment.features import FEATURES, Feature, read_features
from echotune.enrichment.providers.base import Lookup

BYTES_A_FEATURE = 4
DIGITS = 3
PLAUSIBLE = {"key": (0, 11), "loudness": (-30, 0), "tempo": (60, 200), "time_signature": (3, 7)}
"""Where music usually is, for features whose range allows more than that."""


class MockFeatures:
    """Gives every id features that depend on the id alone. The provider's name marks them wherever they are stored."""

    name = "mock"
    batch_size = 1000

    def look_up(self, ids: Sequence[str]) -> Lookup:
        """Make up features for any ids."""
        return Lookup(found={id_: read_features(_features(id_)) for id_ in ids})


def _features(id_: str) -> dict[str, float]:
    digest = hashlib.blake2b(id_.encode(), digest_size=BYTES_A_FEATURE * len(FEATURES)).digest()
    parts = [digest[start : start + BYTES_A_FEATURE] for start in range(0, len(digest), BYTES_A_FEATURE)]
    return {feature.name: _value(feature, part) for feature, part in zip(FEATURES, parts, strict=True)}


def _value(feature: Feature, part: bytes) -> float:
    share = int.from_bytes(part) / 256**BYTES_A_FEATURE
    low, high = PLAUSIBLE.get(feature.name, (feature.low, feature.high))
    return low + int(share * (high - low + 1)) if feature.whole else round(low + share * (high - low), DIGITS)
