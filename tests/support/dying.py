"""Processes that die in the middle: a copy of this one, killed before it sends one of its commands to MongoDB."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from echotune.history.store import HistoryStore


class Killer(CommandListener):
    """Kills its process before the command of a number."""

    def __init__(self, number: int) -> None:
        self._left = number

    def started(self, event: CommandStartedEvent) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


def dies_at(number: int, uri: str, database: str, work: Callable[[HistoryStore], object]) -> bool:
    """Do some work in a process that dies before its command of that number; return whether it came so far."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(number, uri, database, work))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), "the work failed otherwise"
    return process.exitcode != 0


def _work(number: int, uri: str, database: str, work: Callable[[HistoryStore], object]) -> None:
    with MongoClient[dict[str, Any]](uri, event_listeners=[Killer(number)]) as client:
        work(HistoryStore.of(client[database]))
