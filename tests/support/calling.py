"""A service that only counts, and processes that call it as fast as a limiter lets them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import redis

from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.limits import Limiter, Limits, Permit

Interval = tuple[float, float]
"""When a call may have reached the service: from its permit to its finish, by a clock all processes share."""


def call_on_and_on(
    uri: str, limits: Limits, *, window_seconds: float, call_seconds: float, until: float
) -> list[Interval]:
    """Call until a moment of time.monotonic; return when each call may have arrived."""
    calls = []
    with redis.Redis.from_url(uri) as client:
        limiter = RedisLimiter(client, window_seconds=window_seconds)
        while time.monotonic() < until:
            leave = limiter.permit("spotify", limits)
            if isinstance(leave, Permit):
                began = time.monotonic()
                time.sleep(call_seconds)
                calls.append((began, time.monotonic()))
                limiter.finish(leave)
            else:
                time.sleep(leave.seconds)
    return calls


def call_from_processes(uri: str, limits: Limits, processes: int, **settings: float) -> list[Interval]:
    """The same from several processes at once; the calls of all, by the time of their permits."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        # Every process is there, with all it imports, before the first begins.
        list(pool.map(_be_ready, range(processes)))
        until = time.monotonic() + settings.pop("seconds")
        futures = [pool.submit(call_on_and_on, uri, limits, until=until, **settings) for _ in range(processes)]
        return sorted(call for future in futures for call in future.result())


def _be_ready(_: int) -> None:
    time.sleep(0.3)


def most_in_a_window(calls: Sequence[Interval], window_seconds: float) -> int:
    """The most calls that may have arrived within one window, wherever it lies.

    What a window may hold only shrinks when it begins later than a call's end, so it is enough to look at these.
    """
    return max(
        (sum(began < start + window_seconds and ended >= start for began, ended in calls) for _, start in calls),
        default=0,
    )


def wait_for_permit(limiter: Limiter, limits: Limits, service: str = "spotify") -> Permit:
    """Ask and sleep until there is leave."""
    while True:
        leave = limiter.permit(service, limits)
        if isinstance(leave, Permit):
            return leave
        time.sleep(leave.seconds)
