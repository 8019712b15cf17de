"""The shared rate limiter, on a real Redis, in real time with short windows."""

from __future__ import annotations

import threading
import time

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.limits import Limits, Permit, Wait
from tests.support.calling import call_from_processes, most_in_a_window, wait_for_permit

ONE, TWO = Limits(calls_per_30s=1), Limits(calls_per_30s=2)


def permitted(limiter: RedisLimiter, limits: Limits, service: str = "spotify") -> Permit:
    leave = limiter.permit(service, limits)
    assert isinstance(leave, Permit), leave
    return leave


def refused(limiter: RedisLimiter, limits: Limits, service: str = "spotify") -> Wait:
    leave = limiter.permit(service, limits)
    assert isinstance(leave, Wait), leave
    return leave


def test_four_processes_use_the_window_and_never_go_beyond(redis_uri: str, redis_client: redis.Redis) -> None:
    most, window = 40, 1.5
    calls = call_from_processes(
        redis_uri, Limits(calls_per_30s=most), 4, window_seconds=window, call_seconds=0.005, seconds=2 * window + 0.4
    )
    assert most_in_a_window(calls, window) <= most
    # The window is used whole when call number k * most begins k windows after the first.
    rounds = (len(calls) - 1) // most
    assert rounds >= 2
    assert rounds * window / (calls[rounds * most][0] - calls[0][0]) >= 0.95


steps = st.lists(
    st.tuples(st.sampled_from([0.0, 0.002, 0.01, 0.03]), st.sampled_from([0.0, 0.005, 0.02, 0.06])),
    min_size=3,
    max_size=8,
)


