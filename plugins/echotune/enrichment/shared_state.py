"""What workers share through Redis, and how one worker goes on when Redis does not answer."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from typing import TypeVar

import redis
from redis.exceptions import RedisClusterException

from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.limits import Limiter, Limits, Permit, Wait
from echotune.enrichment.local_limiter import LocalLimiter

log = logging.getLogger(__name__)

T = TypeVar("T")

REDIS_ERRORS = (redis.RedisError, RedisClusterException)
WITHOUT_REDIS = (
    "The run goes on without it: one worker alone makes calls, with a limiter of its own at the same limits, and "
    "nothing is cached."
)
NOT_THE_CALLER = "Redis does not answer, so one other worker alone makes the calls"


class SharedState:
    """Redis as long as it answers, and never again after it did not.

    The first error of Redis, of whatever kind, is told to a person once. From then on this worker (this object) does
    without, also when Redis is back: the limiter of its own knows what it called since, which Redis does not.
    A run is never ended by Redis.

    :param client: None where no Redis is configured or it could not be reached; whoever found that out has told so
    """

    def __init__(self, client: redis.Redis | None) -> None:
        self._client = client
        self._lock = threading.Lock()

    @property
    def client(self) -> redis.Redis | None:
        """The client, as long as Redis answers."""
        return self._client

    def run(self, action: Callable[[redis.Redis], T], otherwise: Callable[[], T]) -> T:
        """Do something with Redis, or the other thing where it does not answer."""
        client = self._client
        if client is None:
            return otherwise()
        try:
            return action(client)
        except REDIS_ERRORS as error:
            self._go_on_without(client, error)
        return otherwise()

    def _go_on_without(self, client: redis.Redis, error: Exception) -> None:
        with self._lock:
            if self._client is None:
                return
            self._client = None
        log.warning(
            "Redis does not answer (%s), and this worker asks it no more. %s",
            describe_error(error, client.get_connection_kwargs().get("password")),
            WITHOUT_REDIS,
        )


def describe_error(error: Exception, password: str | None) -> str:
    """What went wrong, without the password: a server that knows no AUTH repeats it in its error."""
    text = f"{type(error).__name__}: {error}"
    return text.replace(password, "***") if password else text


class SharedLimiter:
    """The limiter of all workers in Redis; when Redis is away, a local one for the one worker that may still call.

    The local one is told what the last answers of Redis said of the day's calls and of a stop.

    :param is_caller: whether this worker is the one that goes on calling without Redis
    :param start_local: makes the limiter of that worker, when it is first needed
    :param make_shared: makes the one in Redis
    """

    def __init__(
        self,
        state: SharedState,
        *,
        is_caller: bool,
        start_local: Callable[[], LocalLimiter] = LocalLimiter,
        make_shared: Callable[[redis.Redis], RedisLimiter] = RedisLimiter,
    ) -> None:
        self._state, self._is_caller, self._start_local = state, is_caller, start_local
        self._shared = make_shared(state.client) if state.client is not None else None
        self._own: Limiter | None = None
        self._lock = threading.Lock()

    def permit(self, service: str, limits: Limits) -> Permit | Wait:
        """Ask for leave to make one call now."""
        return self._either(lambda limiter: limiter.permit(service, limits))

    def finish(self, permit: Permit) -> None:
        """Tell that the call has ended, whatever came of it."""
        self._either(lambda limiter: limiter.finish(permit))

    def stop(self, service: str, seconds: float) -> None:
        """Nobody gets leave for so long. A longer stop that is on already stays."""
        self._either(lambda limiter: limiter.stop(service, seconds))

    def stopped_for(self, service: str) -> float:
        """Seconds until a stop ends; 0 where there is none."""
        return self._either(lambda limiter: limiter.stopped_for(service))

    def calls_in_24h(self, service: str) -> int:
        """Calls counted in the past 24 hours."""
        return self._either(lambda limiter: limiter.calls_in_24h(service))

    def _either(self, action: Callable[[Limiter], T]) -> T:
        shared = self._shared
        if shared is None:
            return action(self._local())
        return self._state.run(lambda _: action(shared), lambda: action(self._local()))

    def _local(self) -> Limiter:
        with self._lock:
            if self._own is None:
                self._own = self._make_local() if self._is_caller else NoCalls()
            return self._own

    def _make_local(self) -> LocalLimiter:
        return self._start_local() if self._shared is None else self._shared.hand_over(self._start_local)


class NoCalls:
    """The limiter of a worker that must leave all calls to another one: there is never leave."""

    def permit(self, service: str, limits: Limits) -> Permit | Wait:
        """Refuse, for ever."""
        return Wait(seconds=math.inf, reason=NOT_THE_CALLER)

    def finish(self, permit: Permit) -> None:
        """A call that began while Redis answered: nobody is there to be told."""

    def stop(self, service: str, seconds: float) -> None:
        """Nothing more to stop."""

    def stopped_for(self, service: str) -> float:
        """No stop is known."""
        return 0

    def calls_in_24h(self, service: str) -> int:
        """No call is known."""
        return 0
