"""What a person does to runs: two at once, a task cleared in any position, a backfill, a run without the scheduler."""

from __future__ import annotations

import json
import random
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from local.airflow_api import Json
from local.dag_runs import Run, task_instances, trigger
from local.files import PROJECT
from tests.faults.chain import Chain, Told
from tests.faults.conftest import Undisturbed
from tests.faults.plan import BACKFILL, MAINTENANCE, STEPS, Round
from tests.faults.state import differences
from tests.support.dag_runs import end_of, wait_for

NOTHING = Round(number=0, faults=())
WEEKS = 2


@pytest.fixture(scope="module")
def ended(chain: Chain, undisturbed: Undisturbed) -> Chain:
    """A chain whose runs have all ended."""
    assert not differences(undisturbed.state, chain.disturbed(NOTHING, undisturbed.seconds, Told()))
    return chain


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("step", STEPS)
def test_a_task_that_is_cleared_runs_again_and_changes_nothing(
    ended: Chain, undisturbed: Undisturbed, step: str, pytestconfig: pytest.Config
) -> None:
    api = ended.target.api
    last = api.get(f"dags/{step}/dagRuns", order_by="-run_after", limit=1, state="success")["dag_runs"][0]
    run = Run(step, last["dag_run_id"])
    positions = sorted({task["task_id"] for task in task_instances(api, run) if task["state"] == "success"})
    if not pytestconfig.getoption("--every-position"):
        positions = random.Random(pytestconfig.getoption("--fault-seed")).sample(positions, 1)
    api.patch(f"dags/{step}", {"is_paused": False})
    for task_id in positions:
        before = _tries(task_instances(api, run), task_id)
        cleared = {"dag_run_id": run.run, "task_ids": [task_id], "include_downstream": True, "dry_run": False}
        api.post(f"dags/{step}/clearTaskInstances", {**cleared, "only_failed": False, "reset_dag_runs": True})
        assert end_of(api, run) == "success", task_id
        assert _tries(task_instances(api, run), task_id) > before
    api.patch(f"dags/{step}", {"is_paused": True})
    assert not differences(undisturbed.state, ended.state())
    assert not ended.unequal_sides()


@pytest.mark.timeout(600)
def test_two_runs_started_at_once_come_to_what_one_does(chain: Chain, undisturbed: Undisturbed) -> None:
    chain.empty()
    api = chain.target.api
    runs = [trigger(api, BACKFILL, chain.conf(BACKFILL)) for _ in range(2)]
    assert [end_of(api, run) for run in runs] == ["success", "success"]
    api.patch(f"dags/{BACKFILL}", {"is_paused": True})
    for step in STEPS[1:]:
        api.patch(f"dags/{step}", {"is_paused": False})
        both = [trigger(api, step, chain.conf(step)) for _ in range(2)]
        assert [end_of(api, run) for run in both] == ["success", "success"]
        api.patch(f"dags/{step}", {"is_paused": True})
    assert not differences(undisturbed.state, chain.state())
    assert not chain.unequal_sides()


@pytest.mark.timeout(600)
def test_a_backfill_of_the_schedule_by_the_command_line_runs_each_week(ended: Chain, undisturbed: Undisturbed) -> None:
    api = ended.target.api
    until = datetime.now(UTC) - timedelta(days=400)
    since = until - timedelta(weeks=WEEKS)
    dates = ("--from-date", f"{since:%Y-%m-%d}", "--to-date", f"{until:%Y-%m-%d}")
    api.patch(f"dags/{MAINTENANCE}", {"is_paused": False})
    _airflow("backfill", "create", "--dag-id", MAINTENANCE, *dates)

    def backfilled() -> list[Json]:
        found = api.get(f"dags/{MAINTENANCE}/dagRuns", run_type="backfill", limit=100)["dag_runs"]
        runs: list[Json] = [run for run in found if since.isoformat() <= (run["logical_date"] or "")]
        return runs if runs and all(run["state"] in ("success", "failed") for run in runs) else []

    runs = wait_for("the backfill's runs", backfilled)
    api.patch(f"dags/{MAINTENANCE}", {"is_paused": True})
    assert [run["state"] for run in runs] == ["success"] * WEEKS
    assert not differences(undisturbed.state, ended.state())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", STEPS)
def test_a_run_without_the_scheduler_comes_to_the_same(ended: Chain, undisturbed: Undisturbed, step: str) -> None:
    conf = ended.conf(step)
    _airflow("dags", "test", step, *(["--conf", json.dumps(conf)] if conf else []))
    assert not differences(undisturbed.state, ended.state())


def _tries(tasks: list[Json], task_id: str) -> int:
    return max(int(task["try_number"]) for task in tasks if task["task_id"] == task_id)


def _airflow(*arguments: str) -> str:
    command = [str(PROJECT / "local" / "run"), "airflow", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout + done.stderr
