"""What the demo shows of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.airflow_api import Json
from local.demo import GENERATED, OWN, keep_apart, own_source, progress, summary_lines
from local.errors import StackError


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


def test_a_source_of_ones_own_is_found_wherever_the_tasks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my plays.csv").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert own_source("my plays.csv") == own_source("~/my plays.csv") == str(tmp_path / "my plays.csv")
    assert own_source("*.csv") == str(tmp_path / "*.csv")
    assert own_source("s3://bucket/plays.csv") == "s3://bucket/plays.csv"


def test_a_source_that_is_not_there_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"SOURCE=.*none\.csv names nothing"):
        own_source(str(tmp_path / "none.csv"))


@pytest.mark.parametrize(("first", "second"), [(GENERATED, OWN), (OWN, GENERATED)])
def test_generated_plays_and_ones_own_are_kept_apart(tmp_path: Path, first: str, second: str) -> None:
    folder = tmp_path / "demo"
    keep_apart(folder, first)
    keep_apart(folder, first)
    with pytest.raises(StackError, match="STACK=mine"):
        keep_apart(folder, second)


def test_a_stack_of_an_older_version_with_a_sample_takes_no_plays_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    with pytest.raises(StackError, match="generated plays"):
        keep_apart(tmp_path, OWN)
