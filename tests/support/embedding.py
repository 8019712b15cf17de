"""Plays and tracks of which something is known, and what embedding wrote."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from echotune.enrichment.embedding import Embedded, embed_due
from echotune.history.store import HistoryStore
from tests.support.rows import track_uri
from tests.support.shaping import shape
from tests.support.working import BEFORE

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
"""When the plays of these tests changed last."""


WAYS = {"by tracks": 1_000.0, "by users": 0.0}
"""The share of plays above which tracks are looked up user by user, so that none are, or all."""


def embed(store: HistoryStore, way: str) -> Embedded:
    """Embed what became due before this very millisecond."""
    time.sleep(0.002)
    return embed_due(store, by_users_above=WAYS[way])


def put_play(store: HistoryStore, number: int, cells: Sequence[str], track: int) -> dict[str, Any]:
    """A play of a numbered track, as a load writes it."""
    play = shape(cells, number=number)
    play |= {"_id": number, "spotify_track_uri": track_uri(track), "updated_at": LONG_AGO}
    store.plays.insert_one(deepcopy(play))
    return play


def enriched_state(provider: str) -> dict[str, Any]:
    """The state of what a provider told."""
    return {"status": "enriched", "provider": provider, "attempts": 0, "fetched_at": BEFORE}


def put_track(store: HistoryStore, number: int, knowledge: Mapping[str, Any]) -> None:
    """A numbered track of which something is known, due for embedding."""
    identity = track_uri(number)[14:]
    document = {"_id": identity, "uri": track_uri(number), "play_count": 1, "embedding_due": BEFORE, **knowledge}
    if "audio_features" not in knowledge:
        # As settlement leaves a track whose made-up values it took away.
        document["values_withdrawn"] = True
    store.tracks.replace_one({"_id": identity}, document, upsert=True)


def known(provider: str = "spotify", catalog: str = "spotify", **values: Any) -> dict[str, Any]:
    """Knowledge of a track from two providers."""
    states = {"audio_features": enriched_state(provider), "catalog": enriched_state(catalog)}
    return {"enrichment": states, **values}


def value_at(play: Mapping[str, Any], path: str) -> Any:
    """What a play has at a dotted path; None where it has nothing."""
    for name in path.split("."):
        play = play.get(name, {})
    return None if play == {} else play
