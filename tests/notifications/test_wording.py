"""What of an error leaves the house."""

from __future__ import annotations

import pytest

from echotune.notifications.wording import LONGEST_LINE, error_line, without_personal_data


def test_of_an_error_only_its_first_line_is_told() -> None:
    assert error_line(ValueError("the file is cut off\nDETAIL: row 17 of anna")) == "the file is cut off"


def test_an_error_without_words_is_told_by_its_kind() -> None:
    assert error_line(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            "batch op errors occurred, full error: {'writeErrors': [{'op': {'user': 'anna'}}]}",
            "batch op errors occurred",
        ),
        ("E11000 duplicate key error dup key: { user: 7 }", "E11000 duplicate key error"),
        (
            "127.0.0.1:27017: refused (configured timeouts: connectTimeoutMS: 20s), Timeout: 30s",
            "127.0.0.1:27017: refused",
        ),
    ],
)
def test_documents_and_lists_of_servers_that_drivers_append_are_cut_off(error: str, line: str) -> None:
    assert error_line(ValueError(error)) == line


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "username is 'anna.m', and none of the 7 rows is of that user",
            "username is '…', and none of the 7 rows is of that user",
        ),
        ('invalid input syntax for type uuid: "anna"', 'invalid input syntax for type uuid: "…"'),
        (
            "s3://archive/user=anna%20m/year=2014/plays-1.parquet is not what was written",
            "s3://archive/user=…/year=2014/plays-1.parquet is not what was written",
        ),
        ("nobody may write to anna@example.org", "nobody may write to …"),
        ("the archive's file isn't there", "the archive's file isn't there"),
        ("127.0.0.1:27017: connection refused", "127.0.0.1:27017: connection refused"),
    ],
)
def test_values_and_names_of_users_are_not_told(line: str, told: str) -> None:
    assert without_personal_data(line) == told


def test_a_line_has_an_end() -> None:
    assert len(error_line(ValueError("x" * 10_000))) == LONGEST_LINE
