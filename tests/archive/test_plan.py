"""What there is to archive, how it is cut into tasks, and what a person is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from echotune.archive.archives import Archive, State
from echotune.archive.plan import ArchiveSlice, cut_slices, measure_found, name_slices, plan_archive
from echotune.archive.report import Found, summarise_archive, summarise_restore
from echotune.archive.settings import ArchiveSettings
from echotune.history.store import HistoryStore
from tests.support.archiving import NOW
from tests.support.syncing import play

FOUND = Found(plays=2_000, users=2, before="2021-11-01", frees=4_000_000)
ARCHIVE = Archive(
    id=ObjectId(),
    username="anna",
    year=2014,
    address="archive/user=anna",
    before=NOW,
    rules="",
    state=State.REMOVED,
    run_id="run",
    plays=1_001,
    size=250_000,
    removed=1_000,
    restored=1_000,
)


def slices(*plays: int) -> list[ArchiveSlice]:
    return [ArchiveSlice(username="anna", year=2010 + number, plays=each) for number, each in enumerate(plays)]


@pytest.mark.parametrize(
    ("plays", "tasks"), [((), []), ((5,), [[5]]), ((4, 6, 1), [[4, 6], [1]]), ((30, 1, 2), [[30], [1, 2]])]
)
def test_small_years_share_a_task(plays: tuple[int, ...], tasks: list[list[int]]) -> None:
    assert [[each.plays for each in part] for part in cut_slices(slices(*plays), 10)] == tasks


def test_a_task_is_named_by_whose_plays_it_archives() -> None:
    assert name_slices(slices(1)) == "anna 2010"
    assert name_slices(slices(1, 1, 1)) == "anna 2010 to 2012"
    assert name_slices([*slices(1), ArchiveSlice(username="bert", year=2009)]) == "anna 2010 to bert 2009"


def test_a_plan_counts_old_plays_by_user_and_year(store: HistoryStore) -> None:
    store.plays.insert_many([play(1), play(5), play(6, username="anna"), play(7, timestamp=NOW), play(8, user=None)])
    settings = ArchiveSettings.of({"older_than_years": 1, "target": "archive"})
    plan = plan_archive(store, settings, NOW)
    assert [(str(each), each.plays) for each in plan] == [("anna 2022", 1), ("listener 2021", 1), ("listener 2022", 1)]
    found = measure_found(store, plan, settings.before(NOW), datetime.now(UTC))
    assert (found.plays, found.users, found.before, found.unfinished) == (3, 2, "2025-11-01", 0)


def told(archives: list[Archive], **more: Any) -> list[str]:
    values: dict[str, Any] = {"unfit": 0, "problems": [], "dry_run": False} | more
    lines: list[str] = summarise_archive(FOUND, archives, **values)["text"]
    return lines


def test_a_summary_says_what_went_what_stays_and_why() -> None:
    assert told([ARCHIVE], unfit=2, problems=["the disk is full"]) == [
        "Archived: 1,000 plays of 1 user before 2021-11-01, in 1 file of 250 KB.",
        "About 2 MB are free for reuse. MongoDB gives the room to new plays; its files stay as large as they are.",
        "Left for the next run: 1 play that changed meanwhile.",
        "Not archived: 2 plays with a value that does not fit, which the sync has in quarantine.",
        "To mend: the disk is full",
    ]


def test_plays_that_stay_are_left() -> None:
    summary = summarise_archive(FOUND, [ARCHIVE], unfit=2, problems=[], dry_run=False)
    assert summary["left"] == 1 + 2
    assert summary["left_text"].startswith(
        "Left for the next run: 1 play that changed meanwhile. Not archived: 2 plays"
    )


def test_a_dry_run_says_what_would_go_and_what_that_frees() -> None:
    assert told([], dry_run=True) == [
        "Dry run: nothing was written. 2,000 plays of 2 users before 2021-11-01 would be archived, "
        "which frees about 4 MB."
    ]


def test_a_run_with_nothing_to_do_says_so() -> None:
    summary = summarise_archive(replace(FOUND, plays=0), [], unfit=0, problems=[], dry_run=False)
    assert summary["text"] == ["Nothing to archive: MongoDB has no play older than 2021-11-01 that can be."]


def test_a_restore_says_what_is_back() -> None:
    assert summarise_restore([ARCHIVE], [ARCHIVE], problems=[], dry_run=False)["text"] == [
        "Back in MongoDB: 1,000 plays of 1 archive, whose files stay."
    ]


@pytest.mark.parametrize(
    ("state", "dry_run", "left"), [(State.RESTORED, False, 0), (State.REMOVED, False, 1), (State.REMOVED, True, 0)]
)
def test_archives_that_were_to_come_back_and_did_not_are_left(state: State, dry_run: bool, left: int) -> None:
    summary = summarise_restore([replace(ARCHIVE, state=state)], [], problems=[], dry_run=dry_run)
    assert summary["left"] == left
