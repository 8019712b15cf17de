"""The link from a task in Airflow's UI to what its run wrote."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from echotune.operators.links import WRITTEN_LINKS
from echotune.resources import PROJECT
from echotune.run_summary import SUMMARY_TASK
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run, task_instances
from tests.support.dag_runs import wait_for

DAGS = sorted(path.stem for path in (PROJECT / "dags").glob("*.py"))
(LINK,) = (link.name for link in WRITTEN_LINKS)


@pytest.fixture(scope="module", params=DAGS)
def run(request: pytest.FixtureRequest, api: AirflowApi) -> Iterator[Run]:
    """A run of each DAG that does not start, because its DAG is paused."""
    dag: str = request.param
    known: Json = wait_for(f"Airflow to read {dag}", lambda: api.find(f"dags/{dag}"))
    api.patch(f"dags/{dag}", {"is_paused": True})
    # A name as a schedule gives it: its letters have to survive the way through addresses.
    name = f"manual__2026-01-31T04:05:06.789+00:00_{dag}"
    api.post(f"dags/{dag}/dagRuns", {"logical_date": None, "dag_run_id": name})
    run = Run(dag, name)
    yield run
    api.delete(run.path)
    api.patch(f"dags/{dag}", {"is_paused": known["is_paused"]})


def links_of(api: AirflowApi, run: Run, task_id: str) -> Json:
    links: Json = api.get(f"{run.path}/taskInstances/{task_id}/links")["extra_links"]
    return links


def test_the_summary_of_each_dag_links_to_the_page_on_its_run(api: AirflowApi, run: Run) -> None:
    page = f"/plugin/echotune/echotune/#/runs/{run.dag}/{quote(run.run, safe='')}"
    assert links_of(api, run, SUMMARY_TASK) == {LINK: page}


def test_a_task_that_writes_links_there_too(api: AirflowApi, run: Run) -> None:
    linked = {task["task_id"] for task in task_instances(api, run) if links_of(api, run, task["task_id"])}
    assert linked > {SUMMARY_TASK} or run.dag == "connection_check", "a check writes nothing but its summary"