@settings(max_examples=12)
@given(steps, st.integers(1, 4))
def test_no_window_holds_more_arrivals_than_allowed(
    redis_client: redis.Redis, steps: list[tuple[float, float]], most: int
) -> None:
    redis_client.flushdb()
    window = 0.04
    limiter, limits = RedisLimiter(redis_client, window_seconds=window), Limits(calls_per_30s=most)
    calls = []

    def call(seconds: float) -> None:
        permit = wait_for_permit(limiter, limits)
        began = time.monotonic()
        time.sleep(seconds)
        calls.append((began, time.monotonic()))
        limiter.finish(permit)

    threads = []
    for pause, seconds in steps:
        time.sleep(pause)
        threads.append(threading.Thread(target=call, args=(seconds,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(calls) == len(steps)
    assert most_in_a_window(calls, window) <= most


def test_a_refusal_says_when_to_ask_again_and_then_there_is_leave(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client, window_seconds=0.3)
    limiter.finish(permitted(limiter, ONE))
    time.sleep(0.1)
    wait = refused(limiter, ONE)
    assert 0.1 < wait.seconds <= 0.2
    assert wait.reason == "1 calls in 0.3 s are made"
    time.sleep(wait.seconds)
    permitted(limiter, ONE)


def test_a_call_in_flight_counts_as_now(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client, window_seconds=0.1)
    permit = permitted(limiter, ONE)
    time.sleep(0.15)
    assert refused(limiter, ONE).seconds == pytest.approx(0.1, abs=0.001)
    limiter.finish(permit)
    assert 0.05 < refused(limiter, ONE).seconds <= 0.1


def test_a_call_of_a_dead_worker_ends_when_it_must(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client, window_seconds=0.1, call_seconds=0.1)
    permitted(limiter, ONE)
    time.sleep(0.12)
    assert refused(limiter, ONE).seconds < 0.1
    time.sleep(0.1)
    permitted(limiter, ONE)


def test_the_day_has_a_limit_of_its_own(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client, window_seconds=0.02, day_seconds=0.4)
    limits = Limits(calls_per_30s=10, calls_per_24h=2)
    limiter.finish(permitted(limiter, limits))
    limiter.finish(permitted(limiter, limits))
    time.sleep(0.05)
    wait = refused(limiter, limits)
    assert 0.2 < wait.seconds < 0.4
    assert wait.reason == "2 calls in 24 h are made"
    assert limiter.calls_in_24h("spotify") == 2
    time.sleep(wait.seconds)
    limiter.finish(permitted(limiter, limits))
    time.sleep(0.4)
    assert limiter.calls_in_24h("spotify") == 0, "calls of the day before are forgotten"


def test_a_smaller_limit_than_before_waits_until_enough_calls_are_over(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client, window_seconds=0.3)
    ended = []
    for _ in range(3):
        limiter.finish(permitted(limiter, Limits(calls_per_30s=3)))
        ended.append(time.monotonic())
        time.sleep(0.05)

    def left_of(call: int) -> object:
        return pytest.approx(ended[call] + 0.3 - time.monotonic(), abs=0.03)

    # Of three calls the second is the last that must leave before there is room for another of two.
    assert left_of(1) == refused(limiter, TWO).seconds
    assert left_of(2) == refused(limiter, ONE).seconds
    assert refused(limiter, Limits(calls_per_30s=0)).seconds == pytest.approx(0.3, abs=0.001)


def test_a_stop_is_for_all_and_only_for_that_service(redis_uri: str, redis_client: redis.Redis) -> None:
    with redis.Redis.from_url(redis_uri) as other:
        here, there = RedisLimiter(redis_client), RedisLimiter(other)
        here.stop("spotify", 0.2)
        wait = refused(there, TWO)
        assert 0.1 < wait.seconds <= 0.2
        assert wait.reason == "spotify said that nobody may call for now"
        assert 0.1 < there.stopped_for("spotify") <= 0.2
        permitted(there, TWO, "reccobeats")
        time.sleep(0.22)
        assert there.stopped_for("spotify") == 0
        permitted(there, TWO)


def test_the_longer_stop_stays(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client)
    limiter.stop("spotify", 100)
    limiter.stop("spotify", 10)
    assert 99 < limiter.stopped_for("spotify") <= 100
    limiter.stop("spotify", 200)
    limiter.stop("spotify", 0)
    assert 199 < limiter.stopped_for("spotify") <= 200
    limiter.stop("spotify", float("inf"))
    assert limiter.stopped_for("spotify") <= 7 * 86_400, "no service stops everybody for ever"


def test_of_several_reasons_the_longest_wait_is_told(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client)
    limits = Limits(calls_per_30s=1, calls_per_24h=1)
    limiter.finish(permitted(limiter, limits))
    assert refused(limiter, limits).seconds == pytest.approx(86_400, abs=1)
    limiter.stop("spotify", 100_000)
    assert refused(limiter, limits).seconds == pytest.approx(100_000, abs=1)


def test_a_call_survives_that_redis_forgot_it(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client)
    permit = permitted(limiter, ONE)
    redis_client.flushdb()
    limiter.finish(permit)
    refused(limiter, ONE)


def test_nothing_is_left_in_redis_after_a_day(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client)
    limiter.finish(permitted(limiter, ONE))
    limiter.stop("spotify", 10)
    keys = redis_client.keys("*")
    assert sorted(keys) == [b"echotune:limit:{spotify}:calls", b"echotune:limit:{spotify}:stop"]
    lives = [redis_client.ttl(key) for key in keys]
    assert all(0 < seconds <= 86_400 + 60 for seconds in lives)


def test_a_permit_costs_little(redis_client: redis.Redis) -> None:
    limiter = RedisLimiter(redis_client)
    limits = Limits(calls_per_30s=100_000, calls_per_24h=100_000)
    rounds = 300
    began = time.process_time()
    for _ in range(rounds):
        limiter.finish(permitted(limiter, limits))
    assert (time.process_time() - began) / rounds < 0.0005, "seconds of our own for one permit and its finish"


def test_a_cluster_keeps_the_limits_too(redis_cluster: redis.Redis) -> None:
    limiter = RedisLimiter(redis_cluster)
    for service in ("spotify", "reccobeats"):
        limiter.finish(permitted(limiter, ONE, service))
        refused(limiter, ONE, service)
        limiter.stop(service, 5)
        assert limiter.calls_in_24h(service) == 1
        assert limiter.stopped_for(service) > 4
