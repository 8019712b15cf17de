"""A service's limits: how many calls fit into any window, and the 429 that is in force."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Span:
    """A limit of so many calls in any window of so many seconds; None is no limit.

    A window is half open: a call exactly as old as the window is long has left it.
    """

    limit: int | None
    seconds: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What a 429 says: whole seconds from now, and which limit."""

    seconds: int
    reason: str


@dataclass(kw_only=True)
class Stop:
    """A 429 from its answer to its end, on the monotonic clock, and when calls came that should have waited."""

    begun: float
    seconds: float
    reason: str
    offsets: list[float] = field(default_factory=list)

    @property
    def end(self) -> float:
        """When calls are welcome again."""
        return self.begun + self.seconds


class Gate:
    """Lets a service's calls in, one at a time, by the arrival times of those before."""

    def __init__(self) -> None:
        """A gate nobody has passed."""
        self.admitted: list[float] = []
        self.stops: list[Stop] = []

    def admit(self, now: float, spans: tuple[Span, ...]) -> Refusal | None:
        """Let a call in that arrives now (seconds, never going back), or say why not and for how long."""
        stop = self._in_force(now)
        if stop is not None:
            stop.offsets.append(now - stop.begun)
            return Refusal(seconds=math.ceil(stop.end - now), reason=stop.reason)
        for span in spans:
            wait = self._wait(now, span)
            if wait > 0:
                refusal = Refusal(seconds=math.ceil(wait), reason=span.reason)
                self.stop(now, refusal.seconds, span.reason)
                return refusal
        self.admitted.append(now)
        return None

    def stop(self, now: float, seconds: float, reason: str) -> None:
        """Refuse everybody from now on for so long."""
        self.stops.append(Stop(begun=now, seconds=seconds, reason=reason))

    def _in_force(self, now: float) -> Stop | None:
        # Nobody passes while one is in force, so none begins before the one before it has ended.
        last = self.stops[-1] if self.stops else None
        return last if last is not None and now < last.end else None

    def _wait(self, now: float, span: Span) -> float:
        """Seconds until the oldest call that is in the way leaves the window."""
        if span.limit is None or len(self.admitted) < span.limit:
            return 0
        return span.seconds - (now - self.admitted[-span.limit])
