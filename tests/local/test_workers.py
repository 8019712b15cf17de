"""The Celery workers of the test stack: both run tasks, and a run survives the death of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from local import environment, processes, status
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run, log_lines, trigger
from local.sample import write_sample
from local.servers.airflow import Airflow
from local.stack import Stack
from tests.support.dag_runs import end_of, instances_of, run_to_the_end, running, summary_of, wait_for
from tests.support.databases import dags_store
from tests.support.secret_search import secrets_of

DAG = "csv_backfill"
ROWS = 30_000
CHUNK_ROWS = 5_000
RUNS = 3


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.api() as client:
        yield client


@pytest.fixture(scope="module")
def airflow(stack: Stack) -> Iterator[Airflow]:
    """The stack's Airflow with all of its workers, before and after the tests."""
    stack.up()
    yield stack.airflow
    stack.up()


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.csv"
    write_sample(path, rows=ROWS)
    return path


@pytest.fixture(scope="module")
def store(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    """The collections that the DAG writes to, empty."""
    with dags_store(mongodb_client) as empty:
        yield empty


def worker_of(airflow: Airflow, task: Json) -> str | None:
    """The worker whose process a task's process descends from; None when the task has just ended."""
    workers = {airflow.pid(name): name for name in airflow.worker_names}
    try:
        ancestors = [process.pid for process in psutil.Process(task["pid"]).parents()]
    except psutil.NoSuchProcess:
        return None
    return next((workers[pid] for pid in ancestors if pid in workers), None)


def worker_at_work(api: AirflowApi, airflow: Airflow, run: Run) -> tuple[str, Json] | None:
    """A worker that loads a chunk, and the task that does."""
    at_work = ((worker_of(airflow, task), task) for task in running(api, run, "load_chunks"))
    return next(((worker, task) for worker, task in at_work if worker), None)


def test_a_worker_has_no_key_to_airflow_and_no_credential_of_the_users(stack: Stack, airflow: Airflow) -> None:
    needed = {stack.redis.password, stack.secrets.postgres_results}
    withheld = {*secrets_of(stack).values()} - needed
    for name in airflow.worker_names:
        # Celery writes its title over the environment that the system shows.
        given = airflow.service(name).environment or {}
        assert given["AIRFLOW__CELERY__BROKER_URL"]
        assert given.keys() & environment.WITHHELD_FROM_WORKERS == set()
        assert [variable for variable, value in given.items() for secret in withheld if secret in value] == []


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A run, one of whose workers was killed while it loaded.

    :param worker: the worker's name
    :param task: the task it worked at, as it was then
    :param shown: what the stack's status showed after it
    :param plays: how many plays were there at the end
    """

    worker: str
    task: Json
    shown: str
    state: str
    tries: int
    plays: int


@pytest.fixture(scope="module")
def killed(api: AirflowApi, stack: Stack, airflow: Airflow, store: HistoryStore, history: Path) -> Killed:
    run = trigger(api, DAG, {"source": str(history), "chunk_rows": CHUNK_ROWS})
    worker, task = wait_for("a worker that loads a chunk", lambda: worker_at_work(api, airflow, run))
    processes.kill(airflow.service(worker))
    wait_for("the end of its task", lambda: not psutil.pid_exists(task["pid"]))
    with redirect_stdout(StringIO()) as output:
        status.show(stack)
    state = end_of(api, run)
    tries = {one["map_index"]: one["try_number"] for one in instances_of(api, run, "load_chunks")}
    return Killed(
        worker=worker,
        task=task,
        shown=output.getvalue(),
        state=state,
        tries=tries[task["map_index"]],
        plays=store.plays.count_documents({}),
    )


def test_a_run_whose_worker_is_killed_ends_with_every_play_loaded(killed: Killed) -> None:
    assert killed.state == "success"
    assert killed.plays == ROWS
    assert killed.tries == 2


def test_the_status_shows_a_worker_that_died(airflow: Airflow, killed: Killed) -> None:
    states = {words[0]: words[1] for line in killed.shown.splitlines() if (words := line.split())}
    assert {name: states[name] for name in airflow.worker_names} == {
        name: "stopped" if name == killed.worker else "running" for name in airflow.worker_names
    }


@pytest.mark.usefixtures("killed")
def test_every_worker_runs_tasks_and_the_ui_has_their_logs(
    api: AirflowApi, stack: Stack, airflow: Airflow, history: Path
) -> None:
    stack.up()
    before = airflow.inspect_workers().tasks_run()
    assert set(before) == set(airflow.worker_names)
    for _ in range(RUNS):
        state, run = run_to_the_end(api, DAG, source=str(history), chunk_rows=CHUNK_ROWS)
        assert state == "success"
        begun = {name: count - before[name] for name, count in airflow.inspect_workers().tasks_run().items()}
        if all(begun.values()):
            break
    assert len(begun) == len(airflow.worker_names) >= 2
    assert min(begun.values()) > 0, begun
    (summary,) = instances_of(api, run, "summary")
    assert summary_of(api, run)["text"][0] in "\n".join(log_lines(api, run, summary))
