"""DAG runs through a real scheduler: started, waited for, and read afterwards as a person reads them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run, has_active_run, log_lines, task_instances, trigger

RUN_SECONDS = 180
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.1, 0.5
FIRST_POLL_SECONDS_FOR_AN_END, LONGEST_POLL_SECONDS_FOR_AN_END = 0.5, 1.5
POLL_GROWTH = 1.1
"""What takes longer is asked for less often: an api-server that answers takes time from what is waited for."""

QUIET = timedelta(minutes=2)
"""For so long no schedule begins a run of its own between those of a test: what is due before is waited for."""


def wait_for(
    what: str,
    found: Callable[[], Any],
    *,
    first_poll: float = FIRST_POLL_SECONDS,
    longest_poll: float = LONGEST_POLL_SECONDS,
) -> Any:
    """Ask until the answer is true; fail the test when it never is.

    :param first_poll: seconds between the first two questions
    :param longest_poll: seconds between two questions at most
    """
    deadline, pause = time.monotonic() + RUN_SECONDS, first_poll
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {RUN_SECONDS} s in vain for {what}"
        time.sleep(pause)
        pause = min(pause * POLL_GROWTH, longest_poll)
    return answer


@contextmanager
def switched_on(api: AirflowApi, dag: str) -> Iterator[None]:
    """Switch a DAG on for a while, without the runs that earlier tests' loads would start.

    First its schedule has what is due, or soon will be: no test expects those runs.
    """
    wait_for(f"the DAG {dag}", lambda: api.find(f"dags/{dag}"))
    forget_events(api, dag)
    api.patch(f"dags/{dag}", {"is_paused": False})
    wait_for("the end of what was due", lambda: not _is_due(api, dag) and not has_active_run(api, dag))
    yield
    api.patch(f"dags/{dag}", {"is_paused": True})


def _is_due(api: AirflowApi, dag: str) -> bool:
    at = api.get(f"dags/{dag}")["next_dagrun_run_after"]
    return at is not None and datetime.fromisoformat(at) <= datetime.now(UTC) + QUIET


def forget_events(api: AirflowApi, dag: str) -> None:
    """Take away what other runs have told a DAG: switched on, it would begin a run with other params."""
    if api.get(f"dags/{dag}/assets/queuedEvents")["queued_events"]:
        api.delete(f"dags/{dag}/assets/queuedEvents")


def end_of(api: AirflowApi, run: Run) -> str:
    """Wait for the end of a run; return its state."""
    ended = ("success", "failed")
    return str(
        wait_for(
            "the end of the run",
            lambda: (state := api.get(run.path)["state"]) in ended and state,
            first_poll=FIRST_POLL_SECONDS_FOR_AN_END,
            longest_poll=LONGEST_POLL_SECONDS_FOR_AN_END,
        )
    )


def run_to_the_end(api: AirflowApi, dag: str, **conf: Any) -> tuple[str, Run]:
    """Start a run with these params and wait for its end; return its state and what it is called."""
    run = trigger(api, dag, conf)
    return end_of(api, run), run


def run_alone(api: AirflowApi, dag: str, **conf: Any) -> tuple[str, Run]:
    """The same, and nothing that other runs announced starts another: the DAG is switched off before and after."""
    wait_for(f"the DAG {dag}", lambda: api.find(f"dags/{dag}"))
    forget_events(api, dag)
    ended = run_to_the_end(api, dag, **conf)
    api.patch(f"dags/{dag}", {"is_paused": True})
    return ended


def clear(api: AirflowApi, run: Run, task_id: str) -> None:
    """Have a task of a run, and all that comes after it, run again."""
    cleared = {"dag_run_id": run.run, "task_ids": [task_id], "include_downstream": True, "dry_run": False}
    api.post(f"dags/{run.dag}/clearTaskInstances", {**cleared, "only_failed": False, "reset_dag_runs": True})


def summary_of(api: AirflowApi, run: Run) -> Json:
    """What the summary task returned."""
    value: Json = api.get(f"{run.path}/taskInstances/summary/xcomEntries/return_value")["value"]
    return value


def states_of(api: AirflowApi, run: Run) -> dict[str, set[str]]:
    """The states of each task's instances."""
    states: dict[str, set[str]] = {}
    for task in task_instances(api, run):
        states.setdefault(task["task_id"], set()).add(str(task["state"]))
    return states


def instances_of(api: AirflowApi, run: Run, task_id: str) -> list[Json]:
    """The instances of one task."""
    return [task for task in task_instances(api, run) if task["task_id"] == task_id]


def running(api: AirflowApi, run: Run, task_id: str) -> list[Json]:
    """The instances of a task that are at work, each once its process is known."""
    return [task for task in instances_of(api, run, task_id) if task["state"] == "running" and task["pid"]]


def log_of(api: AirflowApi, run: Run, task_id: str) -> str:
    """The logs of a task's instances, of the last try of each."""
    return "\n".join(line for task in instances_of(api, run, task_id) for line in log_lines(api, run, task))
