"""Runs of DAGs by Airflow's REST API: started, looked at, their logs read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from local.airflow_api import AirflowApi, Json
from local.errors import StackError

DAG_SECONDS = 90.0
POLL_SECONDS = 0.5
EVERY_DAG = "~"
"""What the API takes for a DAG's name where all are meant."""


@dataclass(frozen=True)
class Run:
    """A DAG run as the API names it."""

    dag: str
    run: str

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"dags/{self.dag}/dagRuns/{quote(self.run, safe='')}"


def trigger(api: AirflowApi, dag: str, conf: Json) -> Run:
    """Wait until Airflow has read the DAG, switch it on, start a run."""
    deadline = time.monotonic() + DAG_SECONDS
    while (known := api.find(f"dags/{dag}")) is None or known.get("is_stale"):
        for error in api.get("importErrors", limit=50)["import_errors"]:
            if Path(error["filename"]).stem == dag:
                raise StackError(f"{error['filename']} cannot be imported: {_last_line(error['stack_trace'])}")
        if time.monotonic() > deadline:
            raise StackError(f"Airflow found no DAG {dag} in {DAG_SECONDS:.0f} s: look at make status.")
        time.sleep(POLL_SECONDS)
    if known["is_paused"]:
        api.patch(f"dags/{dag}", {"is_paused": False})
    started = api.post(f"dags/{dag}/dagRuns", {"logical_date": None, "conf": conf})
    return Run(dag, started["dag_run_id"])


def has_active_run(api: AirflowApi, dag: str = EVERY_DAG) -> bool:
    """Whether a run of a DAG, or of any, is queued or running."""
    found = (api.get(f"dags/{dag}/dagRuns", limit=1, state=state) for state in ("queued", "running"))
    return any(runs["dag_runs"] for runs in found)


def task_instances(api: AirflowApi, run: Run) -> list[Json]:
    """All task instances of a run, page by page."""
    found: list[Json] = []
    while True:
        page = api.get(f"{run.path}/taskInstances", limit=100, offset=len(found))
        found += page["task_instances"]
        if not page["task_instances"] or len(found) >= page["total_entries"]:
            return found


def log_lines(api: AirflowApi, run: Run, task: Json) -> list[str]:
    """The log of a task's last try, a line each."""
    path = f"{run.path}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
    lines = []
    for record in api.get(path, map_index=task["map_index"])["content"]:
        if not isinstance(record, dict):
            lines.append(str(record))
        elif record.get("event"):
            lines.append(f"{record.get('level', ''):8}{record['event']}".strip())
            lines += [f"{cause['exc_type']}: {cause['exc_value']}" for cause in record.get("error_detail") or []]
    return lines


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]
