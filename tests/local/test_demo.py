"""What the demo shows of a run."""

from __future__ import annotations

from local.airflow_api import Json
from local.demo import progress, summary_lines


def test_progress_counts_states_and_names_what_is_at_work() -> None:
    tasks: list[Json] = [
        {"task_id": "find", "state": "success"},
        {"task_id": "load", "state": "running"},
        {"task_id": "load", "state": "running"},
        {"task_id": "check", "state": None},
    ]
    assert progress(tasks) == "2 running (load x2), 1 success"


def test_a_summary_reads_as_lines() -> None:
    value = {"rows": 20000, "done": True, "share": 0.5, "by_year": {"2019": 3}, "left": ["one", "two"], "none": {}}
    assert summary_lines(value) == [
        "rows     20,000",
        "done     True",
        "share    0.5",
        "by_year:",
        "  2019  3",
        "left:",
        "  one",
        "  two",
        "none:",
    ]


def test_an_empty_value_is_no_line() -> None:
    assert summary_lines({}) == []
    assert summary_lines([]) == []
