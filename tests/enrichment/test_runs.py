"""What runs leave behind for each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from echotune.enrichment.progress import Progress, ProgressKeeper
from echotune.enrichment.runs import (
    begin_run,
    calls_in_past_day,
    is_to_announce,
    keep_summary,
    stops_in_force,
    total,
    workers_of,
)
from echotune.history.store import HistoryStore

NOW = datetime.now(UTC).replace(microsecond=0)


def keep(store: HistoryStore, identity: str, *, run: str = "run", hours_ago: float = 0, **progress: Any) -> Progress:
    """The progress of a worker that reported some time ago."""
    kept = Progress(id=identity, run=run, what="tracks", **progress)
    ProgressKeeper(store.enrichment_runs, kept).report()
    when = NOW - timedelta(hours=hours_ago)
    store.enrichment_runs.update_one({"_id": identity}, {"$set": {"updated_at": when}})
    return kept


def test_the_workers_of_a_run_are_told_and_no_others(store: HistoryStore) -> None:
    mine = [keep(store, "run/tracks/1", not_found=1), keep(store, "run/tracks/2")]
    keep(store, "other/tracks/1", run="other")
    keep_summary(store, "run", {"text": ["done"]})
    assert sorted(workers_of(store, "run"), key=lambda progress: progress.id) == mine


def test_the_calls_of_a_day_are_those_of_all_runs(store: HistoryStore) -> None:
    keep(store, "one/tracks/1", calls={"spotify": 5, "reccobeats": 2})
    keep(store, "two/tracks/1", run="two", hours_ago=23, calls={"spotify": 10})
    keep(store, "old/tracks/1", run="old", hours_ago=25, calls={"spotify": 100})
    keep_summary(store, "run", {"calls": {"spotify": 1000}})
    assert calls_in_past_day(store) == {"spotify": 15, "reccobeats": 2}


def test_a_stop_holds_until_its_end(store: HistoryStore) -> None:
    soon, later = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
    keep(store, "a", calls={"spotify": 1}, go_on_at=soon)
    keep(store, "b", calls={"spotify": 1, "reccobeats": 1}, go_on_at=later)
    keep(store, "c", calls={"reccobeats": 1}, go_on_at=NOW - timedelta(hours=1))
    keep(store, "d", calls={"reccobeats": 1}, go_on_at=soon)
    assert stops_in_force(store) == {"spotify": later, "reccobeats": later}


def test_without_runs_nothing_is_known(store: HistoryStore) -> None:
    assert (workers_of(store, "run"), calls_in_past_day(store), stops_in_force(store)) == ([], {}, {})


def test_a_summary_replaces_the_one_of_an_earlier_try(store: HistoryStore) -> None:
    keep_summary(store, "run", {"text": ["half"], "stopped": ["a limit"]})
    keep_summary(store, "run", {"text": ["done"]})
    (kept,) = store.enrichment_runs.find({}, {"updated_at": 0})
    assert kept == {"_id": "run", "kind": "run", "run": "run", "text": ["done"]}


def test_counts_are_added_by_name() -> None:
    assert total([{"a": 1}, {}, {"a": 2, "b": 3}]) == {"a": 3, "b": 3}


def test_a_run_tells_of_what_it_learnt(store: HistoryStore) -> None:
    begin_run(store, "run")
    assert is_to_announce(store, "run", learnt=True)
    assert is_to_announce(store, "run", learnt=True), "tried again"


def test_a_run_that_learnt_nothing_has_nothing_to_tell(store: HistoryStore) -> None:
    begin_run(store, "first")
    assert not is_to_announce(store, "first", learnt=False)
    begin_run(store, "second")
    assert not is_to_announce(store, "second", learnt=False), "nor of the one before"


def test_what_a_run_learnt_that_failed_is_told_by_the_next_run_and_by_no_other(store: HistoryStore) -> None:
    begin_run(store, "failed")
    told = []
    for run in ("next", "after that"):
        begin_run(store, run)
        told.append([is_to_announce(store, run, learnt=False) for _ in range(2)])
    assert told == [[True, True], [False, False]]
