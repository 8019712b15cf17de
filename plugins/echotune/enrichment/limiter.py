"""The rate limit that all workers on all machines share, kept in Redis by its clock."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable

import redis

from echotune.enrichment.limits import DAY_SECONDS, WINDOW_SECONDS, Limits, Permit, Wait
from echotune.enrichment.local_limiter import CALL_SECONDS, LocalLimiter
from echotune.enrichment.refusals import LONGEST_STOP_SECONDS, Refusal, refuse
from echotune.resources import read_lua

CALL_ID_BYTES = 8
REFUSALS = (None, Refusal.STOP, Refusal.WINDOW, Refusal.DAY)
"""What the numbers mean by which permit.lua tells why."""


class RedisLimiter:
    """Keeps the limits of services over all that use the same Redis.

    A call may reach the service at any moment from its permit to its finish. So it counts from the permit until a whole
    window after the finish, and no window can hold too many calls wherever in it they arrived. All times are Redis's.
    A call that is never finished, because its worker died, counts as if it had lasted as long as a call can.

    Memory: about 110 bytes of Redis for each call of the past day. The keys must not be evicted.

    :param call_seconds: the longest a call can take; nothing may reach the service later than that after its permit
    :raises redis.RedisError: by every method, where Redis does not answer
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        window_seconds: float = WINDOW_SECONDS,
        day_seconds: float = DAY_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._window_seconds, self._day_seconds, self._call_seconds = window_seconds, day_seconds, call_seconds
        self._permit = client.register_script(read_lua("permit.lua"))
        self._finish = client.register_script(read_lua("finish.lua"))
        self._stop = client.register_script(read_lua("stop.lua"))
        self._count = client.register_script(read_lua("count_calls.lua"))
        self._client = client
        self._calls_seen: dict[str, int] = {}
        self._stops_seen: dict[str, float] = {}

    def permit(self, service: str, limits: Limits) -> Permit | Wait:
        """Ask for leave to make one call now."""
        call = secrets.token_hex(CALL_ID_BYTES)
        most_in_day = -1 if limits.calls_per_24h is None else limits.calls_per_24h
        arguments = (
            call,
            limits.calls_per_30s,
            _micros(self._window_seconds),
            most_in_day,
            _micros(self._day_seconds),
            _micros(self._call_seconds),
        )
        wait, why, calls, stopped = self._permit((_calls_key(service), _stop_key(service)), arguments)
        self._calls_seen[service] = calls
        self._stops_seen[service] = time.monotonic() + stopped / 1e3
        refusal = REFUSALS[why]
        if refusal is None:
            return Permit(service=service, call=call)
        return Wait(seconds=wait / 1e6, reason=refuse(refusal, service, limits, self._window_seconds))

    def finish(self, permit: Permit) -> None:
        """Tell that the call has ended, whatever came of it."""
        needed = self._day_seconds + self._call_seconds
        self._finish((_calls_key(permit.service),), (permit.call, _millis(needed)))

    def stop(self, service: str, seconds: float) -> None:
        """Nobody gets leave for so long, a week at the most. A longer stop that is on already stays."""
        if seconds <= 0:
            return
        bounded = min(seconds, LONGEST_STOP_SECONDS)
        self._stops_seen[service] = max(self._stops_seen.get(service, 0), time.monotonic() + bounded)
        self._stop((_stop_key(service),), (_millis(bounded),))

    def stopped_for(self, service: str) -> float:
        """Seconds until a stop ends; 0 where there is none."""
        return max(self._client.pttl(_stop_key(service)), 0) / 1e3

    def calls_in_24h(self, service: str) -> int:
        """Calls counted in the past 24 hours."""
        return int(self._count((_calls_key(service),), (_micros(self._day_seconds),)))

    def hand_over(self, start_local: Callable[[], LocalLimiter]) -> LocalLimiter:
        """Start a limiter for one worker and tell it what this one last saw of the day's calls and of stops."""
        local = start_local()
        for service, calls in self._calls_seen.items():
            local.remember_calls(service, calls)
        for service, until in self._stops_seen.items():
            local.stop(service, until - time.monotonic())
        return local


def _calls_key(service: str) -> str:
    # One hash tag, so that the keys of one service are on one node of a cluster, as a script needs them.
    return f"echotune:limit:{{{service}}}:calls"


def _stop_key(service: str) -> str:
    return f"echotune:limit:{{{service}}}:stop"


def _micros(seconds: float) -> int:
    return math.ceil(seconds * 1e6)


def _millis(seconds: float) -> int:
    return math.ceil(seconds * 1e3)
