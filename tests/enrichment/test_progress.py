"""Progress: kept while a worker works, taken up again by its next try."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest

from echotune.enrichment.progress import Progress, ProgressKeeper
from echotune.history.store import HistoryStore
from tests.support.databases import contents

FULL = Progress(
    id="run/tracks/1",
    run="run",
    what="tracks",
    left=7,
    enriched_by={"spotify": 3, "reccobeats": 2},
    not_found=1,
    unavailable=2,
    errors=4,
    cached=5,
    calls={"spotify": 9},
    waited_seconds=1.5,
    problems=["no Premium"],
    stopped="too many calls",
    go_on_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def resume(store: HistoryStore, identity: str = "run/tracks/1") -> ProgressKeeper:
    return ProgressKeeper.resume(store.enrichment_runs, identity=identity, run="run", what="tracks")


def test_a_first_try_begins_with_nothing(store: HistoryStore) -> None:
    assert resume(store).progress == Progress(id="run/tracks/1", run="run", what="tracks")
    assert store.enrichment_runs.count_documents({}) == 0


def test_everything_settled_is_done() -> None:
    assert FULL.done == 3 + 2 + 1 + 2 + 4


def test_what_is_kept_is_what_was_reported(store: HistoryStore) -> None:
    ProgressKeeper(store.enrichment_runs, FULL).report()
    (kept,) = contents(store.enrichment_runs).values()
    assert Progress.from_document(kept) == FULL
    assert (kept["kind"], kept["done"]) == ("worker", FULL.done)
    assert abs((kept["updated_at"] - datetime.now(UTC)).total_seconds()) < 60


def test_a_next_try_goes_on_counting_and_forgets_why_the_last_one_ended(store: HistoryStore) -> None:
    ProgressKeeper(store.enrichment_runs, FULL).report()
    progress = resume(store).progress
    assert (progress.done, progress.calls, progress.waited_seconds) == (FULL.done, FULL.calls, 1.5)
    assert (progress.stopped, progress.go_on_at, progress.problems) == ("", None, [])


def test_workers_do_not_take_up_each_others_progress(store: HistoryStore) -> None:
    ProgressKeeper(store.enrichment_runs, FULL).report()
    assert resume(store, "run/tracks/2").progress.done == 0


def test_reports_replace_each_other(store: HistoryStore) -> None:
    keeper = resume(store)
    keeper.report()
    keeper.progress.not_found = 3
    keeper.report()
    assert [kept["not_found"] for kept in store.enrichment_runs.find()] == [3]


def test_a_report_is_due_some_seconds_after_the_last(store: HistoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = resume(store)
    assert not keeper.is_report_due
    monkeypatch.setattr("echotune.enrichment.progress.SECONDS_BETWEEN_REPORTS", 0.0)
    assert keeper.is_report_due


def test_the_log_tells_done_left_calls_and_waits(store: HistoryStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ProgressKeeper(store.enrichment_runs, FULL).report()
    assert caplog.messages == ["tracks: 12 done, 7 left, calls: 9 to spotify, waited 2 s"]
    assert str(Progress(id="", run="", what="albums")) == "albums: 0 done, 0 left, calls: none, waited 0 s"


def test_a_problem_is_told_and_noted_once(caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress(id="", run="", what="tracks")
    progress.add_problem("no Premium")
    progress.add_problem("no Premium")
    assert (progress.problems, caplog.messages) == (["no Premium"], ["no Premium"])
