"""What a check of one system found."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

ROUND_TRIPS = 5
MOST_CLOCK_SECONDS = 5.0
"""Beyond that, times that two machines write are no longer comparable."""
SLOW_MILLISECONDS = 250.0


class CheckFailed(Exception):
    """The system cannot be used; the message says why and which setting to change, and holds no secret."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How far away a system is.

    :param milliseconds: the median of some round trips
    :param clock_seconds: how much its clock is ahead of ours; None where it does not tell
    """

    milliseconds: float
    clock_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is known of a system.

    :param setting: what a person changes
    :param tls: how the way there is protected, in words
    :param rights: what the user may do of what is needed, in words
    :param problems: what makes it unusable, each with the setting to change
    :param warnings: what is worth a look
    """

    system: str
    setting: str
    configured: bool = True
    version: str | None = None
    tls: str | None = None
    rights: str | None = None
    timing: Timing | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def lines(self) -> list[str]:
        """What a person reads."""
        if not self.configured:
            return [f"{self.system}: not set up ({self.setting})."]
        facts = [self.version, self.tls, self.rights, self._told_timing()]
        state = "cannot be used" if self.problems else "works"
        return [
            f"{self.system}: {'; '.join([state, *(fact for fact in facts if fact)])}.",
            *(f"  To mend: {problem}" for problem in self.problems),
            *(f"  Warning: {warning}" for warning in self.warnings),
        ]

    def as_document(self) -> dict[str, Any]:
        """The fields, with their lines as ``text``."""
        return {**asdict(self), "text": self.lines}

    def _told_timing(self) -> str | None:
        if self.timing is None:
            return None
        clock = self.timing.clock_seconds
        ahead = "" if clock is None else f", clock {clock:+.1f} s"
        return f"{self.timing.milliseconds:.1f} ms away{ahead}"


def measure(ask: Callable[[], datetime | None]) -> Timing:
    """Time some round trips.

    :param ask: makes one, and returns the time that the system tells, aware; None where it tells none
    """
    milliseconds, ahead = [], None
    for _ in range(ROUND_TRIPS):
        begun, before = time.perf_counter(), datetime.now(UTC)
        told = ask()
        passed = time.perf_counter() - begun
        milliseconds.append(passed * 1000)
        if told is not None:
            ahead = (told - before).total_seconds() - passed / 2
    return Timing(milliseconds=statistics.median(milliseconds), clock_seconds=ahead)


def timing_warnings(system: str, timing: Timing) -> list[str]:
    """What is unusual about a timing."""
    warnings = []
    if timing.milliseconds > SLOW_MILLISECONDS:
        warnings.append(f"{system} is {timing.milliseconds:.0f} ms away: run EchoTune in the same region.")
    if timing.clock_seconds is not None and abs(timing.clock_seconds) > MOST_CLOCK_SECONDS:
        warnings.append(f"its clock differs by {timing.clock_seconds:+.1f} s: let both follow a time server.")
    return warnings
