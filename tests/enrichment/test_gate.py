"""The gate: what it makes of permits, waits and answers."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import pytest

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.gate import Gate
from echotune.enrichment.limits import Limits
from echotune.enrichment.local_limiter import LocalLimiter
from echotune.enrichment.shared_state import NoCalls

DATA = Answer(outcome=Outcome.DATA, body=[1])
TRANSIENT = Answer(outcome=Outcome.TRANSIENT, reason="HTTP 503", status=503)


def rate_limited(seconds: float) -> Answer:
    return Answer(outcome=Outcome.RATE_LIMITED, seconds=seconds, reason="HTTP 429", status=429)


class World:
    """A clock that only sleeping moves, a limiter by that clock, and a service that says what it is told to."""

    def __init__(self, calls_per_30s: int = 100) -> None:
        self.now = 0.0
        self.naps: list[float] = []
        self.called_at: list[float] = []
        self.limiter = LocalLimiter(clock=lambda: self.now)
        self.now += 30
        self.gate = Gate(
            limiter=self.limiter, service="spotify", limits=Limits(calls_per_30s=calls_per_30s), sleep=self.sleep
        )

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def call(self, *answers: Answer) -> Answer:
        said: Iterator[Answer] = iter(answers)

        def ask() -> Answer:
            self.called_at.append(self.now)
            return next(said)

        return self.gate.call(ask)


def test_a_call_with_leave_is_made_at_once() -> None:
    world = World()
    assert world.call(DATA) is DATA
    assert (world.gate.calls, world.gate.waited_seconds, world.naps) == (1, 0, [])


def test_a_short_wait_is_slept_and_told(caplog: pytest.LogCaptureFixture) -> None:
    world = World(calls_per_30s=1)
    world.call(DATA)
    world.now += 7
    with caplog.at_level(logging.INFO):
        assert world.call(DATA) is DATA
    assert world.gate.calls == 2
    assert world.gate.waited_seconds == pytest.approx(23)
    assert caplog.messages == ["waiting 23 s: 1 calls in 30 s are made"]


def test_a_long_wait_becomes_an_answer_without_a_call() -> None:
    world = World()
    world.limiter.stop("spotify", 61)
    answer = world.call(DATA)
    assert answer.outcome is Outcome.RATE_LIMITED
    assert answer.seconds == pytest.approx(61)
    assert answer.reason == "spotify said that nobody may call for now"
    assert (world.gate.calls, world.naps) == (0, [])


def test_a_worker_that_may_never_call_says_so_at_once() -> None:
    gate = Gate(limiter=NoCalls(), service="spotify", limits=Limits(calls_per_30s=1), sleep=lambda _: None)
    answer = gate.call(lambda: DATA)
    assert (answer.outcome, answer.seconds) == (Outcome.RATE_LIMITED, math.inf)


def test_a_short_rate_limit_stops_everybody_and_the_call_is_made_again(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    assert world.call(rate_limited(20), DATA) is DATA
    assert world.called_at == [30, pytest.approx(50)]
    assert world.gate.calls == 2
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "spotify wants no call for 20 s: HTTP 429"
    ]


def test_a_long_rate_limit_stops_everybody_and_is_the_answer() -> None:
    world = World()
    answer = world.call(rate_limited(7_293))
    assert answer == rate_limited(7_293)
    assert world.gate.stopped_for() == pytest.approx(7_293)
    assert world.naps == []


def test_a_rate_limit_without_a_time_is_no_invitation_to_call_on_and_on() -> None:
    world = World(calls_per_30s=1_000)
    answer = world.call(*[rate_limited(0)] * 100)
    assert answer.outcome is Outcome.RATE_LIMITED
    assert answer.seconds == 1
    assert world.gate.calls <= 61
    assert world.gate.waited_seconds <= 60


def test_one_call_never_sleeps_longer_than_its_patience() -> None:
    world = World(calls_per_30s=1)
    world.call(DATA)
    world.now += 10
    # 20 s for leave, and after the 25 s of the stop 5 s more until the call is out of the window.
    answer = world.call(rate_limited(25), rate_limited(25), DATA)
    assert answer == rate_limited(25), "there is no time for another 25 s"
    assert world.gate.calls == 3
    assert world.gate.waited_seconds == pytest.approx(50, abs=0.01)


def test_a_transient_answer_is_asked_for_again_with_growing_waits() -> None:
    world = World()
    assert world.call(TRANSIENT, TRANSIENT, DATA) is DATA
    assert world.gate.calls == 3
    first, second = world.naps
    assert 0.5 <= first <= 1 <= second <= 2


def test_an_answer_that_stays_transient_is_returned() -> None:
    world = World()
    assert world.call(TRANSIENT, TRANSIENT, TRANSIENT, DATA) is TRANSIENT
    assert world.gate.calls == 3


def test_each_try_has_a_permit_of_its_own() -> None:
    world = World(calls_per_30s=2)
    assert world.call(TRANSIENT, TRANSIENT, DATA) is DATA
    assert world.called_at[2] > world.called_at[0] + 30


@pytest.mark.parametrize(
    "outcome", [Outcome.NOT_FOUND, Outcome.FORBIDDEN_ENDPOINT, Outcome.ACCOUNT_PROBLEM, Outcome.BROKEN]
)
def test_every_other_answer_is_returned_as_it_is(outcome: Outcome) -> None:
    world = World()
    answer = Answer(outcome=outcome)
    assert world.call(answer, DATA) is answer
    assert world.gate.calls == 1


def test_a_call_that_raised_is_finished_and_counted() -> None:
    world = World(calls_per_30s=1)

    def ask() -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.gate.call(ask)
    assert world.gate.calls == 1
    world.now += 30.001
    assert world.call(DATA) is DATA
    assert world.gate.waited_seconds == 0
