"""The rate limit of one process, for when Redis is away and one worker goes on alone."""

from __future__ import annotations

import itertools
import threading
import time
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from echotune.enrichment.limits import DAY_SECONDS, WINDOW_SECONDS, Limits, Permit, Wait
from echotune.enrichment.refusals import LONGEST_STOP_SECONDS, Refusal, refuse

CALL_SECONDS = 60
"""The longest a call can take, unless told otherwise."""

EPSILON = 1e-6
"""A call that ended exactly one window ago still counts."""


class LocalLimiter:
    """Keeps the limits of services for the threads of one process, by the same law as the shared limiter.

    What was called before it began is not known, so it begins with a full window: the first leave comes after 30 s.

    :param calls_in_24h: calls of each service in the past day, as far as they are known; they count for a day from now
    :param stopped_until: until when (aware) nobody may call a service
    :param call_seconds: the longest a call can take; one that is never finished counts as if it had taken so long
    :param clock: seconds that never go back
    """

    def __init__(
        self,
        *,
        calls_in_24h: Mapping[str, int] | None = None,
        stopped_until: Mapping[str, datetime] | None = None,
        window_seconds: float = WINDOW_SECONDS,
        day_seconds: float = DAY_SECONDS,
        call_seconds: float = CALL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._window_seconds, self._day_seconds, self._call_seconds = window_seconds, day_seconds, call_seconds
        self._clock = clock
        self._began = clock()
        self._lock = threading.RLock()
        self._names = itertools.count(1)
        self._calls: defaultdict[str, _Calls] = defaultdict(_Calls)
        self._stops: dict[str, float] = {}
        for service, calls in (calls_in_24h or {}).items():
            self.remember_calls(service, calls)
        for service, until in (stopped_until or {}).items():
            self.stop(service, (until - datetime.now(UTC)).total_seconds())

    def permit(self, service: str, limits: Limits) -> Permit | Wait:
        """Ask for leave to make one call now."""
        with self._lock:
            now = self._clock()
            calls = self._calls[service]
            calls.forget_before(now - self._day_seconds)
            wait, refusal = max(self._waits(service, limits, now), key=lambda item: item[0])
            if wait > 0:
                return Wait(seconds=wait, reason=refuse(refusal, service, limits, self._window_seconds))
            call = str(next(self._names))
            calls.set_end(call, now + self._call_seconds)
            return Permit(service=service, call=call)

    def finish(self, permit: Permit) -> None:
        """Tell that the call has ended, whatever came of it."""
        with self._lock:
            self._calls[permit.service].set_end(permit.call, self._clock())

    def stop(self, service: str, seconds: float) -> None:
        """Nobody gets leave for so long, a week at the most. A longer stop that is on already stays."""
        with self._lock:
            until = self._clock() + min(seconds, LONGEST_STOP_SECONDS)
            self._stops[service] = max(self._stops.get(service, until), until)

    def stopped_for(self, service: str) -> float:
        """Seconds until a stop ends; 0 where there is none."""
        with self._lock:
            return max(self._stops.get(service, 0) - self._clock(), 0)

    def calls_in_24h(self, service: str) -> int:
        """Calls counted in the past 24 hours."""
        with self._lock:
            self._calls[service].forget_before(self._clock() - self._day_seconds)
            return len(self._calls[service])

    def remember_calls(self, service: str, calls: int) -> None:
        """Count at least so many calls of the past day as made before this limiter began."""
        with self._lock:
            for number in range(calls):
                # Names that sort as the numbers do are added at the end, which is fast.
                self._calls[service].set_end(f"earlier {number:09}", self._began)

    def _waits(self, service: str, limits: Limits, now: float) -> list[tuple[float, Refusal]]:
        """Seconds until each of the rules gives leave, 0 where it does now."""
        calls, window = self._calls[service], self._window_seconds
        room = max(calls.wait_for_room(limits.calls_per_30s, window, now), self._began + window - now)
        waits = [(self.stopped_for(service), Refusal.STOP), (max(room, 0), Refusal.WINDOW)]
        if limits.calls_per_24h is not None:
            waits.append((calls.wait_for_room(limits.calls_per_24h, self._day_seconds, now), Refusal.DAY))
        return waits


class _Calls:
    """The calls of one service, sorted by their end. A call in flight stands with the latest end it can have."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._sorted: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._sorted)

    def set_end(self, call: str, end: float) -> None:
        """Add a call, or move one that is there."""
        known = self._ends.get(call)
        if known is not None:
            del self._sorted[bisect_left(self._sorted, (known, call))]
        self._ends[call] = end
        insort(self._sorted, (end, call))

    def forget_before(self, time: float) -> None:
        """Drop the calls that ended before."""
        gone = bisect_left(self._sorted, (time, ""))
        for _, call in self._sorted[:gone]:
            del self._ends[call]
        del self._sorted[:gone]

    def wait_for_room(self, most: int, seconds: float, now: float) -> float:
        """Seconds until one more call fits, 0 where it fits now.

        A call in flight leaves the window a whole window from now at the earliest.
        """
        in_window = len(self._sorted) - bisect_left(self._sorted, (now - seconds, ""))
        if in_window < most:
            return 0
        ends = self._sorted[-most][0] if most else now
        return min(ends, now) + seconds - now + EPSILON
