"""What the targets share: how many cases a test gets, and how long one may take."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any, ParamSpec

from hypothesis import settings

SECONDS_A_CASE = 5
"""Of the processor's time, so that a busy machine makes no case fail."""

P = ParamSpec("P")


class TakesTooLong(Exception):
    """A case is not at an end in time."""


def part_of_cases(part: float) -> settings:
    """The settings of a test that gets a part of its target's cases."""
    return settings(max_examples=max(1, round(settings().max_examples * part)))


def in_time(test: Callable[P, None]) -> Callable[P, None]:
    """Fail a case that hangs, instead of waiting for it."""

    @wraps(test)
    def limited(*args: P.args, **kwargs: P.kwargs) -> None:
        with _limit():
            test(*args, **kwargs)

    return limited


@contextmanager
def _limit() -> Iterator[None]:
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS_A_CASE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(number: int, frame: FrameType | None) -> Any:
    raise TakesTooLong(f"more than {SECONDS_A_CASE} s of the processor's time")
