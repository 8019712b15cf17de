"""Every DAG file: it parses, quickly and without touching anything, and each DAG can be run by a stranger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, XComArg
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction
from pydantic import BaseModel, ValidationError

from echotune.archive.settings import ArchiveSettings, RestoreSettings
from echotune.enrichment.settings import EnrichmentSettings
from echotune.history.settings import LoadSettings
from echotune.indexes.settings import MaintenanceSettings
from echotune.resources import PROJECT
from echotune.spotify_account.settings import AccountSettings
from echotune.statistics.settings import StatisticsSettings
from echotune.storage.settings import StorageSettings
from echotune.sync.settings import SyncSettings

Task = Any
"""An operator or a mapped one: both have the attributes that are looked at here."""

DAG_FILES = sorted((PROJECT / "dags").glob("*.py"))
PARSE_SECONDS = 0.5

PARSE = """
import json, os, runpy, sys, time, warnings
from airflow.sdk import DAG
DAG("warm")  # what Airflow itself imports for a first DAG is not this file's
touched = []

def watch(event, arguments):
    if event in ("socket.connect", "subprocess.Popen", "os.system", "sqlite3.connect"):
        touched.append(f"{event} {arguments[:1]}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        touched.append(f"{event} {arguments[0]}")

sys.dont_write_bytecode = True
for path in sys.argv[1:]:
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.exit(f"{path} could not be parsed")
        continue
    sys.addaudithook(watch)
    started = time.process_time()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", DeprecationWarning)
        runpy.run_path(path)
    told = {"path": path, "seconds": time.process_time() - started, "touched": touched}
    print(json.dumps(told | {"warned": [f"{one.filename}: {one.message}" for one in warned]}), flush=True)
    os._exit(0)
"""
Parsed = dict[str, list[dict[str, Any]]]

SETTINGS_OF: dict[str, tuple[type[BaseModel], ...]] = {
    "csv_backfill": (LoadSettings,),
    "history_archive": (ArchiveSettings,),
    "history_restore": (RestoreSettings,),
    "index_maintenance": (MaintenanceSettings, StorageSettings),
    "listening_statistics": (StatisticsSettings,),
    "mongo_to_supabase_sync": (SyncSettings,),
    "recently_played": (AccountSettings,),
    "spotify_enrichment": (EnrichmentSettings,),
}
"""What each DAG whose form asks for numbers makes of them."""


@pytest.fixture(scope="session")
def dagbag() -> DagBag:
    return DagBag(PROJECT / "dags")


@pytest.fixture(scope="session")
def dags(dagbag: DagBag) -> list[DAG]:
    return list(dagbag.dags.values())


@pytest.fixture(scope="session")
def tasks(dags: list[DAG]) -> list[Task]:
    return [task for dag in dags for task in dag.tasks]


def test_there_are_no_import_errors(dagbag: DagBag) -> None:
    assert dagbag.import_errors == {}


def test_each_file_holds_the_dag_of_its_name(dags: list[DAG]) -> None:
    assert {dag.dag_id: Path(dag.fileloc).stem for dag in dags} == {path.stem: path.stem for path in DAG_FILES}


@pytest.fixture(scope="session")
def parsed() -> Parsed:
    """What parsing each file three times took and touched, each time in a process forked from one that has Airflow."""
    paths = [str(path) for path in DAG_FILES for _ in range(3)]
    command = [sys.executable, "-c", PARSE, *paths]
    result = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=PROJECT, env=environment_with_plugins()
    )
    told = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{"path"')]
    return {path: [one for one in told if one["path"] == path] for path in paths}


def environment_with_plugins() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT / "plugins")}


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_a_file_parses_in_under_half_a_second(parsed: Parsed, path: Path) -> None:
    assert min(one["seconds"] for one in parsed[str(path)]) < PARSE_SECONDS


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_parsing_a_file_opens_no_connection_writes_no_file_and_starts_no_process(parsed: Parsed, path: Path) -> None:
    assert [one["touched"] for one in parsed[str(path)]] == [[], [], []]


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_parsing_a_file_meets_nothing_deprecated(parsed: Parsed, path: Path) -> None:
    warned = {warning for one in parsed[str(path)] for warning in one["warned"]}
    assert {warning for warning in warned if warning.startswith(f"{PROJECT}{os.sep}")} == set()


def test_each_dag_is_the_same_once_it_was_serialised_and_read_back(dags: list[DAG]) -> None:
    for dag in dags:
        told = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        DagSerialization.validate_schema(told)
        read: Any = DagSerialization.from_dict(told)
        assert read.task_dict.keys() == dag.task_dict.keys()
        assert read.params.dump() == dag.params.dump()
        assert {task.task_id: task.downstream_task_ids for task in read.tasks} == {
            task.task_id: task.downstream_task_ids for task in dag.tasks
        }


def test_each_dag_has_tags_and_a_description(dags: list[DAG]) -> None:
    assert [dag.dag_id for dag in dags if not (dag.tags and dag.description)] == []


def test_each_dag_explains_itself(dags: list[DAG]) -> None:
    assert [dag.dag_id for dag in dags if not (dag.doc_md and len(dag.doc_md) > 200)] == []


def test_runs_of_a_dag_do_not_collide(dags: list[DAG]) -> None:
    assert {dag.dag_id: dag.max_active_runs for dag in dags} == {dag.dag_id: 1 for dag in dags}


def test_each_task_has_an_owner(tasks: list[Task]) -> None:
    assert [task.task_id for task in tasks if task.owner in ("", "airflow")] == []


def test_each_task_is_retried_with_growing_waits(tasks: list[Task]) -> None:
    assert [task.task_id for task in tasks if not (task.retries and task.retry_exponential_backoff)] == []


def test_each_task_has_a_time_limit(tasks: list[Task]) -> None:
    assert [task.task_id for task in tasks if task.execution_timeout is None] == []


def test_each_pool_is_one_that_the_deployment_creates(tasks: list[Task]) -> None:
    pools = json.loads((PROJECT / "include/airflow/pools.json").read_text(encoding="utf-8"))
    assert {task.pool for task in tasks} <= {"default_pool", *pools}


def test_each_mapped_task_names_its_instances(tasks: list[Task]) -> None:
    assert [task.task_id for task in tasks if task.is_mapped and not task.map_index_template] == []


def test_no_task_takes_the_output_of_a_mapped_one_which_keeps_what_removed_instances_told(tasks: list[Task]) -> None:
    taken = [
        (task.dag_id, task.task_id, source.task_id)
        for task in tasks
        if not task.is_mapped
        for source, _ in XComArg.iter_xcom_references(task)
        if source.is_mapped
    ]
    assert taken == [], "use echotune.operators.mapped.pull_mapped"


def test_each_parameter_explains_itself_in_the_trigger_form(dags: list[DAG]) -> None:
    params = {f"{dag.dag_id}.{name}": dag.params.get_param(name) for dag in dags for name in dag.params}
    unexplained = [
        name for name, param in params.items() if not (param.description and {"title", "type"} <= param.schema.keys())
    ]
    assert unexplained == []


def test_each_number_of_the_trigger_form_has_limits(dags: list[DAG]) -> None:
    schemas = {f"{dag.dag_id}.{name}": dag.params.get_param(name).schema for dag in dags for name in dag.params}
    numbers = {name: schema for name, schema in schemas.items() if schema["type"] in ("integer", "number")}
    assert [name for name, schema in numbers.items() if not {"minimum", "maximum"} <= schema.keys()] == []


@pytest.mark.parametrize("dag_id", SETTINGS_OF)
def test_what_is_over_the_limit_of_the_trigger_form_is_refused_by_the_settings_too(
    dags: list[DAG], dag_id: str
) -> None:
    (dag,) = (dag for dag in dags if dag.dag_id == dag_id)
    schemas = {name: dag.params.get_param(name).schema for name in dag.params}
    most = {name: schema["maximum"] for name, schema in schemas.items() if "maximum" in schema}
    assert most, "this DAG asks for no number"
    for name, limit in most.items():
        assert (is_refused(dag_id, name, limit), is_refused(dag_id, name, limit + 1)) == (False, True), name


def is_refused(dag_id: str, name: str, value: float) -> bool:
    """Whether the settings of a DAG take offence at this value, whatever else they need."""
    (settings,) = (one for one in SETTINGS_OF[dag_id] if name in one.model_fields)
    try:
        settings.model_validate({name: value})
    except ValidationError as error:
        return any(problem["loc"][0] == name for problem in error.errors())
    return False


JUST_AFTER = {
    "history_archive": datetime(2026, 11, 1, 2, 1, tzinfo=UTC),
    "index_maintenance": datetime(2026, 11, 1, 3, 1, tzinfo=UTC),
    "mongo_to_supabase_sync": datetime(2026, 11, 1, 5, 1, tzinfo=UTC),
    "recently_played": datetime(2026, 11, 1, 0, 18, tzinfo=UTC),
    "spotify_enrichment": datetime(2026, 11, 1, 4, 1, tzinfo=UTC),
}
"""A moment after the time at which each DAG with a clock runs."""


@pytest.mark.parametrize("name", JUST_AFTER)
def test_a_dag_that_is_switched_on_waits_for_its_next_time(
    dagbag: DagBag, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    now = JUST_AFTER[name]
    monkeypatch.setattr("airflow.timetables.trigger.utcnow", lambda: now)
    read: Any = DagSerialization.from_dict(DagSerialization.to_dict(dagbag.dags[name]))
    first = read.timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(earliest=None, latest=None, catchup=False)
    )
    assert first.run_after > now + timedelta(minutes=50)
