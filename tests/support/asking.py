"""Tracks of which it is known who tells what, and what a simulator was asked."""

from __future__ import annotations

from typing import Any

import redis

from echotune.enrichment.settings import EnrichmentKind, Subject
from echotune.history.store import Documents
from local.servers.simulator import SpotifySimulator
from tests.support.simulator import some_ids
from tests.support.working import Desk, true_reccobeats, true_values

KIND_TIMES = [f"enrichment.{kind}.{name}" for kind in EnrichmentKind for name in ("fetched_at", "next_attempt_at")]
TIMES = ("updated_at", "embedding_due", *KIND_TIMES)
"""The fields that say when something was done."""

FEATURES, TRACKS, ARTISTS, ALBUMS = Subject
ALL_IDS = some_ids(3_000)
KNOWN = [one for one in ALL_IDS if true_values(FEATURES, one) and true_reccobeats(one)]
ONLY_SPOTIFY = next(one for one in ALL_IDS if true_values(FEATURES, one) and not true_reccobeats(one))
LATER = {"retry_after": 120, "seconds": 0}
"""A rule's stop that begins and ends at once, and asks callers to wait for two minutes."""

ENDPOINTS = {FEATURES: "audio-features", TRACKS: "tracks", ARTISTS: "artists", ALBUMS: "albums"}


def collection_of(desk: Desk, subject: Subject) -> Documents:
    """The documents that a subject's worker enriches."""
    return desk.store.database[subject.collection]


def report(simulator: SpotifySimulator, service: str = "spotify") -> Any:
    """What the simulator counted of a service."""
    return simulator.control.report()["services"][service]


def asked_again(simulator: SpotifySimulator) -> dict[str, int]:
    """The ids that got more than one true answer, of whatever service."""
    services = simulator.control.report()["services"].values()
    return {
        one: count
        for service in services
        for end in service["endpoints"].values()
        for one, count in end["answered_again"].items()
    }


def forget_refusals(client: redis.Redis) -> None:
    """End stops and forget what was found closed; answers that were cached stay."""
    for key in client.scan_iter("echotune:*"):
        if not key.startswith(b"echotune:answer:"):
            client.delete(key)
