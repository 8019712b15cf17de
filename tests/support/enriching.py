"""What providers need: clients of the simulator, a gate that loses no time, capabilities of one worker."""

from __future__ import annotations

from echotune.enrichment.capabilities import Capabilities
from echotune.enrichment.gate import Gate
from echotune.enrichment.http import Bounds
from echotune.enrichment.limits import WINDOW_SECONDS, Limits
from echotune.enrichment.local_limiter import LocalLimiter
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.shared_state import SharedState
from echotune.enrichment.spotify_client import SpotifyClient
from local.servers.simulator import SpotifySimulator

QUICK = Bounds(connect_seconds=1, read_seconds=0.4, total_seconds=2)


class Clock:
    """A clock that only sleeping moves, so that waits are kept and take no time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def open_gate(service: str) -> Gate:
    """A gate with room for every call."""
    clock = Clock()
    limiter = LocalLimiter(clock=clock.now)
    clock.sleep(WINDOW_SECONDS)
    return Gate(limiter=limiter, service=service, limits=Limits(calls_per_30s=100_000), sleep=clock.sleep)


def new_capabilities() -> Capabilities:
    """Capabilities of which nothing is known."""
    return Capabilities(SharedState(None), "application")


def spotify_client(simulator: SpotifySimulator) -> SpotifyClient:
    urls = (simulator.api_url, simulator.accounts_url)
    return SpotifyClient(simulator.client_id, simulator.password, None, *urls, bounds=QUICK)


def reccobeats_client(simulator: SpotifySimulator) -> ReccoBeatsClient:
    return ReccoBeatsClient(simulator.reccobeats_url, bounds=QUICK)
