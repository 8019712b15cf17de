"""The notifier: which ends of a run it tells of, to whom, and that it never raises."""

from __future__ import annotations

import json
import logging
from typing import Any, cast

import pytest
from airflow.sdk import DAG, Context

from echotune.names import NOTIFICATIONS_CONNECTION
from echotune.notifications import RunNotifier, remember_error
from local import ports
from tests.notifications.conftest import Connect
from tests.support.http_server import RawServer

SUMMARY = {"text": ["9 new plays from 12 rows."], "left": 0, "left_text": None}
WORK_LEFT = {"text": ["9 new plays from 12 rows."], "left": 3, "left_text": "3 rows did not load."}


class EndedTask:
    """What a callback asks Airflow of a run's tasks: their states and XComs."""

    dag_id, task_id = "csv_backfill", "summary"

    def __init__(self, states: dict[str, str], xcoms: dict[tuple[str, str], Any]) -> None:
        self.states = states
        self.xcoms = xcoms

    def get_task_states(self, *, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {run_ids[0]: self.states}

    def xcom_pull(self, *, task_ids: str, key: str = "return_value") -> Any:
        return self.xcoms.get((task_ids, key))

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.xcoms[self.task_id, key] = value


def ended(
    reason: str, *, states: dict[str, str] | None = None, xcoms: dict[tuple[str, str], Any] | None = None
) -> Context:
    """The context that Airflow gives a DAG's callback."""
    task = EndedTask(states or {}, xcoms or {})
    return cast(
        Context, {"dag": DAG("csv_backfill", schedule=None), "run_id": "manual__1", "reason": reason, "ti": task}
    )


@pytest.fixture(autouse=True)
def _no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"AIRFLOW_CONN_{NOTIFICATIONS_CONNECTION.upper()}", raising=False)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "http://airflow.example/base")


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_run_that_did_everything_is_not_told_of(connect: Connect, webhook: RawServer) -> None:
    connect("http", host=webhook.url)
    RunNotifier()(ended("success", xcoms={("summary", "return_value"): SUMMARY}))
    assert webhook.asked == []


def test_without_a_connection_one_line_of_the_log_tells_of_work_left(caplog: pytest.LogCaptureFixture) -> None:
    RunNotifier()(ended("success", xcoms={("summary", "return_value"): WORK_LEFT}))
    assert warnings_of(caplog) == [
        "EchoTune: the run of csv_backfill (manual__1) ended with work left: 3 rows did not load. "
        "See http://airflow.example/base/dags/csv_backfill/runs/manual__1"
    ]


def test_a_webhook_hears_of_a_failed_run_which_task_failed_and_why(connect: Connect, webhook: RawServer) -> None:
    connect("http", host=webhook.url)
    states = {"preflight": "success", "load_0": "failed", "load_1": "failed", "summary": "upstream_failed"}
    errors = ["the file is cut off", "the file is cut off"]
    RunNotifier()(ended("task_failure", states=states, xcoms={("load", "error"): errors}))
    told = json.loads(webhook.asked[0].body)
    assert (told["state"], told["failed_tasks"]) == ("failed", [{"task_id": "load", "error": "the file is cut off"}])


def test_a_summary_that_fails_with_another_task_is_not_told_beside_it(connect: Connect, webhook: RawServer) -> None:
    connect("http", host=webhook.url)
    states = {"reconcile": "failed", "summary": "failed"}
    RunNotifier()(ended("task_failure", states=states, xcoms={("reconcile", "error"): "both sides differ"}))
    told = json.loads(webhook.asked[0].body)
    assert [task["task_id"] for task in told["failed_tasks"]] == ["reconcile"]


def test_a_run_of_which_airflow_names_no_task_is_told_of_too(connect: Connect, webhook: RawServer) -> None:
    connect("http", host=webhook.url)
    context = cast(Context, {"dag": DAG("csv_backfill", schedule=None), "run_id": "manual__1", "reason": "timed_out"})
    RunNotifier()(context)
    assert json.loads(webhook.asked[0].body)["failed_tasks"] == []


def test_a_notice_that_cannot_be_sent_is_logged_and_raises_nothing(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connect("http", host=f"http://127.0.0.1:{ports.free_port()}", password="hush-hush")
    RunNotifier()(ended("task_failure"))
    assert "This could not be told: the webhook at" in warnings_of(caplog)[-1]
    assert "hush-hush" not in caplog.text


def test_a_connection_of_another_type_says_what_to_make_of_it(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    connect("postgres", host="127.0.0.1")
    RunNotifier()(ended("task_failure"))
    assert "is of type postgres: make it smtp or http" in warnings_of(caplog)[-1]


def test_the_connection_may_be_another(monkeypatch: pytest.MonkeyPatch, webhook: RawServer, connect: Connect) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OF_THE_TEAM", json.dumps({"conn_type": "http", "host": webhook.url}))
    RunNotifier(notifications_conn_id="{{ 'of_the_team' }}")(ended("task_failure"))
    assert len(webhook.asked) == 1


def test_a_failed_task_keeps_its_error_without_secrets_and_values(connect: Connect) -> None:
    connect("http", host="127.0.0.1", password="hush-hush")
    context = ended("")
    error = ValueError("hush-hush was refused for user 'anna'\nand more")
    remember_error(cast(Context, {**context, "exception": error}))
    task: Any = context["ti"]
    assert task.xcoms == {("summary", "error"): "*** was refused for user '…'"}


def test_a_task_that_was_killed_keeps_nothing() -> None:
    context = ended("")
    remember_error(context)
    task: Any = context["ti"]
    assert task.xcoms == {}
