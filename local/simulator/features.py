"""Audio features of any track id: Spotify's, and ReccoBeats' own."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from local.simulator.catalog import duration_ms, encode, is_unknown_track, isrc
from local.simulator.chance import numbers, pick

WITHOUT_FEATURES_SHARE = 0.007
RECCOBEATS_SHARE = 0.85
RECCOBEATS_NO_KEY_SHARE = 0.03
_METERS = (4,) * 17 + (3, 3, 5)
_CACHED = 60_000

Features = dict[str, float | int]


@lru_cache(_CACHED)
def spotify_features(track_id: str) -> bytes | None:
    """The audio-features object as JSON; None for the one track in a hundred that has none."""
    chance = numbers("features", track_id)
    if chance[15] < WITHOUT_FEATURES_SHARE or is_unknown_track(track_id):
        return None
    features = {
        **_eleven(chance),
        "type": "audio_features",
        "id": track_id,
        "uri": f"spotify:track:{track_id}",
        "track_href": f"https://api.spotify.com/v1/tracks/{track_id}",
        "analysis_url": f"https://api.spotify.com/v1/audio-analysis/{track_id}",
        "duration_ms": duration_ms(track_id),
        "time_signature": pick(chance[14], _METERS),
    }
    return encode(features)


@lru_cache(_CACHED)
def reccobeats_features(track_id: str) -> tuple[str, bytes] | None:
    """ReccoBeats' own id of the track and its object as JSON; None for what ReccoBeats does not know."""
    chance = numbers("reccobeats", track_id)
    if chance[15] >= RECCOBEATS_SHARE or is_unknown_track(track_id):
        return None
    own_id = str(UUID(int=int(chance[14] * 2**64) << 64 | int(chance[13] * 2**62), version=4))
    features = _eleven(chance)
    if chance[12] < RECCOBEATS_NO_KEY_SHARE:
        features["key"] = -1
    href = f"https://open.spotify.com/track/{track_id}"
    return own_id, encode({"id": own_id, "href": href, "isrc": isrc(track_id), **features})


def _eleven(chance: tuple[float, ...]) -> Features:
    """The features both services have, spread about as in real libraries."""
    squared = chance[0] * chance[1]
    instrumental = 0.0 if chance[2] < 0.4 else squared * squared * squared * 0.9
    return {
        "danceability": round(0.1 + (chance[3] + chance[4]) * 0.44, 3),
        "energy": round(0.02 + chance[5] * 0.97, 3),
        "key": int(chance[6] * 12),
        "loudness": round(-1.5 - chance[7] * chance[8] * 28, 3),
        "mode": int(chance[9] < 0.66),
        "speechiness": round(0.0224 + squared * 0.6, 4),
        "acousticness": round(chance[8] * chance[10] * 0.99, 5),
        "instrumentalness": round(instrumental, 8),
        "liveness": round(0.02 + chance[1] * chance[7] * 0.95, 4),
        "valence": round(0.03 + chance[11] * 0.94, 3),
        "tempo": round(58 + (chance[4] + chance[10]) * 70, 3),
    }
