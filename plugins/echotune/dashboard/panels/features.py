"""How the music sounds: the distribution of each audio feature over the tracks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from echotune.dashboard.answers import NothingThereError
from echotune.history.store import HistoryStore

BINS = 20
NO_FEATURES = "No track has audio features yet: run spotify_enrichment."


@dataclass(frozen=True)
class Feature:
    """An audio feature and the range that is shown; what is beyond counts in the outermost bins."""

    name: str
    first: float = 0.0
    last: float = 1.0
    unit: str | None = None


FEATURES = (
    Feature("danceability"),
    Feature("energy"),
    Feature("valence"),
    Feature("acousticness"),
    Feature("instrumentalness"),
    Feature("speechiness"),
    Feature("liveness"),
    Feature("loudness", -40.0, 0.0, "dB"),
    Feature("tempo", 40.0, 220.0, "beats a minute"),
)


def features(store: HistoryStore) -> dict[str, Any]:
    """Tracks and their plays by twenty equal steps of each feature, and its mean over tracks.

    :raises NothingThereError: no track has features
    """
    with ThreadPoolExecutor(1) as beside:
        half = beside.submit(_distributions, store, FEATURES[::2])
        found = _distributions(store, FEATURES[1::2]) | half.result()
    told = [_feature(one, found[one.name]) for one in FEATURES]
    tracks = max(sum(step["tracks"] for step in one["bins"]) for one in told)
    if not tracks:
        raise NothingThereError(NO_FEATURES)
    return {"tracks": tracks, "features": told}


def _distributions(store: HistoryStore, shown: Sequence[Feature]) -> dict[str, list[dict[str, Any]]]:
    known = {"$match": {"audio_features": {"$exists": True}}}
    small = {"$project": {"audio_features": 1, "play_count": 1}}
    return next(store.tracks.aggregate([known, small, {"$facet": {one.name: _bins(one) for one in shown}}]))


def _bins(feature: Feature) -> list[dict[str, Any]]:
    value = f"$audio_features.{feature.name}"
    steps = BINS / (feature.last - feature.first)
    number = {"$floor": {"$add": [{"$multiply": [value, steps]}, -feature.first * steps]}}
    # A group of its own for what is no number: to leave those out before takes the server twice as long.
    known = {"$cond": [{"$isNumber": value}, number, None]}
    count = {"tracks": {"$sum": 1}, "plays": {"$sum": "$play_count"}, "sum": {"$sum": value}}
    return [{"$group": {"_id": known, **count}}]


def _feature(feature: Feature, groups: list[dict[str, Any]]) -> dict[str, Any]:
    tracks_of, plays_of = Counter[int](), Counter[int]()
    for group in (one for one in groups if one["_id"] is not None):
        number = max(0, min(BINS - 1, int(group["_id"])))
        tracks_of[number] += group["tracks"]
        plays_of[number] += group["plays"]
    width = (feature.last - feature.first) / BINS
    tracks = tracks_of.total()
    return {
        "name": feature.name,
        "unit": feature.unit,
        "from": feature.first,
        "to": feature.last,
        "mean": round(sum(group["sum"] for group in groups) / tracks, 4) if tracks else None,
        "bins": [
            {
                "from": round(feature.first + number * width, 4),
                "to": round(feature.first + (number + 1) * width, 4),
                "tracks": tracks_of[number],
                "plays": plays_of[number],
            }
            for number in range(BINS)
        ],
    }
