"""What is told of a run that ended."""

from __future__ import annotations

import json
from dataclasses import replace

from echotune.notifications.notice import MOST_LINES, FailedTask, Notice
from echotune.run_summary import RunSummary

RUN = Notice(dag_id="csv_backfill", run_id="manual__1", state="failed", url="http://airflow/dags/csv_backfill/runs/1")
FAILED = replace(RUN, failed=(FailedTask(task_id="preflight", error="history.csv is empty"),))
LEFT = replace(
    RUN,
    state="success",
    summary=RunSummary(text=("9 new plays from 12 rows.",), left=3, left_text="3 rows did not load."),
)


def test_a_failed_run_is_told_with_the_task_and_its_error() -> None:
    assert FAILED.headline == (
        "EchoTune: the run of csv_backfill (manual__1) failed: preflight failed: history.csv is empty"
    )


def test_a_task_whose_process_was_killed_is_told_as_that() -> None:
    killed = replace(RUN, failed=(FailedTask(task_id="load_chunks"),))
    assert killed.headline.endswith("load_chunks failed: it left no error, see the end of its log")


def test_a_run_that_was_failed_by_hand_says_so() -> None:
    assert RUN.headline.endswith("failed: no task failed itself, see its page")


def test_a_run_with_work_left_says_what_is_left() -> None:
    assert LEFT.headline == "EchoTune: the run of csv_backfill (manual__1) ended with work left: 3 rows did not load."


def test_the_subject_is_short() -> None:
    assert [FAILED.subject, LEFT.subject] == [
        "EchoTune: csv_backfill failed",
        "EchoTune: csv_backfill ended with work left",
    ]


def test_a_webhook_gets_text_and_fields() -> None:
    document = json.loads(json.dumps(LEFT.as_document()))
    assert document == {
        "text": f"{LEFT.headline}\n{LEFT.url}",
        "dag_id": "csv_backfill",
        "run_id": "manual__1",
        "state": "success",
        "left": 3,
        "failed_tasks": [],
        "summary": ["9 new plays from 12 rows."],
        "url": LEFT.url,
    }


def test_a_long_summary_is_cut_and_says_so() -> None:
    long = replace(LEFT, summary=RunSummary(text=tuple(f"line {number}" for number in range(MOST_LINES + 2))))
    assert long.lines[-2:] == [f"line {MOST_LINES - 1}", "… 2 more lines"]


def test_nobody_is_named() -> None:
    named = replace(
        RUN,
        failed=(FailedTask(task_id="load", error="username is 'anna'"),),
        summary=RunSummary(text=("To mend: /archive/user=anna/year=2014 cannot be read",)),
    )
    assert "anna" not in json.dumps(named.as_document())
