"""What a person reads at the end of a sync."""

from __future__ import annotations

from datetime import date
from typing import Any

from echotune.sync.counts import SyncCounts
from echotune.sync.report import Outcome, Proof, summarise
from echotune.sync.tables import TABLES

PLAYS, TRACKS = "listening_history", "tracks"


def outcome(**known: Any) -> Outcome:
    nothing: dict[str, Any] = {"tables": {}, "proofs": (), "rejected": {}, "unfinished": 0}
    nothing |= {"repairs": {}, "profiles": None}
    return Outcome(**nothing | known)


def proof(table: str, month: date | None, state: str, *, documents: int = 5, rows: int = 5) -> Proof:
    return Proof(table=table, month=month, documents=documents, rows=rows, state=state)


def test_each_table_says_what_was_read_and_what_became_of_it() -> None:
    plays = SyncCounts(documents=1_200, inserted=1_000, unchanged=199, quarantined=1, seconds=1.25)
    tracks = SyncCounts(documents=3, updated=2, deleted=1, seconds=0.04)
    told = summarise(outcome(tables={PLAYS: plays, TRACKS: tracks}))
    assert told["text"] == [
        "tracks: 3 read; 2 updated, 1 deleted; 0.0 s.",
        "listening_history: 1,200 read; 1,000 inserted, 199 unchanged, 1 quarantined; 1.2 s.",
    ]
    assert told["counts"][PLAYS] == {
        "documents": 1_200,
        "inserted": 1_000,
        "updated": 0,
        "unchanged": 199,
        "deleted": 0,
        "quarantined": 1,
        "seconds": 1.25,
    }
    assert list(told["counts"]) == [TRACKS, PLAYS]
    assert told["problems"] == []


def test_a_run_with_nothing_new_says_so_once() -> None:
    told = summarise(outcome(tables={table.name: SyncCounts() for table in TABLES}))
    assert told["text"] == ["Nothing new in MongoDB since the last sync."]


def test_what_was_proved_is_told_by_table_with_its_months() -> None:
    equal = [proof(PLAYS, date(2014, 3, 1), "equal"), proof(PLAYS, date(2014, 4, 1), "repaired")]
    told = summarise(outcome(proofs=[*equal, proof(TRACKS, None, "equal", rows=1_000)]))
    assert "Proved equal: tracks 1,000, listening_history 10 in 2 months." in told["text"]
    assert "Differed and was repaired: listening_history 2014-04." in told["text"]
    assert told["proved"] == {"equal": 2, "repaired": 1}
    assert told["problems"] == []


def test_what_repairs_wrote_is_told_by_table() -> None:
    told = summarise(outcome(repairs={PLAYS: {"documents": 9, "updated": 1, "deleted": 3}, TRACKS: {"documents": 2}}))
    assert "Repairs of listening_history: 1 updated, 3 deleted." in told["text"]
    assert not any("Repairs of tracks" in line for line in told["text"])


def test_what_differs_is_named_and_what_is_to_mend_comes_last() -> None:
    told = summarise(outcome(proofs=[proof(PLAYS, date(2014, 3, 1), "differs")], problems=["PLAYS differ"]))
    assert told["differs"] == ["listening_history 2014-03"]
    assert told["problems"] == ["PLAYS differ"]
    assert told["text"][-1] == "To mend: PLAYS differ"
    assert not any("Proved equal" in line for line in told["text"])


def test_what_changed_meanwhile_waits_and_is_no_problem() -> None:
    told = summarise(outcome(proofs=[proof(PLAYS, date(2016, 7, 1), "changing")]))
    assert any("listening_history 2016-07" in line and "next run" in line for line in told["text"])
    assert told["problems"] == []


def test_what_waits_is_told() -> None:
    told = summarise(outcome(unfinished=2, rejected={PLAYS: 3, TRACKS: 0}))
    assert "2 slices are not done: the next run takes up what is left." in told["text"]
    assert "In quarantine, see echotune.rejected_documents: 3 of listening_history." in told["text"]


def test_slices_documents_and_months_that_wait_are_left() -> None:
    proofs = [proof(PLAYS, date(2016, 7, 1), "changing"), proof(PLAYS, date(2016, 8, 1), "differs")]
    told = summarise(outcome(unfinished=2, rejected={PLAYS: 3}, proofs=proofs))
    assert told["left"] == 2 + 3 + 1 + 1
    assert "Differs: listening_history 2016-08." in told["left_text"]
    assert "2 slices are not done" in told["left_text"]


def test_where_both_sides_are_equal_nothing_is_left() -> None:
    told = summarise(outcome(proofs=[proof(PLAYS, date(2016, 7, 1), "equal")]))
    assert (told["left"], told["left_text"]) == (0, None)


def test_what_came_back_is_told() -> None:
    told = summarise(outcome(profiles={"written": 2, "removed": 0}))
    assert "Preferences and playlists to MongoDB: 2 written." in told["text"]
    assert "Preferences and playlists to MongoDB: nothing new." in summarise(outcome(profiles={}))["text"]


def test_a_run_that_only_verifies_says_that_nothing_was_written() -> None:
    told = summarise(outcome(verify_only=True, tables={TRACKS: SyncCounts()}, profiles={"written": 0}))
    assert told["text"] == [
        "Verify only: both sides were compared and nothing was written to them.",
        "Preferences and playlists are the same on both sides.",
    ]


def test_tasks_that_failed_are_a_problem_also_when_nothing_else_is_known() -> None:
    told = summarise(outcome(failed=["sync", "sync_back"]))
    assert told["text"] == ["To mend: sync, sync_back failed, see the end of the log"]
