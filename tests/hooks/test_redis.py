"""The hook's client: Airflow's connection, with short patience and the options of its extra."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis
from airflow.sdk.exceptions import AirflowException

from echotune.connections import redis_connection
from echotune.enrichment.shared_state import SharedState
from echotune.hooks.redis import SharedRedisHook
from local import ports

Connect = Callable[[str], None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Makes Airflow know a REDIS_URL as the deployment's connection."""

    def set_connection(uri: str) -> None:
        body = redis_connection(uri).as_body()
        names = {"conn_type", "host", "port", "login", "password", "extra"}
        text = json.dumps({name: value for name, value in body.items() if name in names and value is not None})
        monkeypatch.setenv("AIRFLOW_CONN_ECHOTUNE_REDIS", text)

    return set_connection


@pytest.fixture
def nowhere() -> str:
    """An address where no Redis is."""
    return f"redis://:hush@127.0.0.1:{ports.free_port()}/0"


def options(client: redis.Redis) -> dict[str, Any]:
    return client.get_connection_kwargs()


def test_the_client_is_of_the_connection_and_answers_in_bytes(connect: Connect, redis_uri: str) -> None:
    connect(redis_uri)
    client = SharedRedisHook().get_client()
    client.set("echotune:test", "ü")
    assert client.get("echotune:test") == "ü".encode()
    assert options(client)["db"] == 15


def test_a_redis_that_is_away_is_noticed_soon_and_only_when_used(connect: Connect, nowhere: str) -> None:
    connect(nowhere)
    began = time.monotonic()
    hook = SharedRedisHook()
    client = hook.find_client()
    assert client is hook.get_client()
    assert client is not None
    assert (options(client)["socket_connect_timeout"], options(client)["socket_timeout"]) == (2, 5)
    with pytest.raises(redis.ConnectionError) as error:
        client.ping()
    assert time.monotonic() - began < 3
    assert "hush" not in str(error.value)


def test_options_of_the_url_win(connect: Connect, redis_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    connect(f"{redis_uri}?socket_timeout=1.5&health_check_interval=30&client_name=me&decode_responses=true")
    client = SharedRedisHook().get_client()
    assert client.client_getname() in ("me", b"me")
    assert options(client)["socket_timeout"] == 1.5
    assert options(client)["socket_connect_timeout"] == 2
    assert options(client)["decode_responses"] is False
    assert "its extra 'decode_responses' is not used" in caplog.text


def test_an_option_that_makes_no_sense_is_named(connect: Connect, nowhere: str) -> None:
    connect(f"{nowhere}?socket_timeout=soon")
    with pytest.raises(AirflowException, match="connection echotune_redis: its extra 'socket_timeout' is 'soon'"):
        SharedRedisHook().get_client()


def test_tls_settings_reach_the_client(connect: Connect, nowhere: str) -> None:
    connect(f"{nowhere.replace('redis://', 'rediss://')}?ssl_cert_reqs=optional&ssl_ca_path=/etc/ssl/certs")
    found = options(SharedRedisHook().get_client())
    assert (found["ssl_cert_reqs"], found["ssl_ca_path"]) == ("optional", "/etc/ssl/certs")


def test_no_connection_is_no_client_and_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ECHOTUNE_REDIS", raising=False)
    assert SharedRedisHook("echotune_redis_of_nobody").find_client() is None
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "There is no connection echotune_redis_of_nobody, so there is no Redis. The run goes on without it: one worker "
        "alone makes calls, with a limiter of its own at the same limits, and nothing is cached. Set REDIS_URL, or "
        "make the connection."
    ]


def test_a_cluster_that_is_away_is_no_client_and_one_warning(
    connect: Connect, nowhere: str, caplog: pytest.LogCaptureFixture
) -> None:
    connect(f"{nowhere}?cluster=true")
    assert SharedRedisHook().find_client() is None
    assert "The Redis cluster at 127.0.0.1 does not answer" in caplog.text
    assert "hush" not in caplog.text


def test_a_cluster_is_used_like_any_redis(connect: Connect, redis_cluster_uri: str) -> None:
    connect(f"{redis_cluster_uri}?cluster=true&socket_timeout=1.5")
    client = SharedRedisHook().get_client()
    assert SharedState(client).run(lambda used: used.set("echotune:test", "1"), lambda: None)
    assert options(client)["socket_timeout"] == 1.5
