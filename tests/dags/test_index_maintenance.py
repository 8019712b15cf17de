"""index_maintenance through a real scheduler: what a person sees, also when a task fails."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.indexes.mongo_declaration import declared_indexes
from echotune.indexes.settings import MaintenanceSettings
from echotune.resources import PROJECT
from echotune.storage.plans import read_plans
from echotune.storage.settings import StorageSettings
from echotune.sync.migrations import migrate
from local.airflow_api import AirflowApi
from local.dag_runs import Run
from tests.support.dag_runs import instances_of, log_of, run_to_the_end, summary_of, switched_on
from tests.support.databases import dags_store, everything
from tests.support.measuring import NOW, fill_mongodb, fill_postgresql
from tests.support.supabase import EMPTY, Connection, connect

DAG = "index_maintenance"
PLAYS = 1_500

DECLARED = """
select count(*) from pg_indexes where schemaname in ('public', 'echotune') and indexname = 'listening_history_newest'
"""


@pytest.fixture(scope="module", autouse=True)
def _only_runs_of_these_tests(api: AirflowApi) -> Iterator[None]:
    """Neither the schedule nor other tests' loads may start this DAG."""
    with connect(os.environ["DATABASE_URL"]) as connection:
        migrate(connection)  # else what the schedule starts is tried three times
    with switched_on(api, DAG):
        yield


@pytest.fixture(scope="module")
def supabase() -> Iterator[Connection]:
    """The database that the DAG maintains: migrated, with plays, without one of its indexes."""
    with connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(EMPTY)
        migrate(connection)
        fill_postgresql(connection, plays=PLAYS, newest=NOW)
        connection.execute("drop index listening_history_newest")
        # Else the server hears of these rows only after the first run, and the second has statistics to renew.
        connection.execute("select pg_stat_force_next_flush()")
        yield connection
        connection.execute(EMPTY)


@pytest.fixture(scope="module")
def history(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    """Plays without a declared index."""
    with dags_store(mongodb_client) as store:
        fill_mongodb(store, plays=PLAYS, newest=NOW)
        yield store


@pytest.fixture(scope="module")
def looked(api: AirflowApi, supabase: Connection, history: HistoryStore) -> tuple[str, Run, set[str]]:
    """A dry run: its end, what it is called, and the plays' indexes afterwards."""
    state, run = run_to_the_end(api, DAG, dry_run=True, mongodb_plan="atlas-m0")
    return state, run, set(history.plays.index_information())


@pytest.fixture(scope="module")
def first(api: AirflowApi, looked: tuple[str, Run, set[str]]) -> tuple[str, Run]:
    """The first run that may change something."""
    return run_to_the_end(api, DAG)


def test_the_form_offers_what_the_settings_take() -> None:
    params = DagBag(PROJECT / "dags" / f"{DAG}.py").dags[DAG].params
    maintenance, storage = MaintenanceSettings().model_dump(), StorageSettings().model_dump()
    assert dict(params) == maintenance | storage
    offered = {*params.get_param("mongodb_plan").schema["examples"]}
    offered |= {*params.get_param("postgresql_plan").schema["examples"]}
    assert {plan.name for plan in read_plans()} == offered - {"10 GiB", "none"}


def names_declared(store: HistoryStore) -> set[str]:
    """The declared indexes of the plays."""
    return {index.name for index in declared_indexes(plays=store.plays.name) if index.collection == store.plays.name}


def test_a_dry_run_changes_no_index_and_says_what_it_would_do(
    api: AirflowApi, looked: tuple[str, Run, set[str]], history: HistoryStore
) -> None:
    state, run, indexes = looked
    assert (state, indexes) == ("success", {"_id_"})
    summary = summary_of(api, run)
    assert summary["text"][0].startswith("Dry run, nothing was changed. ")
    assert summary["counts"]["create"]["planned"] > len(names_declared(history))


def test_a_run_makes_the_indexes_of_both_databases_as_they_are_declared(
    first: tuple[str, Run], supabase: Connection, history: HistoryStore
) -> None:
    assert first[0] == "success"
    assert set(history.plays.index_information()) == names_declared(history) | {"_id_"}
    assert supabase.execute(DECLARED).fetchone() == (1,)


def test_the_report_is_in_the_log_and_in_mongodb_and_knows_the_plan_named_before(
    api: AirflowApi, first: tuple[str, Run], history: HistoryStore
) -> None:
    summary = summary_of(api, first[1])
    log = log_of(api, first[1], "summary")
    assert [line for line in summary["text"] if line and line not in log] == []
    kept = history.maintenance_runs.find_one({"_id": first[1].run}) or {}
    assert (kept["text"], kept["counts"]) == (summary["text"], summary["counts"])
    assert any("MongoDB Atlas M0" in line and line.startswith("mongodb ") for line in summary["text"])
    assert any("postgresql" in line and "public.listening_history" in line for line in summary["text"])


def test_a_second_run_has_nothing_to_do_and_writes_nothing_but_its_report(
    api: AirflowApi, first: tuple[str, Run], history: HistoryStore
) -> None:
    history.maintenance_runs.delete_many({})
    before = everything(history.database)
    state, run = run_to_the_end(api, DAG)
    assert state == "success"
    assert summary_of(api, run)["text"][0].startswith("Nothing to do: ")
    assert [kept["_id"] for kept in history.maintenance_runs.find()] == [run.run]
    assert everything(history.database) | {"maintenance_runs": b""} == before | {"maintenance_runs": b""}


def test_a_task_that_fails_is_told_beside_all_that_went_well(api: AirflowApi, first: tuple[str, Run]) -> None:
    state, run = run_to_the_end(api, DAG, postgresql_plan="atlas-m0")
    assert state == "failed"
    assert {task["try_number"] for task in instances_of(api, run, "measure_mongodb")} == {1}
    text = "\n".join(log_of(api, run, "summary").splitlines())
    assert "postgresql_plan is 'atlas-m0': name supabase-free" in text
