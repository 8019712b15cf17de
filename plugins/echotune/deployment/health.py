"""Whether the Airflow component of this container is at work: python -m echotune.deployment.health COMPONENT.

Airflow's own command for it takes seconds of a processor each time. This asks the same: when the component wrote its
last sign of life into Airflow's database, or whether the worker answers.
"""

from __future__ import annotations

import os
import re
import socket
import sys

import psycopg

# What Airflow calls the jobs of its components.
JOBS = {"scheduler": "SchedulerJob", "dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}
OLDEST_SECONDS = 90
WAIT_SECONDS = 10
LAST_SIGN = """
    select extract(epoch from now() - latest_heartbeat)
    from job
    where job_type = %s and hostname = %s and state = 'running'
    order by latest_heartbeat desc
    limit 1
"""


class UnhealthyError(Exception):
    """The component is not at work; the message says why."""


def check_job(metadata: str, component: str, hostname: str) -> None:
    """Raise UnhealthyError where a component gave no sign of life lately.

    :param metadata: the address of Airflow's database, as Airflow has it
    :param hostname: what Airflow calls the machine of the component
    """
    address = re.sub(r"^postgresql\+\w+:", "postgresql:", metadata)
    with psycopg.connect(address, connect_timeout=WAIT_SECONDS) as connection:
        row = connection.execute(LAST_SIGN, [JOBS[component], hostname]).fetchone()
    if row is None:
        raise UnhealthyError(f"no {component} runs on {hostname}")
    if row[0] > OLDEST_SECONDS:
        raise UnhealthyError(f"the {component} on {hostname} gave its last sign of life {row[0]:.0f} s ago")


def check_worker(broker: str, hostname: str) -> None:
    """Raise UnhealthyError where the Celery worker of a machine does not answer.

    :param broker: the address of the broker, as Airflow has it
    """
    # Here, because the other checks are ten times as fast without it.
    from celery import Celery  # type: ignore[import-untyped]  # noqa: PLC0415

    node = f"celery@{hostname}"
    with Celery(broker=broker) as celery:
        if not celery.control.inspect([node], timeout=WAIT_SECONDS, limit=1).ping():
            raise UnhealthyError(f"the worker {node} does not answer")


def main() -> None:
    """Check the component of the command line; exit status 1 and a sentence where it is not at work."""
    component = sys.argv[1]
    try:
        if component == "worker":
            check_worker(os.environ["AIRFLOW__CELERY__BROKER_URL"], socket.gethostname())
        else:
            check_job(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], component, socket.gethostname())
    except UnhealthyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
