"""csv_backfill through a real scheduler: what a person sees who triggers it, also when processes are killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from echotune.history.chunks import plan_chunks
from echotune.history.load import load_chunk
from echotune.history.preflight import inspect_file
from echotune.history.privacy import PersonalData, PersonalDataPolicy
from echotune.history.settings import LoadSettings
from echotune.history.store import HistoryStore
from local.airflow_api import AirflowApi, Json
from local.demo import Run, log_lines, task_instances, trigger
from local.sample import write_sample
from local.stack import Stack
from tests.support.databases import TIMES_OF_WRITING, contents, fresh_store

DAG = "csv_backfill"
RUN_SECONDS = 180
POLL_SECONDS = 0.1
ROWS = 30_000
CHUNK_ROWS = 10_000

Document = dict[str, Any]


@pytest.fixture(scope="module")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.api() as client:
        yield client


@pytest.fixture
def store(mongodb_client: MongoClient[Document]) -> Iterator[HistoryStore]:
    """The collections that the DAG writes to, empty."""
    database = os.environ["MONGODB_DATABASE"]
    mongodb_client.drop_database(database)
    yield HistoryStore.of(mongodb_client[database], plays=os.environ["MONGODB_COLLECTION"])
    mongodb_client.drop_database(database)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.csv"
    write_sample(path, rows=ROWS)
    return path


@pytest.fixture
def undisturbed(mongodb_client: MongoClient[Document], history: Path) -> Iterator[dict[Any, Document]]:
    """The documents of the history, loaded without Airflow and without trouble."""
    settings = LoadSettings(chunk_rows=CHUNK_ROWS)
    with fresh_store(mongodb_client) as store:
        for chunk in plan_chunks(history, inspect_file(history), chunk_rows=CHUNK_ROWS):
            load_chunk(
                store,
                history,
                chunk,
                settings=settings,
                personal_data=PersonalData(policy=PersonalDataPolicy.DROP),
                file_rows=ROWS,
            )
        yield contents(store.plays, without=TIMES_OF_WRITING)


def wait_for(what: str, found: Callable[[], Any]) -> Any:
    """Ask until the answer is true; fail the test when it never is."""
    deadline = time.monotonic() + RUN_SECONDS
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {RUN_SECONDS} s in vain for {what}"
        time.sleep(POLL_SECONDS)
    return answer


def end_of(api: AirflowApi, run: Run) -> str:
    """Wait for the end of a run; return its state."""
    ended = ("success", "failed")
    return str(wait_for("the end of the run", lambda: (state := api.get(run.path)["state"]) in ended and state))


def run_to_the_end(api: AirflowApi, **conf: Any) -> tuple[str, Run]:
    run = trigger(api, DAG, conf)
    return end_of(api, run), run


def summary_of(api: AirflowApi, run: Run) -> Json:
    value: Json = api.get(f"{run.path}/taskInstances/summary/xcomEntries/return_value")["value"]
    return value


def states_of(api: AirflowApi, run: Run) -> dict[str, set[str]]:
    states: dict[str, set[str]] = {}
    for task in task_instances(api, run):
        states.setdefault(task["task_id"], set()).add(str(task["state"]))
    return states


def running_chunk(api: AirflowApi, run: Run) -> Json | None:
    """A task that is loading a chunk, once its process is known."""
    tasks = task_instances(api, run)
    return next(
        (task for task in tasks if task["task_id"] == "load_chunks" and task["state"] == "running" and task["pid"]),
        None,
    )


def test_a_run_loads_the_file_and_a_second_run_says_that_nothing_is_new(
    api: AirflowApi, store: HistoryStore, history: Path, undisturbed: dict[Any, Document]
) -> None:
    state, run = run_to_the_end(api, source=str(history), chunk_rows=CHUNK_ROWS)
    assert state == "success"
    assert contents(store.plays, without=TIMES_OF_WRITING) == undisturbed
    assert summary_of(api, run)["counts"]["inserted"] == ROWS
    before = contents(store.plays)

    state, again = run_to_the_end(api, source=str(history), chunk_rows=CHUNK_ROWS)
    assert state == "success"
    assert contents(store.plays) == before
    assert summary_of(api, again)["text"][0].startswith("Nothing new")
    states = states_of(api, again)
    assert states["load_chunks"] == {"skipped"}
    assert states["announce_new_plays"] == {"skipped"}


def test_a_dry_run_reports_and_writes_nothing(api: AirflowApi, store: HistoryStore, history: Path) -> None:
    state, run = run_to_the_end(api, source=str(history), dry_run=True)
    assert state == "success"
    assert summary_of(api, run)["counts"]["inserted"] == ROWS
    assert store.database.list_collection_names() == []


def test_a_wrong_file_fails_at_once_with_its_reason(api: AirflowApi, store: HistoryStore, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("spotify_track_uri;ts_x\n1;2\n", encoding="utf-8")
    state, run = run_to_the_end(api, source=str(wrong))
    assert state == "failed"
    preflight = next(task for task in task_instances(api, run) if task["task_id"] == "preflight")
    assert preflight["try_number"] == 1
    assert any("wrong.csv: its columns are separated by semicolons" in line for line in log_lines(api, run, preflight))


def test_a_run_whose_task_is_killed_ends_in_the_same_documents(
    api: AirflowApi, store: HistoryStore, history: Path, undisturbed: dict[Any, Document]
) -> None:
    run = trigger(api, DAG, {"source": str(history), "chunk_rows": CHUNK_ROWS})
    task = wait_for("a chunk to load", lambda: running_chunk(api, run))
    os.kill(task["pid"], signal.SIGKILL)
    assert end_of(api, run) == "success"
    assert contents(store.plays, without=TIMES_OF_WRITING) == undisturbed
    killed = [one for one in task_instances(api, run) if one["map_index"] == task["map_index"]]
    assert [one["try_number"] for one in killed if one["task_id"] == "load_chunks"] == [2]


def test_a_run_whose_scheduler_is_killed_ends_in_the_same_documents(
    stack: Stack, api: AirflowApi, store: HistoryStore, history: Path, undisturbed: dict[Any, Document]
) -> None:
    run = trigger(api, DAG, {"source": str(history), "chunk_rows": CHUNK_ROWS})
    wait_for("a chunk to load", lambda: running_chunk(api, run))
    scheduler = stack.airflow.pid("scheduler")
    assert scheduler is not None
    os.kill(scheduler, signal.SIGKILL)
    wait_for("the scheduler's end", lambda: stack.airflow.pid("scheduler") is None)
    stack.up()
    assert end_of(api, run) == "success"
    assert contents(store.plays, without=TIMES_OF_WRITING) == undisturbed


def test_a_run_whose_mongod_is_killed_ends_in_the_same_documents(
    stack: Stack, api: AirflowApi, store: HistoryStore, history: Path, undisturbed: dict[Any, Document]
) -> None:
    run = trigger(api, DAG, {"source": str(history), "chunk_rows": CHUNK_ROWS})
    wait_for("a chunk to load", lambda: running_chunk(api, run))
    stack.mongodb.kill()
    stack.up()
    assert end_of(api, run) == "success"
    assert contents(store.plays, without=TIMES_OF_WRITING) == undisturbed
