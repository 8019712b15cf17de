"""The contract of summaries: what reports write, pages and notices read."""

from __future__ import annotations

import pytest

from echotune.run_summary import RunSummary, left_in_summary


def test_what_is_left_is_added_up_and_told() -> None:
    assert left_in_summary([(3, "3 rows did not load."), (2, "2 slices are not done.")]) == {
        "left": 5,
        "left_text": "3 rows did not load. 2 slices are not done.",
    }


def test_what_is_not_left_is_not_told() -> None:
    assert left_in_summary([(0, "0 rows did not load.")]) == {"left": 0, "left_text": None}


def test_a_summary_is_read_as_it_was_written() -> None:
    returned = {"text": ["done"], **left_in_summary([(1, "1 is left.")]), "counts": {"rows": 7}}
    assert RunSummary.of(returned) == RunSummary(text=("done",), left=1, left_text="1 is left.")


@pytest.mark.parametrize("returned", [None, [], {}, {"text": None, "left": None}])
def test_a_run_that_came_to_no_summary_has_nothing_to_tell(returned: object) -> None:
    assert RunSummary.of(returned) == RunSummary()
