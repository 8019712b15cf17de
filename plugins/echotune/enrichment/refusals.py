"""Why a limiter gives no leave, and how it says so to a person."""

from __future__ import annotations

from enum import Enum, auto

from echotune.enrichment.limits import DAY_SECONDS, Limits

LONGEST_STOP_SECONDS = 7 * DAY_SECONDS
"""Nothing a service says stops everybody for longer: the longest seen is one day, and nobody can lift a stop."""


class Refusal(Enum):
    """Why there is no leave."""

    STOP = auto()
    WINDOW = auto()
    DAY = auto()


def refuse(refusal: Refusal, service: str, limits: Limits, window_seconds: float) -> str:
    """The sentence for a person."""
    if refusal is Refusal.STOP:
        return f"{service} said that nobody may call for now"
    if refusal is Refusal.WINDOW:
        return f"{limits.calls_per_30s:,} calls in {window_seconds:g} s are made"
    return f"{limits.calls_per_24h:,} calls in 24 h are made"
