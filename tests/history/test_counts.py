"""What became of the rows of a load."""

from __future__ import annotations

from echotune.history.counts import LoadCounts

COUNTS = LoadCounts(rows=21, inserted=6, already_there=5, repeats=4, rejected=3, other_users=3)


def test_the_fate_of_every_row_adds_up() -> None:
    assert COUNTS.accounted == 21


def test_counts_add_up_field_by_field() -> None:
    assert LoadCounts.total([COUNTS, COUNTS]) == LoadCounts(
        rows=42, inserted=12, already_there=10, repeats=8, rejected=6, other_users=6
    )


def test_the_total_of_no_counts_is_nothing() -> None:
    assert LoadCounts.total([]) == LoadCounts()


def test_what_a_skipped_chunk_inserted_is_already_there() -> None:
    skipped = COUNTS.as_skipped()
    assert (skipped.inserted, skipped.already_there, skipped.accounted) == (0, 11, 21)
