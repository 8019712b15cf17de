"""Plain HTTP calls to the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import httpx

from local.servers.simulator import SpotifySimulator
from local.simulator.chance import identifier


def some_ids(count: int, first: int = 0) -> list[str]:
    """Ids as real ones look."""
    return [identifier("some", number) for number in range(first, first + count)]


class Caller:
    """Calls one simulator, with a token it was given."""

    def __init__(self, simulator: SpotifySimulator) -> None:
        """Ask for a token at once."""
        self.simulator = simulator
        self.http = httpx.Client(trust_env=False, verify=False, timeout=20)
        self.renew()

    def __enter__(self) -> Self:
        """Use it in a with statement."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close its connections."""
        self.http.close()

    def renew(self) -> None:
        """Take a new token."""
        self.http.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def token(self, secret: str | None = None, grant: str = "client_credentials") -> httpx.Response:
        """Ask for a token."""
        login = (self.simulator.client_id, self.simulator.password if secret is None else secret)
        return self.http.post(f"{self.simulator.accounts_url}/api/token", data={"grant_type": grant}, auth=login)

    def get(self, path: str) -> httpx.Response:
        """Call a path below /v1."""
        return self.http.get(f"{self.simulator.api_url}/{path}")

    def batch(self, endpoint: str, ids: Sequence[str]) -> httpx.Response:
        """Call an endpoint as spotipy does, with a slash before the question mark."""
        return self.get(f"{endpoint}/?ids={','.join(ids)}")

    def reccobeats(self, ids: Sequence[str]) -> httpx.Response:
        """Ask ReccoBeats, without a token."""
        url = f"{self.simulator.reccobeats_url}/audio-features?ids={','.join(ids)}"
        return self.http.get(url, headers={"Authorization": ""})

    def report(self, service: str = "spotify", full: bool = False) -> Any:
        """What was counted of a service."""
        return self.simulator.control.report(full)["services"][service]
