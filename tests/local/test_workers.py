"""The Celery workers of the test stack: all of them run tasks, with no more than they need, and a dead one is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO

import pytest

from local import environment, processes, status
from local.airflow_api import AirflowApi
from local.dag_runs import log_lines
from local.servers.airflow import Airflow
from local.stack import Stack
from tests.support.dag_runs import instances_of, run_to_the_end, summary_of
from tests.support.secret_search import secrets_of

DAG = "connection_check"
RUNS = 5


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


def test_a_worker_has_no_key_to_airflow_and_no_credential_of_the_users(stack: Stack, airflow: Airflow) -> None:
    needed = {stack.redis.password, stack.secrets.postgres_results}
    withheld = {*secrets_of(stack).values()} - needed
    for name in airflow.worker_names:
        # Celery writes its title over the environment that the system shows.
        given = airflow.service(name).environment or {}
        assert given["AIRFLOW__CELERY__BROKER_URL"]
        assert given.keys() & environment.WITHHELD_FROM_WORKERS == set()
        assert [variable for variable, value in given.items() for secret in withheld if secret in value] == []


def test_every_worker_runs_tasks_and_the_ui_has_their_logs(api: AirflowApi, airflow: Airflow) -> None:
    before = airflow.inspect_workers().tasks_run()
    assert set(before) == set(airflow.worker_names)
    for _ in range(RUNS):
        state, run = run_to_the_end(api, DAG)
        assert state == "success"
        begun = {name: count - before[name] for name, count in airflow.inspect_workers().tasks_run().items()}
        if all(begun.values()):
            break
    assert len(begun) == len(airflow.worker_names) >= 2
    assert min(begun.values()) > 0, begun
    (summary,) = instances_of(api, run, "summary")
    assert summary_of(api, run)["text"][0] in "\n".join(log_lines(api, run, summary))


def test_the_status_shows_a_worker_that_died(stack: Stack, airflow: Airflow) -> None:
    died = airflow.worker_names[0]
    processes.kill(airflow.service(died))
    with redirect_stdout(StringIO()) as shown:
        status.show(stack)
    states = {words[0]: words[1] for line in shown.getvalue().splitlines() if (words := line.split())}
    assert {name: states[name] for name in airflow.worker_names} == {
        name: "stopped" if name == died else "running" for name in airflow.worker_names
    }
