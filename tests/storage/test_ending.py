"""The end of a run: the report is kept, and later runs read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.indexes.steps import Action, Outcome, Step, StepResult
from echotune.storage.ending import Ending, report_run
from echotune.storage.errors import StorageError
from echotune.storage.records import remember
from local import ports
from tests.support.measuring import MEGABYTE, MONTH, NOW, measurement

CREATED = StepResult(
    step=Step(
        system="mongodb", place="listening_history", name="newest", action=Action.CREATE, reason="it is not there"
    ),
    outcome=Outcome.DONE,
    seconds=1.5,
)


def ending(*, run_id: str = "", months_ago: float = 0, plan: str = "", megabytes: float = 100) -> Ending:
    return Ending(
        run_id=run_id or f"run {uuid4()}",
        now=NOW - MONTH * months_ago,
        dry_run=False,
        results=[CREATED],
        measurements=[measurement(megabytes=megabytes, a_month=0)],
        problems=[],
        settings={"dry_run": "False"},
        plans={"mongodb": plan, "postgresql": ""},
    )


def storage_line(summary: dict[str, Any]) -> str:
    lines: list[str] = summary["text"]
    return next(line for line in lines if line.startswith("mongodb "))


def test_a_report_is_kept_whole(store: HistoryStore) -> None:
    summary = report_run(lambda: store, ending(run_id="this", plan="atlas-m0"))
    (kept,) = store.maintenance_runs.find()
    assert (kept["_id"], kept["finished_at"], kept["text"]) == ("this", NOW, summary["text"])
    assert kept["results"] == [
        {
            "system": "mongodb",
            "place": "listening_history",
            "name": "newest",
            "action": "create",
            "reason": "it is not there",
            "outcome": "done",
            "detail": "",
            "seconds": 1.5,
        }
    ]
    assert kept["storage"]["mongodb"]["limit"] == 512 * MEGABYTE
    assert kept["storage"]["mongodb"]["places"][0]["rows"] == 100_000


def test_a_repeated_report_replaces_the_first(store: HistoryStore) -> None:
    report_run(lambda: store, ending(run_id="this"))
    report_run(lambda: store, ending(run_id="this", megabytes=200))
    (kept,) = store.maintenance_runs.find()
    assert kept["storage"]["mongodb"]["used"] == 200 * MEGABYTE


def test_growth_is_measured_against_earlier_reports(store: HistoryStore) -> None:
    for months_ago, megabytes in ((3, 100), (2, 110), (1, 120)):
        report_run(lambda: store, ending(months_ago=months_ago, megabytes=megabytes))
    summary = report_run(lambda: store, ending(megabytes=130, plan="230 MB"))
    assert "10 MB  10 months" in storage_line(summary)
    assert "mongodb: growth is measured since 2026-08-29." in summary["text"]


def test_reports_of_more_than_a_year_ago_are_not_read(store: HistoryStore) -> None:
    report_run(lambda: store, ending(months_ago=13))
    assert remember(store, now=NOW).past == {}
    report_run(lambda: store, ending(months_ago=11))
    assert [kept.at for kept in remember(store, now=NOW).past["mongodb"]] == [NOW - MONTH * 11]


def test_the_plan_that_was_named_last_holds_until_another_or_none_is_named(store: HistoryStore) -> None:
    shown = {
        named: storage_line(report_run(lambda: store, ending(months_ago=-number, plan=plan)))
        for number, (named, plan) in enumerate(
            [
                ("first", "atlas-m0"),
                ("as before", ""),
                ("other", "1 GB"),
                ("as then", ""),
                ("none", "none"),
                ("still", ""),
            ]
        )
    }
    assert [("Atlas M0" in line, "1 GB" in line, "none named" in line) for line in shown.values()] == [
        (True, False, False),
        (True, False, False),
        (False, True, False),
        (False, True, False),
        (False, False, True),
        (False, False, True),
    ]


def test_where_mongodb_is_away_the_report_tells_the_rest_and_that_it_is_not_kept() -> None:
    address = f"mongodb://127.0.0.1:{ports.free_port()}/?serverSelectionTimeoutMS=100"
    with MongoClient[dict[str, Any]](address) as client:
        summary = report_run(lambda: HistoryStore.of(client["nothing"]), ending(plan="1 GB"))
    assert "1 GB" in storage_line(summary)
    assert summary["text"][-1].startswith("This report is not kept in maintenance_runs: 127.0.0.1:")
    assert "\n" not in summary["text"][-1]
    assert "Topology" not in summary["text"][-1]


def test_where_there_is_no_connection_to_mongodb_likewise() -> None:
    def fail() -> HistoryStore:
        raise StorageError("there is no connection")

    assert report_run(fail, ending())["text"][-1] == (
        "This report is not kept in maintenance_runs: there is no connection"
    )


def test_a_user_who_may_only_read_gets_the_report_with_what_earlier_runs_know(
    store: HistoryStore, reader: HistoryStore
) -> None:
    report_run(lambda: store, ending(months_ago=1, plan="1 GB"))
    summary = report_run(lambda: reader, ending())
    assert "1 GB" in storage_line(summary)
    assert "is not kept in maintenance_runs: not authorized" in summary["text"][-1]
    assert store.maintenance_runs.count_documents({}) == 1


def test_a_report_a_week_is_read_for_a_year(store: HistoryStore) -> None:
    for week in range(1, 60):
        report_run(lambda: store, ending(months_ago=week * timedelta(weeks=1) / MONTH))
    assert len(remember(store, now=NOW).past["mongodb"]) == 52
