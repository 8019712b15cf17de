"""csv_backfill through a real scheduler: what a person sees who triggers it, also when a task is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from echotune.enrichment.embedding import embed_due
from echotune.history.catalog import refresh_catalog
from echotune.history.chunks import plan_chunks
from echotune.history.load import load_chunk
from echotune.history.preflight import inspect_file
from echotune.history.privacy import PersonalData, PersonalDataPolicy
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryFile
from echotune.history.store import HistoryStore
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run, log_lines, trigger
from local.sample import write_sample
from tests.support.dag_runs import (
    end_of,
    instances_of,
    run_to_the_end,
    running,
    states_of,
    summary_of,
    wait_for,
)
from tests.support.databases import TIMES_OF_WRITING, contents, fresh_store

DAG = "csv_backfill"
ROWS = 30_000
CHUNK_ROWS = 10_000

Document = dict[str, Any]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.csv"
    write_sample(path, rows=ROWS)
    return path


@pytest.fixture(scope="module")
def undisturbed(mongodb_client: MongoClient[Document], history: Path) -> Iterator[dict[Any, Document]]:
    """The documents of the history, loaded without Airflow and without trouble."""
    settings = LoadSettings(chunk_rows=CHUNK_ROWS)
    with fresh_store(mongodb_client) as store:
        for chunk in plan_chunks(history, inspect_file(HistoryFile(path=history)), chunk_rows=CHUNK_ROWS):
            load_chunk(
                store,
                history,
                chunk,
                settings=settings,
                personal_data=PersonalData(policy=PersonalDataPolicy.DROP),
                file_rows=ROWS,
            )
        refresh_catalog(store)
        embed_due(store)
        yield contents(store.plays, without=TIMES_OF_WRITING)


def running_chunk(api: AirflowApi, run: Run) -> Json | None:
    """A task that is loading a chunk."""
    return next(iter(running(api, run, "load_chunks")), None)


def test_a_run_loads_the_file_and_a_second_run_says_that_nothing_is_new(
    api: AirflowApi, store: HistoryStore, history: Path, undisturbed: dict[Any, Document]
) -> None:
    state, run = run_to_the_end(api, DAG, source=str(history), chunk_rows=CHUNK_ROWS)
    assert state == "success"
    assert contents(store.plays, without=TIMES_OF_WRITING) == undisturbed
    assert summary_of(api, run)["counts"]["inserted"] == ROWS
    before = contents(store.plays)

    state, again = run_to_the_end(api, DAG, source=str(history), chunk_rows=CHUNK_ROWS)
    assert state == "success"
    assert contents(store.plays) == before
    assert summary_of(api, again)["text"][0].startswith("Nothing new")
    states = states_of(api, again)
    assert states["load_chunks"] == {"skipped"}
    assert states["announce_new_plays"] == {"skipped"}


def test_a_dry_run_reports_and_writes_nothing(api: AirflowApi, store: HistoryStore, history: Path) -> None:
    state, run = run_to_the_end(api, DAG, source=str(history), dry_run=True)
    assert state == "success"
    assert summary_of(api, run)["counts"]["inserted"] == ROWS
    assert store.database.list_collection_names() == []


def test_a_wrong_file_fails_at_once_with_its_reason(api: AirflowApi, store: HistoryStore, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("spotify_track_uri;ts_x\n1;2\n", encoding="utf-8")
    state, run = run_to_the_end(api, DAG, source=str(wrong))
    assert state == "failed"
    (preflight,) = instances_of(api, run, "preflight")
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
    tries = {one["map_index"]: one["try_number"] for one in instances_of(api, run, "load_chunks")}
    assert tries[task["map_index"]] == 2
