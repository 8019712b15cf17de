"""What a person does to runs: two at once, a task cleared in any position, a backfill, a run without the scheduler."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from echotune.resources import PROJECT
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run, task_instances, trigger
from tests.support.dag_runs import clear, end_of, forget_events, run_to_the_end, wait_for
from tests.whole_platform.chain import Chain, Told
from tests.whole_platform.conftest import Undisturbed
from tests.whole_platform.plan import (
    ARCHIVE,
    BESIDE,
    ENRICHMENT,
    MAINTENANCE,
    RECENTLY_PLAYED,
    STEPS,
    SYNC,
    Round,
)
from tests.whole_platform.state import State, differences

NOTHING = Round(number=0, faults=())
TWO_PERIODS = {
    ENRICHMENT: timedelta(days=2),
    SYNC: timedelta(days=2),
    MAINTENANCE: timedelta(weeks=2),
    RECENTLY_PLAYED: timedelta(hours=2),
    ARCHIVE: timedelta(days=62),
}
"""For each DAG that has a clock: how long it takes to be due twice."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A DAG of which a run has succeeded, and the state since then."""

    dag: str
    chain: Chain
    state: State

    def require_the_same(self) -> None:
        """Nothing is other than it was after the first run."""
        assert not differences(self.state, self.chain.state())
        if self.dag in STEPS:
            assert not self.chain.unequal_sides()


@pytest.fixture(scope="module")
def whole(chain: Chain, undisturbed: Undisturbed) -> Chain:
    """A chain whose runs have all ended."""
    assert not differences(undisturbed.state, chain.disturbed(NOTHING, undisturbed.seconds, Told()))
    return chain


@pytest.fixture(scope="module")
def ended(whole: Chain, request: pytest.FixtureRequest) -> Iterator[Ended]:
    """One DAG after another, each after a run of its own."""
    dag, api = request.param, whole.target.api
    if dag not in STEPS:
        state, _ = run_to_the_end(api, dag, **whole.conf(dag))
        assert state == "success"
    forget_events(api, dag)
    api.patch(f"dags/{dag}", {"is_paused": False})
    yield Ended(dag=dag, chain=whole, state=whole.state())
    api.patch(f"dags/{dag}", {"is_paused": True})


every_dag = pytest.mark.parametrize("ended", [*STEPS, *BESIDE], indirect=True)


@pytest.mark.timeout(1_200)
@every_dag
def test_a_task_that_is_cleared_runs_again_and_changes_nothing(ended: Ended, pytestconfig: pytest.Config) -> None:
    api, dag = ended.chain.target.api, ended.dag
    last = api.get(f"dags/{dag}/dagRuns", order_by="-run_after", limit=1, state="success")["dag_runs"][0]
    run = Run(dag, last["dag_run_id"])
    positions = sorted(_succeeded(api, run))
    if not pytestconfig.getoption("--every-position"):
        positions = random.Random(pytestconfig.getoption("--fault-seed")).sample(positions, 1)
    for task_id in positions:
        if task_id not in _succeeded(api, run):
            continue  # it was cleared with one before it, which then found nothing to do
        before = _tries(task_instances(api, run), task_id)
        clear(api, run, task_id)
        assert end_of(api, run) == "success", task_id
        assert _tries(task_instances(api, run), task_id) > before
    ended.require_the_same()


@pytest.mark.timeout(600)
@every_dag
def test_two_more_runs_at_once_change_nothing(ended: Ended) -> None:
    api = ended.chain.target.api
    both = [trigger(api, ended.dag, ended.chain.conf(ended.dag)) for _ in range(2)]
    assert [end_of(api, run) for run in both] == ["success", "success"]
    ended.require_the_same()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("ended", TWO_PERIODS, indirect=True)
def test_a_backfill_of_the_schedule_by_the_command_line_runs_each_time_it_was_due(ended: Ended) -> None:
    api, dag = ended.chain.target.api, ended.dag
    # After a backfill that ends before the DAG was due last, the scheduler makes that run, without this conf.
    until = datetime.now(UTC)
    first, last = (until - TWO_PERIODS[dag]).isoformat(), until.isoformat()
    conf = json.dumps(ended.chain.conf(dag))
    _airflow("backfill", "create", "--dag-id", dag, "--from-date", first, "--to-date", last, "--dag-run-conf", conf)

    def backfilled() -> list[Json]:
        runs: list[Json] = api.get(f"dags/{dag}/dagRuns", run_type="backfill", limit=100)["dag_runs"]
        return runs if runs and all(run["state"] in ("success", "failed") for run in runs) else []

    wait_for("the backfill's runs", backfilled)
    due = api.get(f"dags/{dag}/dagRuns", logical_date_gte=first, logical_date_lte=last, limit=100)["dag_runs"]
    assert len({run["logical_date"] for run in due}) >= 2
    assert {run["state"] for run in due} == {"success"}
    ended.require_the_same()


@pytest.mark.timeout(600)
@every_dag
def test_a_run_without_the_scheduler_comes_to_the_same_and_meets_nothing_deprecated(ended: Ended) -> None:
    api, conf = ended.chain.target.api, ended.chain.conf(ended.dag)
    # Else the scheduler looks at the same run, and both may wait for each other in Airflow's database.
    api.patch(f"dags/{ended.dag}", {"is_paused": True})
    told = _airflow("dags", "test", ended.dag, *(["--conf", json.dumps(conf)] if conf else []))
    warned = [line for line in told.splitlines() if "DeprecationWarning" in line]
    assert [line for line in warned if any(f"{PROJECT / folder}" in line for folder in ("dags", "plugins"))] == []
    ended.require_the_same()


@pytest.mark.timeout(600)
def test_two_first_runs_at_once_come_to_what_one_does(chain: Chain, undisturbed: Undisturbed) -> None:
    # A run that a clock began before its DAG was switched off goes on when that is switched on again.
    chain.settle()
    chain.empty()
    api = chain.target.api
    for step in STEPS:
        forget_events(api, step)
        both = [trigger(api, step, chain.conf(step)) for _ in range(2)]
        assert [end_of(api, run) for run in both] == ["success", "success"]
        api.patch(f"dags/{step}", {"is_paused": True})
    assert not differences(undisturbed.state, chain.state())
    assert not chain.unequal_sides()


def _succeeded(api: AirflowApi, run: Run) -> set[str]:
    return {task["task_id"] for task in task_instances(api, run) if task["state"] == "success"}


def _tries(tasks: list[Json], task_id: str) -> int:
    return max(int(task["try_number"]) for task in tasks if task["task_id"] == task_id)


def _airflow(*arguments: str) -> str:
    command = [str(PROJECT / "local" / "run"), "airflow", *arguments]
    warning = {**os.environ, "PYTHONWARNINGS": "always::DeprecationWarning"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT, env=warning)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout + done.stderr
