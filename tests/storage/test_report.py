"""What a person reads at the end of a run."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.indexes.steps import Action, Outcome, Step, StepResult
from echotune.storage.assess import StorageReport, assess
from echotune.storage.plans import limit_named, read_plans
from echotune.storage.report import QUIET, MaintenanceOutcome, summarise
from tests.support.measuring import NOW, measurement


def result(
    action: Action,
    outcome: Outcome = Outcome.DONE,
    *,
    name: str = "artist",
    system: str = "mongodb",
    detail: str = "",
    seconds: float = 0,
) -> StepResult:
    step = Step(system=system, place="listening_history", name=name, action=action, reason="it is declared")
    return StepResult(step=step, outcome=outcome, detail=detail, seconds=seconds)


def stored(named: str, **measured: Any) -> StorageReport:
    taken = measurement(**measured)
    limit = limit_named(named, taken.system, read_plans())
    return assess(taken, limit=limit, past=[], plans=read_plans(), now=NOW)


def summary(
    *results: StepResult, storage: tuple[StorageReport, ...] = (), problems: tuple[str, ...] = (), dry_run: bool = False
) -> dict[str, Any]:
    outcome = MaintenanceOutcome(dry_run=dry_run, results=results, storage=storage, problems=problems)
    return summarise(outcome)


def test_a_run_with_nothing_to_do_says_so_in_one_line() -> None:
    assert summary(*[result(Action.LEAVE)] * 12)["text"] == ["Nothing to do: 12 indexes are as declared."]


def test_what_was_done_and_what_was_not_is_counted_first() -> None:
    results = [
        result(Action.LEAVE),
        result(Action.CREATE),
        result(Action.CREATE),
        result(Action.REBUILD),
        result(Action.DROP, Outcome.REFUSED),
        result(Action.REINDEX, Outcome.BUSY),
        result(Action.REPORT),
    ]
    assert summary(*results)["text"][0] == "1 index is as declared; 2 created, 1 rebuilt, 1 refused, 1 busy."


def test_steps_that_were_not_done_and_warnings_are_left() -> None:
    results = [result(Action.CREATE), result(Action.DROP, Outcome.REFUSED), result(Action.REPORT)]
    told = summary(*results, storage=(stored("atlas-m0", megabytes=450),))
    assert told["left"] == 1 + 1
    assert told["left_text"].startswith("Steps not done: 1 refused. mongodb uses 88% of 512 MB")


def test_steps_that_a_dry_run_plans_are_not_left() -> None:
    told = summary(result(Action.CREATE, Outcome.PLANNED), dry_run=True)
    assert (told["left"], told["left_text"]) == (0, None)


def test_where_no_index_is_as_declared_it_begins_with_what_was_done() -> None:
    assert summary(result(Action.CREATE))["text"][0] == "1 created."


def test_a_dry_run_says_what_there_is_to_do_and_that_nothing_was_changed() -> None:
    results = [result(Action.LEAVE), result(Action.CREATE, Outcome.PLANNED)]
    assert summary(*results, dry_run=True)["text"][0] == (
        "Dry run, nothing was changed. 1 index is as declared; 1 to create."
    )


def test_each_step_that_is_not_left_has_a_line_in_columns() -> None:
    results = [
        result(Action.LEAVE, name="left"),
        result(Action.CREATE, name="newest", seconds=12.34),
        result(Action.REPORT, name="old_one", seconds=0.04),
        result(Action.DROP, Outcome.REFUSED, name="older", system="postgresql", detail="not the owner"),
    ]
    assert summary(*results)["text"][1:] == [
        "",
        "outcome  action  system      place              index    seconds  why",
        "done     create  mongodb     listening_history  newest      12.3  it is declared",
        "         report  mongodb     listening_history  old_one           it is declared",
        "refused  drop    postgresql  listening_history  older             it is declared: not the owner",
    ]


def test_what_is_only_told_has_no_outcome_in_a_dry_run_either() -> None:
    told = summary(result(Action.REPORT, Outcome.PLANNED), dry_run=True)["text"]
    assert told[-1].startswith("         report  mongodb")


def test_steps_are_counted_by_action_and_outcome() -> None:
    results = [result(Action.CREATE), result(Action.CREATE, Outcome.FAILED), result(Action.LEAVE)]
    assert summary(*results)["counts"] == {"create": {"done": 1, "failed": 1}, "leave": {"done": 1}}


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.BUSY])
def test_what_was_refused_or_busy_fails_no_run(outcome: Outcome) -> None:
    assert summary(result(Action.CREATE, outcome))["problems"] == []


def test_what_failed_fails_the_run_and_says_where() -> None:
    failed = result(Action.CREATE, Outcome.FAILED, detail="disk full")
    told = summary(failed, problems=("PostgreSQL: it does not answer",))
    line = "create artist on listening_history (mongodb) failed: disk full"
    assert told["problems"] == ["PostgreSQL: it does not answer", line]
    assert told["text"][-2:] == ["To mend: PostgreSQL: it does not answer", f"To mend: {line}"]


def test_storage_is_told_with_its_limit_growth_and_end() -> None:
    told = summary(storage=(stored("500 MB", megabytes=100, a_month=10_000),))["text"]
    assert "mongodb  100 MB  500 MB    20%           10 MB  40 months" in told[3]


def test_what_the_numbers_rest_on_is_told_beneath_them() -> None:
    told = summary(storage=(stored("", megabytes=100, rows=100_000, a_month=500, others=50, old=2_000),))["text"]
    assert told[4:7] == [
        "mongodb: growth is expected from 500 plays a month in the year to 2026-10-29, 1 KB each.",
        "mongodb: 50 MB of it other databases of the server.",
        "mongodb: archiving 2,000 plays before 2023-11-29 would free about 2 MB.",
    ]


def test_each_action_that_changes_something_has_a_word_for_it_when_it_is_done() -> None:
    headlines = [summary(result(action))["text"][0] for action in Action if action not in QUIET]
    assert len(set(headlines)) == len(headlines)


def test_without_a_plan_sizes_are_told_and_no_end() -> None:
    told = summary(storage=(stored("", megabytes=100, a_month=10_000),))
    assert "100 MB  none named" in told["text"][3]
    assert told["warnings"] == []


def test_places_are_told_with_their_rows_and_indexes() -> None:
    told = summary(storage=(stored("", megabytes=100),))["text"]
    assert told[-1] == "mongodb  listening_history  100,000  90 MB    10 MB    100 MB"


def test_a_warning_says_what_happens_and_what_helps() -> None:
    told = summary(storage=(stored("atlas-m0", megabytes=450, rows=450_000, old=100_000, a_month=10_000),))
    (warning,) = told["warnings"]
    assert warning == (
        "mongodb uses 88% of 512 MB (MongoDB Atlas M0), full in 6 months. When it is full, every write is refused. "
        "Archiving 100,000 plays before 2023-11-29 would free about 100 MB. "
        "The next larger plan is MongoDB Atlas Flex, 5 GB, 8 to 30 USD a month (read 2026-09-20)"
    )
    assert f"Warning: {warning}" in told["text"]
    assert told["storage_levels"] == {"mongodb": "warning"}


def test_what_could_not_be_measured_is_noted() -> None:
    told = summary(storage=(stored("", notes=["the size of tracks cannot be read: not allowed"]),))["text"]
    assert "Note on mongodb: the size of tracks cannot be read: not allowed." in told


def test_where_both_databases_are_down_the_report_is_the_reasons() -> None:
    told = summary(problems=("MongoDB: no answer", "PostgreSQL: no answer"))
    assert told["text"] == ["No index was looked at.", "To mend: MongoDB: no answer", "To mend: PostgreSQL: no answer"]
