"""The limiter of one process: the law of the shared one, by a clock that the tests set."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.limits import Limits, Permit, Wait
from echotune.enrichment.local_limiter import LocalLimiter
from tests.support.calling import Interval, most_in_a_window, wait_for_permit

ONE = Limits(calls_per_30s=1)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> LocalLimiter:
    """One that began a window ago."""
    limiter = LocalLimiter(clock=clock)
    clock.now += 30
    return limiter


def permitted(limiter: LocalLimiter, limits: Limits) -> Permit:
    leave = limiter.permit("spotify", limits)
    assert isinstance(leave, Permit), leave
    return leave


def refused(limiter: LocalLimiter, limits: Limits) -> Wait:
    leave = limiter.permit("spotify", limits)
    assert isinstance(leave, Wait), leave
    return leave


def test_it_begins_with_a_full_window(clock: Clock) -> None:
    limiter = LocalLimiter(clock=clock)
    clock.now += 10
    wait = refused(limiter, ONE)
    assert wait.seconds == pytest.approx(20)
    assert wait.reason == "1 calls in 30 s are made"
    clock.now += wait.seconds
    permitted(limiter, ONE)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.floats(0, 40)),
        st.tuples(st.just("call"), st.floats(0, 0)),
        st.tuples(st.just("finish"), st.floats(0, 1)),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 4), st.none() | st.integers(1, 8))
def test_no_window_and_no_day_holds_more_arrivals_than_allowed(
    steps: list[tuple[str, float]], most: int, most_in_day: int | None
) -> None:
    clock = Clock()
    limiter = LocalLimiter(clock=clock, window_seconds=30, day_seconds=200, call_seconds=50)
    limits = Limits(calls_per_30s=most, calls_per_24h=most_in_day)
    in_flight: list[tuple[Permit, float]] = []
    calls: list[Interval] = []
    for kind, number in steps:
        # A call that takes longer than a call can has died.
        died = [began for _, began in in_flight if clock.now - began > 50]
        calls += [(began, began + 50) for began in died]
        in_flight = [(permit, began) for permit, began in in_flight if clock.now - began <= 50]
        if kind == "pass":
            clock.now += number
        elif kind == "call":
            leave = limiter.permit("spotify", limits)
            if isinstance(leave, Permit):
                in_flight.append((leave, clock.now))
            else:
                assert leave.seconds > 0
        elif in_flight:
            permit, began = in_flight.pop(int(number * (len(in_flight) - 1)))
            limiter.finish(permit)
            calls.append((began, clock.now))
    calls += [(began, clock.now) for _, began in in_flight]
    assert most_in_a_window(calls, 30) <= most
    if most_in_day is not None:
        assert most_in_a_window(calls, 200) <= most_in_day


@given(st.lists(st.floats(0, 20), min_size=1, max_size=20), st.integers(1, 3))
def test_whoever_waits_as_told_gets_leave(durations: list[float], most: int) -> None:
    clock = Clock()
    limiter, limits = LocalLimiter(clock=clock), Limits(calls_per_30s=most)
    for duration in durations:
        leave = limiter.permit("spotify", limits)
        if isinstance(leave, Wait):
            clock.now += leave.seconds
            leave = limiter.permit("spotify", limits)
        assert isinstance(leave, Permit)
        clock.now += duration
        limiter.finish(leave)


def test_a_call_in_flight_counts_as_now(clock: Clock, limiter: LocalLimiter) -> None:
    permit = permitted(limiter, ONE)
    clock.now += 40
    assert refused(limiter, ONE).seconds == pytest.approx(30)
    limiter.finish(permit)
    clock.now += 10
    assert refused(limiter, ONE).seconds == pytest.approx(20)


def test_calls_told_at_the_beginning_count_against_the_day(clock: Clock) -> None:
    limiter = LocalLimiter(calls_in_24h={"spotify": 3}, clock=clock)
    clock.now += 100
    assert limiter.calls_in_24h("spotify") == 3
    assert limiter.calls_in_24h("reccobeats") == 0
    permitted(limiter, Limits(calls_per_30s=9, calls_per_24h=4))
    wait = refused(limiter, Limits(calls_per_30s=9, calls_per_24h=4))
    assert wait.seconds == pytest.approx(86_300)
    assert wait.reason == "4 calls in 24 h are made"
    limiter.remember_calls("spotify", 2)
    assert limiter.calls_in_24h("spotify") == 4, "the larger of two accounts of the same calls counts"
    limiter.remember_calls("spotify", 10)
    assert limiter.calls_in_24h("spotify") == 11


def test_a_stop_told_at_the_beginning_is_kept(clock: Clock) -> None:
    limiter = LocalLimiter(stopped_until={"spotify": datetime.now(UTC) + timedelta(seconds=500)}, clock=clock)
    assert limiter.stopped_for("spotify") == pytest.approx(500, abs=5)
    clock.now += 100
    wait = refused(limiter, ONE)
    assert wait.seconds == pytest.approx(400, abs=5)
    assert wait.reason == "spotify said that nobody may call for now"
    limiter.stop("spotify", 10)
    assert limiter.stopped_for("spotify") == pytest.approx(400, abs=5), "the longer stop stays"
    clock.now += 500
    assert limiter.stopped_for("spotify") == 0
    permitted(limiter, ONE)


def test_threads_share_it() -> None:
    limiter, limits, window = LocalLimiter(window_seconds=0.1), Limits(calls_per_30s=5), 0.1
    calls: list[Interval] = []

    def call_five_times() -> None:
        for _ in range(5):
            permit = wait_for_permit(limiter, limits)
            began = time.monotonic()
            time.sleep(0.002)
            calls.append((began, time.monotonic()))
            limiter.finish(permit)

    threads = [threading.Thread(target=call_five_times) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 20
    assert most_in_a_window(calls, window) <= 5


def test_a_day_of_many_calls_stays_fast(clock: Clock) -> None:
    limiter = LocalLimiter(calls_in_24h={"spotify": 80_000}, clock=clock)
    clock.now += 31
    began = time.process_time()
    for _ in range(1_000):
        limiter.finish(permitted(limiter, Limits(calls_per_30s=10_000, calls_per_24h=100_000)))
    assert time.process_time() - began < 0.5
