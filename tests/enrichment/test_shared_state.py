"""Redis goes away: one warning, one caller, no end of the run. On real servers that are killed."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.cache import AnswerCache
from echotune.enrichment.capabilities import Capabilities, Capability
from echotune.enrichment.gate import Gate
from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.limits import Limits, Permit, Wait
from echotune.enrichment.local_limiter import LocalLimiter
from echotune.enrichment.shared_state import SharedLimiter, SharedState, describe_error
from local import ports
from local.servers.redis import RedisServer
from tests.support.calling import wait_for_permit
from tests.support.redis_server import impatient_client

LIMITS = Limits(calls_per_30s=3, calls_per_24h=100)
WINDOW = 0.1
NO_RETRY = Retry(NoBackoff(), 0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own, to be killed."""
    one = RedisServer(tmp_path / "redis")
    one.start()
    yield one
    one.stop()


def limiter_of(state: SharedState, *, is_caller: bool = True) -> SharedLimiter:
    return SharedLimiter(
        state,
        is_caller=is_caller,
        start_local=lambda: LocalLimiter(window_seconds=WINDOW),
        make_shared=lambda client: RedisLimiter(client, window_seconds=WINDOW),
    )


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_killed_redis_is_one_warning_and_everything_goes_on(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    state = SharedState(impatient_client(server))
    limiter, cache, capabilities = limiter_of(state), AnswerCache(state, "test"), Capabilities(state, "app")
    permit = limiter.permit("spotify", LIMITS)
    assert isinstance(permit, Permit)
    cache.put({"a": {"tempo": 120.0}}, [], datetime.now(UTC))
    capabilities.remember("tracks", Capability.BATCH)
    server.kill()

    limiter.finish(permit)
    assert isinstance(limiter.permit("spotify", LIMITS), Wait), "the local one begins with a full window"
    limiter.finish(wait_for_permit(limiter, LIMITS))
    assert cache.get_many(["a"]).found == {}
    cache.put({"a": {"tempo": 120.0}}, ["b"], datetime.now(UTC))
    assert capabilities.get("tracks") is Capability.BATCH
    capabilities.remember("audio-features", Capability.CLOSED)
    assert capabilities.get("audio-features") is Capability.CLOSED
    assert capabilities.get("albums") is None

    [warning] = warnings(caplog)
    assert warning.startswith("Redis does not answer (ConnectionError: Error 111 connecting to 127.0.0.1")
    assert server.password not in caplog.text


def test_a_worker_does_not_go_back_to_a_redis_that_returned(server: RedisServer) -> None:
    state = SharedState(impatient_client(server))
    cache = AnswerCache(state, "test")
    cache.put({"a": {"tempo": 120.0}}, [], datetime.now(UTC))
    server.kill()
    assert cache.get_many(["a"]).found == {}
    server.start()
    assert cache.get_many(["a"]).found == {}
    assert state.client is None
    assert AnswerCache(SharedState(impatient_client(server)), "test").get_many(["a"]).found, "the next worker does"


def test_without_redis_all_but_one_leave_the_calls_to_that_one(server: RedisServer) -> None:
    limiter = limiter_of(SharedState(impatient_client(server)), is_caller=False)
    permit = limiter.permit("spotify", LIMITS)
    assert isinstance(permit, Permit)
    server.kill()
    limiter.finish(permit)
    limiter.stop("spotify", 5)
    leave = limiter.permit("spotify", LIMITS)
    assert leave == Wait(seconds=math.inf, reason="Redis does not answer, so one other worker alone makes the calls")
    assert (limiter.stopped_for("spotify"), limiter.calls_in_24h("spotify")) == (0, 0)


def test_the_local_limiter_knows_what_redis_last_said(server: RedisServer) -> None:
    with impatient_client(server) as another:
        other = RedisLimiter(another, window_seconds=WINDOW)
        limiter = limiter_of(SharedState(impatient_client(server)))
        for _ in range(2):
            other.finish(wait_for_permit(other, LIMITS))
        limiter.finish(wait_for_permit(limiter, LIMITS))
        other.stop("spotify", 500)
        assert isinstance(limiter.permit("spotify", LIMITS), Wait)
    server.kill()
    assert limiter.calls_in_24h("spotify") == 3
    assert limiter.stopped_for("spotify") == pytest.approx(500, abs=5)


def test_a_stop_that_redis_never_learned_of_is_kept(server: RedisServer) -> None:
    limiter = limiter_of(SharedState(impatient_client(server)))

    def refuse() -> Answer:
        server.kill()
        return Answer(outcome=Outcome.RATE_LIMITED, seconds=7_293, reason="HTTP 429")

    gate = Gate(limiter=limiter, service="spotify", limits=LIMITS)
    assert gate.call(refuse).seconds == 7_293
    assert gate.stopped_for() == pytest.approx(7_293, abs=5)
    assert gate.call(refuse).seconds == pytest.approx(7_293, abs=5)
    assert gate.calls == 1


def test_redis_away_from_the_start_is_the_same(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = redis.Redis("127.0.0.1", ports.free_port(), password="hush", retry=NO_RETRY)
    limiter = limiter_of(SharedState(nowhere))
    wait_for_permit(limiter, LIMITS)
    assert len(warnings(caplog)) == 1


def test_no_redis_at_all_needs_no_further_warning(caplog: pytest.LogCaptureFixture) -> None:
    limiter = limiter_of(SharedState(None))
    wait_for_permit(limiter, LIMITS)
    cache = AnswerCache(SharedState(None), "test")
    cache.put({"a": {}}, ["b"], datetime.now(UTC))
    assert cache.get_many(["a", "b"]).fetched_at == {}
    assert warnings(caplog) == []


def test_a_wrong_password_and_a_read_only_redis_end_no_run(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    intruder = redis.Redis("127.0.0.1", server.port, password="wrong", retry=NO_RETRY)
    wait_for_permit(limiter_of(SharedState(intruder)), LIMITS)
    with impatient_client(server) as client:
        client.replicaof("127.0.0.1", str(ports.free_port()))
        wait_for_permit(limiter_of(SharedState(client)), LIMITS)
        AnswerCache(SharedState(client), "test").put({"a": {}}, [], datetime.now(UTC))
    told = warnings(caplog)
    assert len(told) == 3
    assert "AuthenticationError" in told[0]
    assert all("read only replica" in warning for warning in told[1:])


def test_no_error_repeats_the_password() -> None:
    error = redis.ResponseError("unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `hush`")
    assert "hush" not in describe_error(error, "hush")
