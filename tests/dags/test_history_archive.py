"""history_archive and history_restore through a real scheduler: what a person sees, and what a sync makes of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from local.airflow_api import AirflowApi
from local.dag_runs import trigger
from tests.support.archiving import bytes_of_plays
from tests.support.dag_runs import (
    end_of,
    instances_of,
    log_of,
    run_to_the_end,
    running,
    states_of,
    summary_of,
    switched_on,
    wait_for,
)
from tests.support.databases import dags_store
from tests.support.syncing import play

ARCHIVE, RESTORE = "history_archive", "history_restore"
OLD, YOUNG = 3_000, 5


@pytest.fixture(scope="module", autouse=True)
def _only_runs_of_these_tests(api: AirflowApi) -> Iterator[None]:
    """The schedule may not start this DAG."""
    with switched_on(api, ARCHIVE):
        yield


@pytest.fixture(scope="module")
def history(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    """Plays of two users, most of them of one day years ago."""
    then, now = datetime(2012, 3, 4, tzinfo=UTC), datetime.now(UTC)
    old = [play(n, username="anna", timestamp=then + timedelta(seconds=n)) for n in range(OLD)]
    young = [play(OLD + n, username="bert", timestamp=now - timedelta(days=n)) for n in range(YOUNG)]
    with dags_store(mongodb_client) as store:
        store.plays.insert_many([*old, *young])
        yield store


@pytest.fixture(scope="module")
def plays(history: HistoryStore) -> dict[Any, bytes]:
    return bytes_of_plays(history)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archive")


def test_plays_are_archived_after_a_look_and_a_kill_and_restored(
    api: AirflowApi, history: HistoryStore, plays: dict[Any, bytes], target: Path
) -> None:
    state, looked = run_to_the_end(api, ARCHIVE, target=str(target), dry_run=True)
    assert state == "success"
    assert summary_of(api, looked)["text"][0].startswith("Dry run: nothing was written. 3,000 plays of 1 user before ")
    assert bytes_of_plays(history) == plays
    assert list(target.iterdir()) == []

    run = trigger(api, ARCHIVE, {"target": str(target)})
    (task,) = wait_for("the task that archives", lambda: running(api, run, "archive"))
    os.kill(task["pid"], signal.SIGKILL)
    assert end_of(api, run) == "success"
    (archived,) = instances_of(api, run, "archive")
    assert (archived["rendered_map_index"], archived["try_number"]) == ("anna 2012", 2)
    summary = summary_of(api, run)
    assert summary["counts"]["removed"] == OLD
    assert summary["text"][0].startswith("Archived: 3,000 plays of 1 user before ")
    assert len(bytes_of_plays(history)) == YOUNG
    assert len(list(target.rglob("*.parquet"))) == 1

    state, restored = run_to_the_end(api, RESTORE, usernames=["anna"], year=2012)
    assert state == "success"
    assert summary_of(api, restored)["counts"]["restored"] == OLD
    assert bytes_of_plays(history) == plays


def test_a_run_without_a_target_says_at_the_first_try_what_to_set(api: AirflowApi, history: HistoryStore) -> None:
    state, run = run_to_the_end(api, ARCHIVE)
    assert state == "failed"
    (plan,) = instances_of(api, run, "plan")
    assert (plan["state"], plan["try_number"]) == ("failed", 1)
    assert "Airflow variable echotune_archive_target" in log_of(api, run, "plan")
    assert states_of(api, run)["summary"] == {"failed"}


def test_the_archive_is_paused_until_somebody_wants_it(api: AirflowApi) -> None:
    details = api.get(f"dags/{ARCHIVE}/details")
    assert details["timetable_summary"] == "0 2 1 * *"
    assert details["is_paused_upon_creation"] is True
