"""mongo_to_supabase_sync through a real scheduler: what a person sees, also when a task is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from pymongo import MongoClient

from echotune.history.catalog import refresh_catalog
from echotune.history.store import HistoryStore
from echotune.sync.tables import TABLE_NAMES, TABLES
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run, log_lines, trigger
from local.sample import write_sample
from tests.support.both_sides import expected_rows, synced_rows
from tests.support.dag_runs import (
    end_of,
    instances_of,
    log_of,
    run_to_the_end,
    running,
    summary_of,
    switched_on,
    wait_for,
)
from tests.support.databases import dags_store
from tests.support.loading import load_file
from tests.support.supabase import EMPTY, Connection, connect

DAG = "mongo_to_supabase_sync"
ROWS = 1_500

VERSIONS = sql.SQL(" union all ").join(
    sql.SQL("select tableoid::regclass::text, ctid::text, xmin::text from {}").format(sql.Identifier(name))
    for name in TABLE_NAMES
)

Document = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def _only_runs_of_these_tests(api: AirflowApi) -> Iterator[None]:
    """Neither the schedule nor other tests' loads may start this DAG."""
    with switched_on(api, DAG):
        yield


@pytest.fixture(scope="module")
def supabase() -> Iterator[Connection]:
    """The database that the DAG writes to, without anything in it."""
    with connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(EMPTY)
        yield connection
        connection.execute(EMPTY)


@pytest.fixture(scope="module")
def history(mongodb_client: MongoClient[Document], tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryStore]:
    """A history, loaded, where the DAG reads it."""
    path: Path = tmp_path_factory.mktemp("history") / "history.csv"
    write_sample(path, rows=ROWS)
    with dags_store(mongodb_client) as store:
        load_file(store, path)
        refresh_catalog(store)
        yield store


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A first run, one of whose tasks was killed while it wrote.

    :param task: the instance whose process was killed, as it was then
    """

    run: Run
    state: str
    task: Json


@pytest.fixture(scope="module")
def first(api: AirflowApi, supabase: Connection, history: HistoryStore) -> Killed:
    run = trigger(api, DAG, {})
    wait_for("the plan", lambda: [task for task in instances_of(api, run, "plan") if task["state"] == "success"])
    with supabase.transaction():
        # Who writes there waits.
        supabase.execute("lock table track_artists in share mode")
        task = wait_for("a task that writes", lambda: _waiting_writer(api, run, supabase))
        os.kill(task["pid"], signal.SIGKILL)
    return Killed(run=run, state=end_of(api, run), task=task)


def _waiting_writer(api: AirflowApi, run: Run, connection: Connection) -> Json | None:
    waiting = _number(connection, "select count(*) from pg_locks where not granted and locktype = 'relation'")
    tasks = [task for task in running(api, run, "sync") if task["rendered_map_index"] == "track_artists"]
    return tasks[0] if waiting and tasks else None


def _number(connection: Connection, statement: Any) -> int:
    (found,) = connection.execute(statement).fetchone() or (0,)
    return int(found)


def versions(connection: Connection) -> set[tuple[Any, ...]]:
    """Every row's place and the transaction that wrote it: others once it is written, be it with the same values."""
    return set(connection.execute(VERSIONS).fetchall())


def test_a_run_that_lost_a_task_goes_on_and_ends_with_both_sides_equal(
    api: AirflowApi, supabase: Connection, history: HistoryStore, first: Killed
) -> None:
    assert first.state == "success"
    assert first.task["rendered_map_index"] == "track_artists"
    tries = {task["map_index"]: task["try_number"] for task in instances_of(api, first.run, "sync")}
    assert {index for index, number in tries.items() if number == 2} == {first.task["map_index"]}
    assert synced_rows(supabase) == expected_rows(history)
    assert _number(supabase, "select count(*) from listening_history") == history.plays.count_documents({}) > 0


