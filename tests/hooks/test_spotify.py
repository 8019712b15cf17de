"""The hook of Spotify: an Airflow connection becomes clients."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest
import redis
from airflow.sdk.exceptions import AirflowException

from echotune.connections import spotify_connection
from echotune.enrichment.addresses import RECCOBEATS_API, SPOTIFY_API
from echotune.enrichment.answers import Outcome
from echotune.enrichment.spotify_client import Kind
from echotune.hooks import spotify
from echotune.hooks.spotify import SpotifyHook
from local.servers.simulator import SpotifySimulator

VARIABLE = "AIRFLOW_CONN_ECHOTUNE_SPOTIFY"
TRACK = "11dFghVXANMlKmJXsNCbNl"

Connect = Callable[..., None]


@pytest.fixture
def connect(simulator: SpotifySimulator, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Make the connection out of a user's settings: those of the simulator, and others in their place."""

    def make(**changes: str) -> None:
        settings = {
            "SPOTIFY_CLIENT_ID": simulator.client_id,
            "SPOTIFY_CLIENT_SECRET": simulator.password,
            "SPOTIFY_API_URL": simulator.api_url,
            "SPOTIFY_ACCOUNTS_URL": simulator.accounts_url,
            "RECCOBEATS_API_URL": simulator.reccobeats_url,
        }
        connection = asdict(spotify_connection(settings | changes))
        del connection["connection_id"]
        monkeypatch.setenv(VARIABLE, json.dumps(connection))

    return make


@pytest.fixture
def masked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Airflow was told to keep out of its logs."""
    told: list[str] = []
    monkeypatch.setattr(spotify, "mask_secret", told.append)
    return told


def test_its_clients_call_where_the_connection_says(connect: Connect) -> None:
    connect()
    hook = SpotifyHook()
    assert hook.get_client().one(Kind.TRACKS, TRACK).outcome is Outcome.DATA
    assert hook.get_reccobeats_client().audio_features([TRACK]).outcome is Outcome.DATA


def test_services_are_in_their_usual_places_where_nothing_else_is_said(connect: Connect) -> None:
    connect(SPOTIFY_API_URL="", SPOTIFY_ACCOUNTS_URL="", RECCOBEATS_API_URL="")
    hook = SpotifyHook()
    assert hook.get_client().api_url == f"{SPOTIFY_API}/"
    assert hook.get_reccobeats_client().api_url == RECCOBEATS_API


def test_workers_share_a_token_through_redis(
    connect: Connect, simulator: SpotifySimulator, redis_client: redis.Redis
) -> None:
    connect()
    for _ in range(2):
        assert SpotifyHook().get_client(redis_client).one(Kind.TRACKS, TRACK).outcome is Outcome.DATA
    assert simulator.control.report()["tokens_issued"] == 1
    (key,) = map(str, redis_client.keys())
    assert "echotune:spotify:token:" in key
    assert simulator.client_id not in key


def test_secret_and_token_are_masked_before_their_use(
    connect: Connect, simulator: SpotifySimulator, masked: list[str], redis_client: redis.Redis
) -> None:
    connect()
    SpotifyHook().get_client(redis_client).one(Kind.TRACKS, TRACK)
    (key,) = redis_client.keys()
    token = json.loads(redis_client.get(key))["access_token"]  # type: ignore[arg-type]
    assert {simulator.password, token} <= set(masked)


def test_a_connection_that_works_says_so(connect: Connect, simulator: SpotifySimulator) -> None:
    connect()
    assert SpotifyHook().test_connection() == (
        True,
        f"Spotify gave a token and answered at {simulator.api_url}/",
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"SPOTIFY_CLIENT_SECRET": "wrong"}, "check SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"),
        ({"SPOTIFY_CLIENT_SECRET": "with space"}, "SPOTIFY_CLIENT_SECRET"),
        ({"SPOTIFY_API_URL": "http://127.0.0.1:1"}, "the connection to 127.0.0.1 failed"),
        ({"SPOTIFY_ACCOUNTS_URL": "nowhere"}, "check it in the settings"),
    ],
)
def test_a_connection_that_does_not_work_says_why(connect: Connect, changes: dict[str, str], told: str) -> None:
    connect(**changes)
    works, message = SpotifyHook().test_connection()
    assert not works
    assert told in message


def test_a_rate_limit_is_no_broken_connection(connect: Connect, simulator: SpotifySimulator) -> None:
    connect()
    simulator.control.set_rules([{"endpoint": "tracks", "what": "rate_limit", "retry_after": 77, "seconds": 0}])
    works, message = SpotifyHook().test_connection()
    assert works
    assert "77 s" in message


@pytest.mark.parametrize(
    ("connection", "named"),
    [
        (None, "no SPOTIFY_CLIENT_ID and no SPOTIFY_CLIENT_SECRET"),
        ({"conn_type": "generic"}, "no SPOTIFY_CLIENT_ID and no SPOTIFY_CLIENT_SECRET"),
        ({"conn_type": "generic", "login": "id"}, "no SPOTIFY_CLIENT_SECRET"),
        ({"conn_type": "generic", "password": "secret-of-the-client"}, "no SPOTIFY_CLIENT_ID:"),
    ],
)
def test_missing_credentials_are_named(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, str] | None, named: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if connection is not None:
        monkeypatch.setenv(VARIABLE, json.dumps(connection))
    with pytest.raises(AirflowException, match=named) as raised:
        SpotifyHook().get_client()
    assert "secret-of-the-client" not in str(raised.value)
    works, message = SpotifyHook().test_connection()
    assert (works, named in message) == (False, True)


def test_reccobeats_needs_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert SpotifyHook().get_reccobeats_client().api_url == RECCOBEATS_API
