"""Applications beside maintenance: a writer and a reader, and what they notice of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid4

ROWS_A_SECOND = 500
PAUSE_SECONDS = 0.01
SECONDS_AROUND = 0.5
"""How long the traffic goes on before and after what is measured."""


@dataclass
class Traffic:
    """What a writer and a reader noticed.

    :param written: ids of the plays that were written
    :param writes: seconds that each insert of some plays took
    :param reads: seconds that each query took
    :param seconds: how long the writer wrote
    """

    written: list[UUID] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0


Side = Callable[[Traffic, threading.Event], None]


@contextmanager
def traffic_of(write: Side, read: Side) -> Iterator[Traffic]:
    """Write and read all the time, some time before and after as well."""
    noticed, end = Traffic(), threading.Event()
    threads = [threading.Thread(target=side, args=(noticed, end)) for side in (write, read)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(SECONDS_AROUND)
        yield noticed
        time.sleep(SECONDS_AROUND)
    finally:
        end.set()
        for thread in threads:
            thread.join()


def write_plays(
    noticed: Traffic, end: threading.Event, insert: Callable[[Sequence[UUID]], object], error: type[Exception]
) -> None:
    """Insert 500 plays a second, some at a time; a writer that was held up catches up."""
    began, number = time.perf_counter(), 0
    while not end.wait(PAUSE_SECONDS):
        due = int((time.perf_counter() - began) * ROWS_A_SECOND) - number
        ids = [uuid4() for _ in range(due)]
        number += due
        if ids and timed(noticed.writes, noticed.failures, partial(insert, ids), error):
            noticed.written += ids
    noticed.seconds = time.perf_counter() - began


def timed(seconds: list[float], failures: list[str], work: Callable[[], object], expected: type[Exception]) -> bool:
    """Do it, keep how long it took, and tell whether it succeeded."""
    started = time.perf_counter()
    try:
        work()
    except expected as error:
        failures.append(str(error))
        return False
    finally:
        seconds.append(time.perf_counter() - started)
    return True


def told(system: str, noticed: Traffic, seconds: float, found: int) -> dict[str, float]:
    """The numbers of a rebuild, by name. Lost rows are those that were written and are not found."""
    return {
        f"{system} rebuild seconds": seconds,
        f"{system} rows a second": len(noticed.written) / noticed.seconds,
        f"{system} failed": len(noticed.failures),
        f"{system} lost rows": len(noticed.written) - found,
        f"{system} reads": len(noticed.reads),
        f"{system} longest write seconds": max(noticed.writes),
        f"{system} longest read seconds": max(noticed.reads),
    }
