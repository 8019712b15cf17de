"""A small history in MongoDB, enriched and synced, with the connections that the page reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pymongo.database import Database

from echotune.connections import connections_from_settings
from echotune.dashboard.databases import Databases
from echotune.dashboard.panel_answers import Panels
from echotune.history.store import HistoryStore
from local.ports import LOOPBACK, free_port

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""


@pytest.fixture
def settings(database: Database[Any], mongodb_uri: str, supabase_uri: str, redis_uri: str) -> dict[str, str]:
    """What a person would set for these databases."""
    return {
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE": database.name,
        "DATABASE_URL": _address(supabase_uri),
        "REDIS_URL": redis_uri,
    }


@pytest.fixture
def nothing_there() -> dict[str, str]:
    """Settings of servers that are away."""
    return {
        "MONGODB_URI": f"mongodb://me:a-secret@{LOOPBACK}:{free_port()}/?authSource=admin",
        "DATABASE_URL": f"postgresql://me:a-secret@{LOOPBACK}:{free_port()}/x",
        "REDIS_URL": f"redis://:a-secret@{LOOPBACK}:{free_port()}/0",
    }


def know(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    """Let Airflow know the connections of these settings."""
    for connection in connections_from_settings(settings):
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection.connection_id.upper()}", connection.as_json())


@pytest.fixture
def panels(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> Panels:
    """The panels over the databases of the test; Airflow's own knows no runs."""
    know(monkeypatch, settings)
    monkeypatch.setattr("echotune.dashboard.panel_answers.last_runs", lambda *_: {})
    monkeypatch.setattr("echotune.dashboard.panel_answers.last_choice", lambda *_: None)
    return Panels(Databases())


def play(number: int, **fields: Any) -> dict[str, Any]:
    """A play an hour after the one before."""
    at = NOW + timedelta(hours=number)
    return {
        "_id": number, "timestamp": at, "user": {"username": "anna"}, "updated_at": at,
        "track": {"name": "Song", "artist": "Band"}, "listening": {"ms_played": 1000}, **fields,
    }  # fmt: skip


@pytest.fixture
def history(store: HistoryStore) -> HistoryStore:
    """Two plays on a Monday in March at 12 and 13 h, one in May, and their catalog."""
    later = datetime(2026, 5, 1, tzinfo=UTC)
    store.plays.insert_many([play(0), play(1), play(2, timestamp=later, user={"username": "berta"})])
    features = {"energy": 0.31, "tempo": 400.0, "loudness": -10.0, "danceability": 1.0}
    known = {"status": "enriched", "provider": "spotify"}
    store.tracks.insert_many(
        [
            {
                "_id": "a" * 22, "play_count": 2, "genres": ["rock", "pop"], "audio_features": features,
                "enrichment": {"audio_features": known, "catalog": known},
            },
            {
                "_id": "b" * 22, "play_count": 1, "genres": ["rock"],
                "enrichment": {"audio_features": {"status": "pending"}, "catalog": {"status": "pending"}},
            },
        ]
    )  # fmt: skip
    store.artists.insert_many(
        [{"_id": "x", "name": "Band", "play_count": 3}, {"_id": "y", "name": "Other", "play_count": 0}]
    )
    return store


@pytest.fixture
def connection(supabase_uri: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(supabase_uri, autocommit=True) as open_connection:
        yield open_connection


@pytest.fixture
def empty_redis(redis_client: redis.Redis) -> redis.Redis:
    return redis_client


def _address(uri: str) -> str:
    parts = conninfo_to_dict(make_conninfo(uri))
    return "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
