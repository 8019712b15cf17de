"""The identity of a play."""

from __future__ import annotations

from uuid import UUID

import pytest

from echotune.history.identity import play_id
from local.sample import HEADER
from tests.support.cells import DECIMALS, IDENTIFYING, SIGNED, WHOLE
from tests.support.rows import row
from tests.support.shaping import shape

OTHER_CELLS = {"ts_x": "2017-04-04 06:32:05+00:00", "shuffle": "True", "skipped": "False", "offline": "True"}
DETAILS = [name for name in HEADER if name not in IDENTIFYING]


def id_of(cells: list[str], *, file: str = "history.csv", number: int = 1) -> UUID:
    return UUID(str(shape(cells, file=file, number=number)["_id"]))


def another_cell(name: str) -> str:
    if name in WHOLE | SIGNED | DECIMALS:
        return "1"
    return {"ts_y": "2017-04-04 06:32:05+00:00"}.get(name, "True")


def test_the_id_of_a_known_play_never_changes() -> None:
    assert id_of(row()) == UUID("728590e3-4c25-5d54-a964-5249dc9e27b5")


def test_the_id_of_known_cells_never_changes() -> None:
    assert bytes(play_id(["a", "", "ü"])).hex() == "b9cb9cbb9d61548796848e0e467693c1"


@pytest.mark.parametrize("name", IDENTIFYING)
def test_the_id_rests_on_each_column_of_the_play(name: str) -> None:
    changed = OTHER_CELLS.get(name, "99")
    assert id_of(row({name: changed})) != id_of(row())


@pytest.mark.parametrize("name", [name for name in IDENTIFYING if name not in ("ts_x", "username", "ms_played_x")])
def test_an_empty_cell_is_another_play(name: str) -> None:
    assert id_of(row({name: ""})) != id_of(row())


@pytest.mark.parametrize("name", DETAILS)
def test_the_id_rests_on_no_other_column(name: str) -> None:
    assert id_of(row({name: another_cell(name)})) == id_of(row())


def test_the_id_rests_on_neither_file_nor_row() -> None:
    assert id_of(row(), file="other.csv", number=7) == id_of(row())


@pytest.mark.parametrize(
    "spelling",
    [
        {"shuffle": "false", "skipped": "TRUE"},
        {"ms_played_x": "84834.0"},
        {"ts_x": "2017-04-04T06:32:04Z"},
        {"ts_x": "2017-04-04 06:32:04"},
        {"ts_x": "2017-04-04 08:32:04+02:00"},
    ],
)
def test_another_spelling_is_the_same_play(spelling: dict[str, str]) -> None:
    assert id_of(row(spelling)) == id_of(row())


def test_text_does_not_flow_from_one_cell_into_the_next() -> None:
    first = id_of(row(reason_start="click", reason_end="row"))
    assert first != id_of(row(reason_start="clickrow", reason_end=""))
