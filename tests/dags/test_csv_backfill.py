"""csv_backfill through a real scheduler: what a person sees who triggers it, also when a worker is killed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
from local import processes
from local.airflow_api import AirflowApi, Json
from local.dag_runs import log_lines, trigger
from local.sample import write_sample
from local.stack import Stack
from tests.support.dag_runs import (
    clear,
    end_of,
    instances_of,
    run_to_the_end,
    states_of,
    summary_of,
    wait_for,
)
from tests.support.databases import TIMES_OF_WRITING, contents, dags_store, fresh_store
from tests.support.workers import worker_at_work

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


def _without_times(play: Document) -> Document:
    return {name: value for name, value in play.items() if name not in TIMES_OF_WRITING}


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A run, one of whose workers was killed while it loaded; its plan, cleared afterwards; two more over the file.

    Before the last one the tracks are as a run leaves them that fails behind its chunks.

    :param state: how the first one ended
    :param tries: of the task that the worker had
    :param plays: what was there after the first run
    :param cleared_state: how the first one ended once more
    :param plays_in_the_end: what was there after all
    """

    state: str
    tries: int
    summary: Json
    plays: dict[Any, Document]
    cleared_state: str
    cleared: Json
    second: Json
    second_states: dict[str, set[str]]
    last_states: dict[str, set[str]]
    plays_in_the_end: dict[Any, Document]
    tracks: dict[Any, Document]
    tracks_in_the_end: dict[Any, Document]


@pytest.fixture(scope="module")
def killed(stack: Stack, api: AirflowApi, mongodb_client: MongoClient[Document], history: Path) -> Iterator[Killed]:
    airflow = stack.airflow
    with dags_store(mongodb_client) as store:
        run = trigger(api, DAG, {"source": str(history), "chunk_rows": CHUNK_ROWS})
        worker, task = wait_for("a chunk to load", lambda: worker_at_work(api, airflow, run, "load_chunks"))
        processes.kill(airflow.service(worker))
        state = end_of(api, run)
        stack.up()
        tries = {one["map_index"]: one["try_number"] for one in instances_of(api, run, "load_chunks")}
        summary, plays = summary_of(api, run), contents(store.plays)
        clear(api, run, "plan_chunks")
        cleared_state = end_of(api, run)
        _, second = run_to_the_end(api, DAG, source=str(history), chunk_rows=CHUNK_ROWS)
        tracks = contents(store.tracks, without=TIMES_OF_WRITING)
        store.tracks.delete_many({})
        store.load_runs.update_many({"kind": "chunk"}, {"$set": {"in_catalog": False}})
        _, last = run_to_the_end(api, DAG, source=str(history), chunk_rows=CHUNK_ROWS)
        yield Killed(
            state=state,
            tries=tries[task["map_index"]],
            summary=summary,
            plays=plays,
            cleared_state=cleared_state,
            cleared=summary_of(api, run),
            second=summary_of(api, second),
            second_states=states_of(api, second),
            last_states=states_of(api, last),
            plays_in_the_end=contents(store.plays),
            tracks=tracks,
            tracks_in_the_end=contents(store.tracks, without=TIMES_OF_WRITING),
        )


def test_a_run_whose_worker_is_killed_ends_in_the_same_documents(
    killed: Killed, undisturbed: dict[Any, Document]
) -> None:
    assert killed.state == "success"
    assert killed.tries == 2
    assert killed.summary["counts"]["inserted"] == ROWS
    assert {identity: _without_times(play) for identity, play in killed.plays.items()} == undisturbed


def test_a_plan_that_is_cleared_has_nothing_to_load_and_counts_no_row_twice(killed: Killed) -> None:
    assert killed.cleared_state == "success"
    assert killed.cleared["counts"]["rows"] == killed.cleared["counts"]["already_there"] == ROWS


def test_a_second_run_writes_nothing_and_says_that_nothing_is_new(killed: Killed) -> None:
    assert killed.plays_in_the_end == killed.plays
    assert killed.second["text"][0].startswith("Nothing new")
    done = {"preflight", "plan_chunks", "reconcile", "summary"}
    assert killed.second_states == {task: {"success" if task in done else "skipped"} for task in killed.second_states}


def test_what_a_run_that_failed_left_undone_is_done_by_the_next(killed: Killed) -> None:
    skipped = {task for task, states in killed.last_states.items() if "skipped" in states}
    assert skipped == {"announce_new_plays"}
    assert killed.tracks
    assert killed.tracks_in_the_end == killed.tracks


def test_a_dry_run_reports_and_writes_nothing(api: AirflowApi, store: HistoryStore, history: Path) -> None:
    state, run = run_to_the_end(api, DAG, source=str(history), dry_run=True)
    assert state == "success"
    assert summary_of(api, run)["counts"]["inserted"] == ROWS
    assert states_of(api, run)["announce_new_plays"] == {"skipped"}
    assert store.database.list_collection_names() == []


def test_a_wrong_file_fails_at_once_with_its_reason(api: AirflowApi, store: HistoryStore, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("spotify_track_uri;ts_x\n1;2\n", encoding="utf-8")
    state, run = run_to_the_end(api, DAG, source=str(wrong))
    assert state == "failed"
    (preflight,) = instances_of(api, run, "preflight")
    assert preflight["try_number"] == 1
    assert any("wrong.csv: its columns are separated by semicolons" in line for line in log_lines(api, run, preflight))
