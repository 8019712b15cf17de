"""The health checks of the containers, against the components of the running stack."""

from __future__ import annotations

import psycopg
import pytest

from echotune.deployment.health import JOBS, UnhealthyError, check_job, check_worker
from local.stack import Stack


def hostname_of(stack: Stack, component: str) -> str:
    """What Airflow calls the machine of a component."""
    query = "select hostname from job where job_type = %s order by latest_heartbeat desc limit 1"
    with psycopg.connect(stack.airflow.metadata_uri) as connection:
        row = connection.execute(query, [JOBS[component]]).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("component", sorted(JOBS))
def test_a_component_at_work_is_healthy(stack: Stack, component: str) -> None:
    metadata = stack.variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    check_job(metadata, component, hostname_of(stack, component))


@pytest.mark.parametrize("component", sorted(JOBS))
def test_a_component_of_another_container_says_nothing_of_this_one(stack: Stack, component: str) -> None:
    with pytest.raises(UnhealthyError, match=f"no {component} runs on elsewhere"):
        check_job(stack.variables["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], component, "elsewhere")


def test_a_worker_that_answers_is_healthy_and_another_is_not(stack: Stack) -> None:
    broker = stack.variables["AIRFLOW__CELERY__BROKER_URL"]
    check_worker(broker, "worker-1")
    with pytest.raises(UnhealthyError, match="celery@worker-9 does not answer"):
        check_worker(broker, "worker-9")
