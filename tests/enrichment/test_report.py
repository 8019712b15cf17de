"""The summary of a run, for a person and for a program."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from echotune.enrichment.progress import Progress
from echotune.enrichment.report import summarise
from echotune.enrichment.settings import Subject

AT = datetime(2026, 11, 23, 20, 31, 12, tzinfo=UTC)
LATER = AT.replace(hour=22)
NOTHING = {"tracks": 0, "plays": 0}


def worker(what: str = "tracks", **progress: Any) -> Progress:
    return Progress(id=what, run="run", what=what, **progress)


def text(*workers: Progress, left: dict[str, int] | None = None, calls_today: int | None = None) -> list[str]:
    told = summarise(workers, {"tracks": 0} if left is None else left, NOTHING, calls_today)["text"]
    assert isinstance(told, list)
    return told


def test_a_run_that_did_everything() -> None:
    assert text(worker(enriched_by={"spotify": 1_200}, calls={"spotify": 24})) == [
        "Catalog of tracks: 1,200 enriched (1,200 from spotify); 0 left.",
        "Calls: 24 to spotify.",
        "Plays: 0 of 0 tracks brought up to date.",
        "Nothing is left.",
    ]


def test_a_run_that_had_nothing_to_do() -> None:
    assert text() == [
        "Catalog of tracks: 0 enriched; 0 left.",
        "Calls: none.",
        "Plays: 0 of 0 tracks brought up to date.",
        "Nothing is left.",
    ]


def test_each_subject_has_a_line_that_says_what_came_from_where() -> None:
    workers = [
        worker("audio_features", enriched_by={"spotify": 3, "reccobeats": 1}, unavailable=2, calls={"reccobeats": 1}),
        worker("audio_features", enriched_by={"reccobeats": 2}, not_found=1, errors=4, cached=5),
        worker("artists", enriched_by={"spotify": 9}),
    ]
    lines = text(*workers, left={"audio_features": 0, "artists": 0, "albums": 0})
    assert lines[:3] == [
        "Audio features of tracks: 6 enriched (3 from reccobeats, 3 from spotify), 1 not found, "
        "2 that no provider has, 4 answered wrongly, to be asked again, 5 of these known from the cache; 0 left.",
        "Catalog of artists: 9 enriched (9 from spotify); 0 left.",
        "Catalog of albums: 0 enriched; 0 left.",
    ]


def test_what_is_left_says_why_and_when_it_goes_on() -> None:
    workers = [
        worker(stopped="too many calls", go_on_at=AT, calls={"spotify": 2}, waited_seconds=61),
        worker(stopped="too many calls", go_on_at=LATER, calls={"spotify": 1}, waited_seconds=2),
        worker("albums", stopped="the day's budget is used up"),
    ]
    lines = text(*workers, left={"tracks": 1_000, "albums": 234}, calls_today=600)
    assert lines[2] == "Calls: 3 to spotify; waited 63 s for leave to call; 600 to Spotify in the past 24 hours."
    assert lines[4:] == [
        "1,234 are left (the day's budget is used up; too many calls): the next run goes on after 2026-11-23 22:31 UTC."
    ]


def test_what_is_left_without_a_time() -> None:
    assert text(left={"tracks": 5})[-1] == "5 are left: the next run goes on."


def test_each_problem_is_a_line_of_its_own_told_once() -> None:
    workers = [worker(problems=["no Premium"]), worker("albums", problems=["no Premium", "a 503"])]
    lines = text(*workers)
    assert lines[-2:] == ["To mend: a 503", "To mend: no Premium"]


def test_plays_that_changed_are_told() -> None:
    summary = summarise([], {"tracks": 0}, {"tracks": 1_234, "plays": 56_789}, None)
    assert "Plays: 56,789 of 1,234 tracks brought up to date." in summary["text"]
    assert summary["embedded"] == {"tracks": 1_234, "plays": 56_789}
    assert "Plays: 0 of 0 tracks brought up to date." in summarise([], {}, {}, None)["text"]


@pytest.mark.parametrize(("due", "told"), [(7, "7 are left: the next run goes on."), (0, None)])
def test_what_is_due_at_the_end_is_left(due: int, told: str | None) -> None:
    summary = summarise([], {"tracks": due}, NOTHING, None)
    assert (summary["left"], summary["left_text"]) == (due, told)


def test_a_program_reads_counts() -> None:
    workers = [worker(enriched_by={"spotify": 3}, not_found=1, calls={"spotify": 2}, problems=["p"], go_on_at=AT)]
    summary = summarise(workers, {"tracks": 7}, NOTHING, None)
    assert summary["counts"] == {
        "tracks": {
            "enriched_by": {"spotify": 3},
            "not_found": 1,
            "unavailable": 0,
            "errors": 0,
            "cached": 0,
            "left": 7,
        }
    }
    assert (summary["calls"], summary["problems"], summary["go_on_at"]) == ({"spotify": 2}, ["p"], AT.isoformat())
    assert json.loads(json.dumps(summary)) == summary, "a task can return it"


@pytest.mark.parametrize("subject", Subject)
def test_every_subject_can_be_told(subject: Subject) -> None:
    assert text(worker(subject, enriched_by={"spotify": 1}), left={subject: 0})[0].endswith(
        ": 1 enriched (1 from spotify); 0 left."
    )
