"""The gate before a service over HTTP: every call goes through it, none without leave."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import replace

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.limits import Limiter, Limits, Permit

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60
RETRIES = 2
RETRY_SECONDS = 1.0
LONG_WAIT_SECONDS = 5
SHORTEST_WAIT_SECONDS = 0.001
SHORTEST_STOP_SECONDS = 1.0
"""A 429 that names no time stops everybody for so long; otherwise the next call would be its answer."""


class Gate:
    """Makes calls to one service: each with leave, again where that helps, after waits of bounded length.

    ``calls`` counts the calls that were made, ``waited_seconds`` adds up the waits, for whoever shows progress.

    :param patience_seconds: the most one ``call`` sleeps in total; what would take longer becomes an answer
    :param retries: how often a TRANSIENT answer is asked for again
    :param retry_seconds: the wait before the first of these; it doubles each time, and chance shortens it by up to half
    :param sleep: how to wait
    """

    def __init__(
        self,
        *,
        limiter: Limiter,
        service: str,
        limits: Limits,
        patience_seconds: float = PATIENCE_SECONDS,
        retries: int = RETRIES,
        retry_seconds: float = RETRY_SECONDS,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._limiter, self._service, self._limits = limiter, service, limits
        self._patience_seconds, self._retries, self._retry_seconds = patience_seconds, retries, retry_seconds
        self._sleep = sleep
        self.calls = 0
        self.waited_seconds = 0.0

    def call(self, ask: Callable[[], Answer]) -> Answer:
        """Call when there is leave and return the answer.

        One that is RATE_LIMITED says in ``seconds`` how long nobody may call; it is infinite where another worker is
        the only one that may.
        """
        patience = _Patience(self._patience_seconds)
        tries_left = self._retries
        while True:
            permit = self._enter(patience)
            if isinstance(permit, Answer):
                return permit
            answer = self._ask(ask, permit)
            if answer.outcome is Outcome.RATE_LIMITED:
                # The next permit waits until the stop is over.
                if not patience.allows(answer.seconds):
                    return answer
            elif answer.outcome is Outcome.TRANSIENT and tries_left:
                wait = self._retry_seconds * 2 ** (self._retries - tries_left) * random.uniform(0.5, 1)  # noqa: S311
                if not patience.allows(wait):
                    return answer
                tries_left -= 1
                self._wait(wait, patience, answer.reason)
            else:
                return answer

    def stopped_for(self) -> float:
        """Seconds until the service may be called again, after it said that nobody may; 0 where it did not."""
        return self._limiter.stopped_for(self._service)

    def _enter(self, patience: _Patience) -> Permit | Answer:
        """Wait for leave; the answer where that takes too long."""
        while True:
            leave = self._limiter.permit(self._service, self._limits)
            if isinstance(leave, Permit):
                return leave
            wait = max(leave.seconds, SHORTEST_WAIT_SECONDS)
            if not patience.allows(wait):
                return Answer(outcome=Outcome.RATE_LIMITED, seconds=leave.seconds, reason=leave.reason)
            self._wait(wait, patience, leave.reason)

    def _ask(self, ask: Callable[[], Answer], permit: Permit) -> Answer:
        """Make the call. Where the service wants a rest, everybody is stopped before anything else happens."""
        try:
            answer = ask()
            if answer.outcome is Outcome.RATE_LIMITED:
                answer = replace(answer, seconds=max(SHORTEST_STOP_SECONDS, answer.seconds))
                self._limiter.stop(self._service, answer.seconds)
                log.warning("%s wants no call for %.0f s: %s", self._service, answer.seconds, answer.reason)
            return answer
        finally:
            self.calls += 1
            self._limiter.finish(permit)

    def _wait(self, seconds: float, patience: _Patience, reason: str) -> None:
        if seconds > LONG_WAIT_SECONDS:
            log.info("waiting %.0f s: %s", seconds, reason)
        patience.left -= seconds
        self.waited_seconds += seconds
        self._sleep(seconds)


class _Patience:
    """The seconds that one call may still sleep."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def allows(self, seconds: float) -> bool:
        """Whether there is time for a wait."""
        return seconds <= self.left
