"""The Celery workers of a stack, seen through their broker: who of them answers, and how much each of them has run."""

from __future__ import annotations

from typing import Any

import redis
from celery import Celery  # type: ignore[import-untyped]
from kombu.exceptions import OperationalError

PING_SECONDS = 1.0
# What Airflow calls a task when it hands it to a worker.
WORKLOAD = "execute_workload"


class WorkersInspection:
    """Questions to all workers of a broker at once.

    :param broker: the address of the broker, with its password
    :param expected: how many workers there should be; nobody waits for more answers than that
    """

    def __init__(self, broker: str, expected: int) -> None:
        self._expected = expected
        self._celery = Celery(broker=broker)
        self._celery.conf.broker_transport_options = {"socket_connect_timeout": PING_SECONDS, "socket_timeout": 5}

    def answering(self) -> set[str]:
        """The names of the workers that answer within a second; none when the broker does not."""
        return {_name_of(node) for node in self._ask("ping")}

    def tasks_run(self) -> dict[str, int]:
        """How many tasks each worker began since it started."""
        return {_name_of(node): told["total"].get(WORKLOAD, 0) for node, told in self._ask("stats").items()}

    def _ask(self, question: str) -> dict[str, Any]:
        inspection = self._celery.control.inspect(timeout=PING_SECONDS, limit=self._expected)
        try:
            return getattr(inspection, question)() or {}
        except (OperationalError, redis.ConnectionError, redis.TimeoutError):
            return {}


def _name_of(node: str) -> str:
    """worker-1 of celery@worker-1."""
    return node.rpartition("@")[2]