def test_tasks_are_named_by_table_and_months(api: AirflowApi, history: HistoryStore, first: Killed) -> None:
    names = [task["rendered_map_index"] for task in instances_of(api, first.run, "sync")]
    (oldest,), (newest,) = (history.plays.find().sort("timestamp", order).limit(1) for order in (1, -1))
    months = " to ".join(f"{play['timestamp']:%Y-%m}" for play in (oldest, newest))
    assert set(names) <= {table.name for table in TABLES} | {f"listening_history {months}"}
    assert f"listening_history {months}" in names


def test_the_summary_says_what_was_done_by_table_and_what_was_proved(
    api: AirflowApi, supabase: Connection, history: HistoryStore, first: Killed
) -> None:
    plays = history.plays.count_documents({})
    summary = summary_of(api, first.run)
    assert summary["counts"]["listening_history"] | {"seconds": 0} == {
        "documents": plays,
        "inserted": plays,
        "updated": 0,
        "unchanged": 0,
        "deleted": 0,
        "quarantined": 0,
        "seconds": 0,
    }
    assert any(line.startswith(f"listening_history: {plays:,} read; {plays:,} inserted; ") for line in summary["text"])
    assert any(line.startswith("Proved equal: ") for line in summary["text"])
    kept = supabase.execute("select summary from echotune.sync_runs where run_id = %s", [first.run.run]).fetchone()
    assert kept == (summary,)


def test_a_second_run_writes_no_row(api: AirflowApi, supabase: Connection, first: Killed) -> None:
    before = versions(supabase)
    state, run = run_to_the_end(api, DAG)
    assert state == "success"
    assert versions(supabase) == before
    assert summary_of(api, run)["text"][0].startswith("Nothing new")


def test_what_differs_is_named_by_a_run_that_only_looks_and_mended_by_the_next(
    api: AirflowApi, supabase: Connection, history: HistoryStore, first: Killed
) -> None:
    ids = [row[0] for row in supabase.execute("select id from listening_history order by played_at limit 2").fetchall()]
    supabase.execute("delete from listening_history where id = %s", [ids[0]])
    (lost,) = history.plays.find({"_id": ids[0]})
    history.plays.delete_one({"_id": ids[1]})
    supabase.execute("insert into user_preferences (user_id, preferred_genres) select id, '{jazz}' from users")
    before = versions(supabase)

    state, looked = run_to_the_end(api, DAG, verify_only=True)
    assert state == "failed"
    assert versions(supabase) == before
    assert history.user_profiles.count_documents({}) == 0
    month = f"listening_history {lost['timestamp']:%Y-%m}"
    assert month in summary_of(api, looked)["differs"]
    for task in ("reconcile", "summary"):
        assert month in log_of(api, looked, task)
    assert {task["try_number"] for task in instances_of(api, looked, "reconcile")} == {1}

    state, mended = run_to_the_end(api, DAG)
    assert state == "success"
    assert synced_rows(supabase) == expected_rows(history)
    assert any(line.startswith("Repairs of listening_history: ") for line in summary_of(api, mended)["text"])
    genres = [profile["preferences"]["genres"] for profile in history.user_profiles.find()]
    assert genres == [["jazz"]] * _number(supabase, "select count(*) from users")


def test_settings_that_cannot_be_meant_fail_at_the_first_try_with_their_reason(api: AirflowApi, first: Killed) -> None:
    since = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    state, run = run_to_the_end(api, DAG, since=since, full_refresh=True)
    assert state == "failed"
    (plan,) = instances_of(api, run, "plan")
    assert (plan["state"], plan["try_number"]) == ("failed", 1)
    assert any("leave since empty, or full_refresh off" in line for line in log_lines(api, run, plan))
    assert "nothing was synced: plan failed" in log_of(api, run, "summary")


def test_the_history_and_the_catalog_start_it(api: AirflowApi) -> None:
    expression = api.get(f"dags/{DAG}/details")["asset_expression"]
    assert {asset["asset"]["name"] for asset in expression["any"]} == {"listening_history", "music_catalog"}
