"""What a person reads at the end of a load."""

from __future__ import annotations

import pytest

from echotune.history.counts import LoadCounts
from echotune.history.plan import FilePlan
from echotune.history.preflight import InspectedFile
from echotune.history.report import file_line, headline, summarise, what_is_left

FILE = InspectedFile(path="/data/h.csv", name="h.csv", size=1, sha256="0" * 64, compressed=False)
COUNTS = LoadCounts(rows=12_000, inserted=11_990, repeats=7, rejected=3)


def plan(done_chunks: int = 0) -> FilePlan:
    return FilePlan(file=FILE, rows=12_000, done_chunks=done_chunks, done=LoadCounts())


@pytest.mark.parametrize(
    ("counts", "dry_run", "sentence"),
    [
        (COUNTS, False, "11,990 new plays from 12,000 rows."),
        (COUNTS, True, "Dry run: nothing was written. 11,990 of 12,000 plays would be new."),
        (
            LoadCounts(rows=10, already_there=9, rejected=1),
            False,
            "Nothing new: the plays of all 9 rows that load were there already.",
        ),
    ],
)
def test_the_headline_says_what_was_done(counts: LoadCounts, dry_run: bool, sentence: str) -> None:
    assert headline(counts, dry_run=dry_run) == sentence


def test_a_file_is_told_with_every_fate_that_occurred() -> None:
    assert file_line(plan(), COUNTS) == "h.csv: 12,000 rows in the file, 11,990 inserted, 7 exact repeats, 3 rejected"


def test_chunks_that_were_skipped_are_told() -> None:
    assert file_line(plan(2), COUNTS).endswith("; 2 chunk(s) known to be done, not read again")


def test_rows_that_did_not_load_are_told_with_where_to_look() -> None:
    assert what_is_left(COUNTS).startswith("3 rows did not load: collection rejected_rows")


def test_where_nothing_is_left_nothing_is_said() -> None:
    assert what_is_left(LoadCounts(rows=1, inserted=1)) == ""


def test_a_summary_has_sentences_for_a_person_and_counts_for_a_program() -> None:
    summary = summarise([(plan(), COUNTS)], {}, {"tracks": 1_234, "artists": 5}, dry_run=False)
    assert summary["text"][0] == "11,990 new plays from 12,000 rows."
    assert "New in the catalog: 1,234 tracks, 5 artists" in summary["text"]
    assert summary["counts"]["inserted"] == 11_990


@pytest.mark.parametrize(("dry_run", "left"), [(False, 3), (True, 0)])
def test_rows_that_did_not_load_are_left_unless_nothing_was_to_load(dry_run: bool, left: int) -> None:
    summary = summarise([(plan(), COUNTS)], {}, {}, dry_run=dry_run)
    assert summary["left"] == left
    assert summary["left_text"] == (what_is_left(COUNTS) if left else None)


def test_a_summary_adds_the_files_up() -> None:
    summary = summarise([(plan(), COUNTS), (plan(), COUNTS)], {}, {}, dry_run=False)
    assert summary["counts"]["rows"] == 24_000


def test_a_summary_of_no_file_is_a_sentence_too() -> None:
    assert summarise([], {}, {}, dry_run=False)["text"] != []
