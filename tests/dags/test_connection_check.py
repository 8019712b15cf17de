"""The DAG connection_check over a real scheduler: each system a task, and a failure that says what to change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from echotune.operators.connection_check import SYSTEMS
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run
from local.stack import Stack
from tests.support.dag_runs import instances_of, log_of, run_to_the_end, summary_of, switched_on

DAG = "connection_check"
SECRET = "planted-in-a-connection"


@pytest.fixture(scope="module", autouse=True)
def _only_runs_of_these_tests(api: AirflowApi) -> Iterator[None]:
    with switched_on(api, DAG):
        yield


@dataclass(frozen=True)
class Ended:
    state: str
    run: Run
    tasks: list[Json]


@pytest.fixture(scope="module")
def healthy(api: AirflowApi) -> Ended:
    state, run = run_to_the_end(api, DAG)
    return Ended(state, run, instances_of(api, run, "check"))


@pytest.fixture(scope="module")
def broken(api: AirflowApi, stack: Stack) -> Iterator[Ended]:
    """A run while the connection to Redis has another password."""
    redis = api.get("connections/echotune_redis")
    password = urlsplit(stack.variables["REDIS_URL"]).password
    api.patch("connections/echotune_redis", {**redis, "password": SECRET})
    state, run = run_to_the_end(api, DAG, systems=["Redis", "MongoDB"])
    yield Ended(state, run, instances_of(api, run, "check"))
    api.patch("connections/echotune_redis", {**redis, "password": password})


def test_every_system_has_a_task_of_its_name(healthy: Ended) -> None:
    assert healthy.state == "success"
    assert {task["rendered_map_index"]: task["state"] for task in healthy.tasks} == dict.fromkeys(SYSTEMS, "success")


def test_the_summary_tells_version_tls_rights_latency_and_clock(api: AirflowApi, healthy: Ended) -> None:
    text = "\n".join(summary_of(api, healthy.run)["text"])
    for words in ("MongoDB 6.0", "PostgreSQL 18", "Redis 6.2", "not encrypted", "rights as needed", "ms away", "clock"):
        assert words in text
    assert summary_of(api, healthy.run)["systems"] == dict.fromkeys(SYSTEMS, "works")


def test_a_system_that_refuses_fails_alone(broken: Ended) -> None:
    assert broken.state == "failed"
    states = {task["rendered_map_index"]: task["state"] for task in broken.tasks}
    assert states == {"Redis": "failed", "MongoDB": "success"}


def test_a_failure_says_which_setting_to_change_and_no_secret(api: AirflowApi, broken: Ended) -> None:
    log = log_of(api, broken.run, "check") + log_of(api, broken.run, "summary")
    assert "refuses the user or the password" in log
    assert "REDIS_URL" in log
    assert SECRET not in log


def test_the_summary_of_a_failed_check_is_kept(api: AirflowApi, broken: Ended) -> None:
    assert summary_of(api, broken.run)["systems"] == {"Redis": "failed", "MongoDB": "works"}
