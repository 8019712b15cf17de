"""A listener's account at the simulator: authorized as a browser does it, and filled with plays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from echotune.enrichment.gate import Gate
from echotune.enrichment.http import Bounds
from echotune.enrichment.limits import Limits
from echotune.enrichment.local_limiter import LocalLimiter
from echotune.spotify_account.client import Account
from echotune.spotify_account.tokens import AccountAuthorization
from local.servers.simulator import SpotifySimulator
from local.simulator import catalog
from tests.support.simulator import some_ids

REDIRECT = "http://127.0.0.1:8898/callback"
QUICK = Bounds(connect_seconds=1, read_seconds=1, total_seconds=3)
MINUTE = 60_000
FIRST = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 1000 + 123
"""When the first play began, in milliseconds, as Spotify tells it and the export does not."""

TRACKS = [one for one in some_ids(400, first=9_000) if not catalog.is_unknown_track(one)]


def plays(count: int, start: int = 0, **more: Any) -> list[dict[str, Any]]:
    """Plays of different tracks, a minute apart."""
    return [
        {"uri": f"spotify:track:{TRACKS[number]}", "played_at": FIRST + number * MINUTE, **more}
        for number in range(start, start + count)
    ]


def moment(number: int) -> datetime:
    """When the play of a number was, counted from 0."""
    return datetime.fromtimestamp((FIRST + number * MINUTE) / 1000, UTC)


def authorization_at(simulator: SpotifySimulator, **more: Any) -> AccountAuthorization:
    return AccountAuthorization(
        client_id=simulator.client_id,
        redirect_uri=REDIRECT,
        accounts_url=simulator.accounts_url,
        bounds=QUICK,
        **more,
    )


def consent_to(address: str) -> dict[str, str]:
    """Open the address as a browser does; return what it brings back."""
    answer = httpx.get(address, follow_redirects=False, trust_env=False)
    assert answer.status_code == httpx.codes.FOUND, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def refresh_token_of(simulator: SpotifySimulator, username: str) -> str:
    """A refresh token of a listener who agreed."""
    simulator.control.settings(listener=username)
    authorization = authorization_at(simulator)
    code = consent_to(authorization.get_authorize_url())["code"]
    return str(authorization.exchange(code).body["refresh_token"])


class Kept:
    """Keeps a listener's refresh token, as a variable of Airflow does."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, token: str) -> None:
        self.token = token


def gate(sleep: Callable[[float], object] = lambda seconds: None, **more: Any) -> Gate:
    """A gate that does not wait."""
    limits = Limits(calls_per_30s=10_000)
    return Gate(limiter=LocalLimiter(window_seconds=0.001), service="spotify", limits=limits, sleep=sleep, **more)


def open_account(simulator: SpotifySimulator, username: str, kept: Kept | None = None) -> Account:
    """A listener's account, of which nothing was asked yet; without a token, they agree first."""
    keeper = kept or Kept(refresh_token_of(simulator, username))
    return Account(
        username,
        authorization_at(simulator),
        keeper.token,
        keep=keeper,
        gate=gate(),
        api_url=simulator.api_url,
        bounds=QUICK,
    )
