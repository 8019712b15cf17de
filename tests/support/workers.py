"""Which Celery worker a task is at work in."""

from __future__ import annotations

import psutil

from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run
from local.servers.airflow import Airflow
from tests.support.dag_runs import running


def worker_of(airflow: Airflow, task: Json) -> str | None:
    """The worker whose process a task's process descends from; None when the task has just ended."""
    workers = {airflow.pid(name): name for name in airflow.worker_names}
    try:
        ancestors = [process.pid for process in psutil.Process(task["pid"]).parents()]
    except psutil.NoSuchProcess:
        return None
    return next((workers[pid] for pid in ancestors if pid in workers), None)


def worker_at_work(api: AirflowApi, airflow: Airflow, run: Run, task_id: str) -> tuple[str, Json] | None:
    """A worker that has an instance of this task, and the instance."""
    at_work = ((worker_of(airflow, task), task) for task in running(api, run, task_id))
    return next(((worker, task) for worker, task in at_work if worker), None)
