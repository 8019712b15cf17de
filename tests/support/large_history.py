"""As many plays as the data set has, with only what indexes are over, made in seconds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any
from uuid import UUID

from echotune.history.store import HistoryStore

PLAYS = 208_934
TRACKS = 20_000
USERS = ("anna", "bert", "carla", "dora", "emil")
NEWEST = datetime(2024, 1, 1, tzinfo=UTC)
MINUTES_BETWEEN = 25
FILE = hashlib.sha256(b"a file").hexdigest()
SYNCED_BEFORE = NEWEST - timedelta(days=7)
BATCH = 20_000

Document = dict[str, Any]


def fill(store: HistoryStore, plays: int = PLAYS) -> None:
    """Insert plays and the tracks, artists and albums that they are of."""
    batch = []
    for play in make_plays(plays):
        batch.append(play)
        if len(batch) == BATCH:
            store.plays.insert_many(batch, ordered=False)
            batch = []
    store.plays.insert_many(batch, ordered=False)
    for catalog in (store.tracks, store.artists, store.albums):
        catalog.insert_many([_catalog_entry(number) for number in range(TRACKS)], ordered=False)


def make_plays(plays: int) -> Iterator[Document]:
    """Plays, the newest first; the same ones each time."""
    chance = Random(1)
    for number in range(plays):
        # Few tracks are played often.
        track = int(TRACKS * chance.random() ** 3)
        yield {
            "_id": UUID(int=chance.getrandbits(128)),
            "spotify_track_uri": f"spotify:track:{track:022}",
            "timestamp": NEWEST - timedelta(minutes=MINUTES_BETWEEN * number),
            "user": {"username": USERS[int(len(USERS) * chance.random() ** 2)]},
            "track": {
                "name": f"Song {track}",
                "artist": f"Band {track % 4000}",
                "album": f"Record {track % 9000}",
            },
            "source": {"sha256": FILE, "row": number},
            "updated_at": NEWEST if number < plays // 500 else NEWEST - timedelta(days=30),
            # Every seventh track has no features.
            **({"audio_features": _features(track)} if track % 7 else {}),
            **({"duplicate_of": {"play": UUID(int=number), "rule": "same_second"}} if number % 1000 == 1 else {}),
        }


@cache
def _features(track: int) -> Document:
    chance = Random(track)
    names = ("danceability", "energy", "valence")
    return {**{name: chance.random() for name in names}, "tempo": 60 + 120 * chance.random()}


def _catalog_entry(number: int) -> Document:
    due = number % 50 == 0
    state = {"status": "pending" if due else "enriched"}
    return {
        "_id": f"{number:022}",
        "play_count": number * 7919 % 1000,
        "first_played_at": NEWEST - timedelta(hours=number),
        "updated_at": NEWEST if due else NEWEST - timedelta(days=30),
        "enrichment": {"catalog": state, "audio_features": state},
        **({"embedding_due": NEWEST} if due else {}),
    }
