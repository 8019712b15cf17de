"""Notices through a real scheduler and dag-processor: a webhook hears of runs that failed or left work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from echotune.history.store import HistoryStore
from echotune.names import NOTIFICATIONS_CONNECTION
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run
from local.sample import write_sample
from local.stack import Stack
from tests.support.dag_runs import run_to_the_end, summary_of, wait_for
from tests.support.http_server import RawServer, raw_server

DAG = "csv_backfill"
ROWS, BAD_ROWS = 500, 3
SECRET = "the/secret/end/of/the/address"


@pytest.fixture(scope="module")
def webhook(api: AirflowApi) -> Iterator[RawServer]:
    """A server that Airflow's connection for notices names."""
    with raw_server() as server:
        body = {"conn_type": "http", "host": server.url, "password": SECRET}
        api.post("connections", {"connection_id": NOTIFICATIONS_CONNECTION, **body})
        yield server
        api.delete(f"connections/{NOTIFICATIONS_CONNECTION}")


def told_of(server: RawServer, run: Run) -> Json:
    """What the webhook heard of a run, once it has; its path is the secret one."""

    def find() -> Json | None:
        heard: list[Json] = [json.loads(asked.body) for asked in server.asked if asked.path == f"/{SECRET}"]
        return next((told for told in heard if told["run_id"] == run.run), None)

    told: Json = wait_for("the notice", find)
    return told


@pytest.mark.usefixtures("store")
def test_a_failed_run_is_told_with_its_task_its_error_and_its_address(
    stack: Stack, api: AirflowApi, webhook: RawServer, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("", encoding="utf-8")
    state, run = run_to_the_end(api, DAG, source=str(wrong))
    told = told_of(webhook, run)
    assert (state, told["state"], told["dag_id"]) == ("failed", "failed", DAG)
    assert told["failed_tasks"] == [{"task_id": "preflight", "error": "wrong.csv is empty"}]
    assert "preflight failed: wrong.csv is empty" in told["text"]
    assert told["url"] == f"{stack.airflow.url}/dags/{DAG}/runs/{quote(run.run, safe='')}"


def test_a_run_with_work_left_is_told_with_what_is_left(
    api: AirflowApi, store: HistoryStore, webhook: RawServer, tmp_path: Path
) -> None:
    history = tmp_path / "history.csv"
    write_sample(history, rows=ROWS, bad_rows=BAD_ROWS)
    state, run = run_to_the_end(api, DAG, source=str(history))
    told = told_of(webhook, run)
    assert (state, told["state"], told["left"]) == ("success", "success", BAD_ROWS)
    assert f"{BAD_ROWS} rows did not load" in told["text"]
    assert told["summary"] == summary_of(api, run)["text"]
    assert store.rejected_rows.count_documents({}) == BAD_ROWS


def test_a_run_that_did_everything_is_not_told_of(api: AirflowApi, webhook: RawServer, tmp_path: Path) -> None:
    state, run = run_to_the_end(api, "connection_check", systems=["Redis"])
    # A later run is told of: by then this one would have been.
    _, later = run_to_the_end(api, DAG, source=str(tmp_path / "nowhere.csv"))
    told_of(webhook, later)
    assert state == "success"
    assert run.run not in [json.loads(asked.body)["run_id"] for asked in webhook.asked]
