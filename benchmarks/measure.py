"""One measurement: a function in a process of its own, its time and its peak memory."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from threading import BrokenBarrierError
from typing import Any

KIBIBYTES_A_MEBIBYTE = 1024
START_SECONDS = 120.0
"""A process that is not ready by then failed before it came to its work."""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one way of doing a thing took.

    :param rows: rows handled
    :param seconds: wall time
    :param peak_mebibytes: the largest resident set of any of its processes
    :param processor_seconds: processor time of its own processes, without that of servers
    """

    name: str
    rows: int
    seconds: float
    peak_mebibytes: float
    processor_seconds: float = 0


def measure(name: str, rows: int, work: Callable[..., None], *arguments: tuple[Any, ...]) -> Measurement:
    """Run ``work`` once for each tuple of arguments, all side by side, each in a fresh process.

    The clock starts when every process has imported what it needs, and stops when the last is done.

    :raises RuntimeError: a process failed
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(arguments) + 1, timeout=START_SECONDS)
    receivers, processes = [], []
    for argument in arguments:
        receiver, sender = context.Pipe(duplex=False)
        processes.append(context.Process(target=_run, args=(sender, barrier, work, argument)))
        receivers.append(receiver)
    for process in processes:
        process.start()
    try:
        barrier.wait()
    except BrokenBarrierError as error:
        raise RuntimeError(f"{name} did not begin: see the message of a process above") from error
    started = time.perf_counter()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - started
    if any(process.exitcode for process in processes):
        raise RuntimeError(f"{name} failed: see its message above")
    peaks, processor_seconds = zip(*(receiver.recv() for receiver in receivers), strict=True)
    return Measurement(
        name=name,
        rows=rows,
        seconds=seconds,
        peak_mebibytes=max(peaks) / KIBIBYTES_A_MEBIBYTE,
        processor_seconds=sum(processor_seconds),
    )


def _run(sender: Connection, barrier: Any, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    barrier.wait()
    before = time.process_time()
    work(*arguments)
    sender.send((peak_kibibytes(), time.process_time() - before))


def peak_kibibytes() -> int:
    """The largest resident set of this process since it began; getrusage would tell its parent's, where larger."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
