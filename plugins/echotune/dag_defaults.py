"""What all DAGs and all their tasks have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable

from echotune.notifications import RunNotifier, remember_error


def for_every_dag() -> dict[str, Any]:
    """Return arguments of every DAG: two runs of one never collide, and each run is told."""
    return {
        "max_active_runs": 1,
        "on_failure_callback": RunNotifier(),
        "on_success_callback": RunNotifier(),
    }


def by_the_clock(cron: str) -> CronTriggerTimetable:
    """Return a schedule in UTC whose first run is at its next time after the DAG is switched on.

    By itself Airflow runs it at once where the time before is not longer ago than a tenth of the interval: 2.4 hours
    of a day, three days of a month.
    """
    return CronTriggerTimetable(cron, timezone="UTC", run_immediately=timedelta(0))


def for_every_task(
    *, execution_timeout: timedelta, retries: int = 3, retry_delay: timedelta = timedelta(seconds=10), **others: Any
) -> dict[str, Any]:
    """Return ``default_args`` of a DAG: an owner, retries whose waits grow to 5 minutes, and a time limit.

    :param execution_timeout: how long one try of a task may take; a task may ask for more
    :param retries: how often a task that failed is tried again
    :param retry_delay: the wait before the first of them
    :param others: any other argument of all tasks
    """
    return {
        "owner": "echotune",
        "on_failure_callback": remember_error,
        "retries": retries,
        "retry_delay": retry_delay,
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": execution_timeout,
        **others,
    }
