"""The whole DAG in a running Airflow, from trigger to success."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from local.dag_runs import task_instances, trigger
from local.stack import Stack

POLL_SECONDS = 0.2


def run_dag(stack: Stack, path: Path) -> float:
    """Trigger csv_backfill for a file; return the seconds from trigger to success by Airflow's own clock.

    :raises RuntimeError: the run failed
    """
    with stack.api() as api:
        run = trigger(api, "csv_backfill", {"source": str(path)})
        while (state := api.get(run.path))["state"] not in ("success", "failed"):
            time.sleep(POLL_SECONDS)
        if state["state"] == "failed":
            failed = [task["task_id"] for task in task_instances(api, run) if task["state"] == "failed"]
            raise RuntimeError(f"csv_backfill failed in {', '.join(failed)}: see its log in the Airflow UI")
        return (datetime.fromisoformat(state["end_date"]) - datetime.fromisoformat(state["queued_at"])).total_seconds()
