"""How often a service may be called, and the interface of what keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

WINDOW_SECONDS = 30
DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most calls in any 30 seconds, and in any 24 hours (None: no limit)."""

    calls_per_30s: int
    calls_per_24h: int | None = None


@dataclass(frozen=True, kw_only=True)
class Permit:
    """Leave to make one call now. It counts against the limits from now until 30 s and 24 h after the call ended."""

    service: str
    call: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """No leave now.

    :param seconds: how long until it makes sense to ask again
    :param reason: for a person
    """

    seconds: float
    reason: str


class Limiter(Protocol):
    """Keeps the limits of services (``spotify``, ``reccobeats``) for everyone who shares it."""

    def permit(self, service: str, limits: Limits) -> Permit | Wait:
        """Ask for leave to make one call now."""

    def finish(self, permit: Permit) -> None:
        """Tell that the call has ended, whatever came of it."""

    def stop(self, service: str, seconds: float) -> None:
        """Nobody gets leave for so long. A longer stop that is on already stays."""

    def stopped_for(self, service: str) -> float:
        """Seconds until a stop ends; 0 where there is none."""

    def calls_in_24h(self, service: str) -> int:
        """Calls counted in the past 24 hours."""
