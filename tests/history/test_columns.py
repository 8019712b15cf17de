"""The 57 columns: their names, their order and their places."""

from __future__ import annotations

from echotune.history.columns import COLUMNS, HEADER
from local import sample
from tests.support.cells import IDENTIFYING, PERSONAL, REQUIRED


def test_the_columns_are_those_of_the_combined_file_in_its_order() -> None:
    assert HEADER == sample.HEADER


def test_no_two_columns_share_a_place() -> None:
    assert len({column.path for column in COLUMNS}) == len(COLUMNS)


def test_the_required_columns_are_time_user_and_duration() -> None:
    assert {column.name for column in COLUMNS if column.required} == REQUIRED


def test_address_and_user_agent_are_personal() -> None:
    assert tuple(column.name for column in COLUMNS if column.personal) == PERSONAL


def test_fourteen_columns_tell_plays_apart() -> None:
    assert tuple(column.name for column in COLUMNS if column.identifies_play) == IDENTIFYING
