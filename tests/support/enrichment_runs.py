"""What tests of enrichments by a scheduler share: a simulator that is as at its start, limits that nobody meets."""

from __future__ import annotations

from pathlib import Path

import redis

from echotune.history.catalog import refresh_catalog
from echotune.history.store import HistoryStore
from local.airflow_api import Json
from local.servers.simulator import SpotifySimulator
from local.simulator.settings import Settings
from local.stack import Stack
from tests.support.loading import load_file

DAG = "spotify_enrichment"
FREE = {"calls_per_30s": 10_000, "calls_per_24h": 100_000}
"""Limits that none of these runs meets."""

SPOTIFY, RECCOBEATS = "spotify-simulated", "reccobeats-simulated"
"""What the stack's services are called wherever their values or calls are told."""

BATCH = 50
"""Tracks in one call."""


def fresh_simulator(stack: Stack, shared: redis.Redis) -> SpotifySimulator:
    """The simulator as at its start, and workers that remember nothing of it."""
    forget(shared, "echotune:*")
    stack.spotify.control.settings(**Settings().model_dump(mode="json"))
    stack.spotify.control.reset()
    return stack.spotify


def forget(shared: redis.Redis, keys: str) -> None:
    for key in shared.scan_iter(keys):
        shared.delete(key)


def load(store: HistoryStore, path: Path) -> None:
    load_file(store, path)
    refresh_catalog(store)


def calls_of(report: Json) -> dict[str, int]:
    """Calls by service where there were any, those for a token left out."""
    services = report["services"].items()
    return {name: service["calls"] for name, service in services if service["calls"] and name != "accounts"}
