"""A sample's plays, each once, and as another source tells them."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from local.sample import HEADER
from tests.support.cells import IDENTIFYING

Cells = Sequence[str]


def cell(cells: Cells, column: str) -> str:
    return cells[HEADER.index(column)]


def distinct(rows: Sequence[Cells]) -> list[Cells]:
    """The plays of a history, each once, the oldest first."""
    places = [HEADER.index(name) for name in IDENTIFYING]
    plays = {tuple(cells[place] for place in places): cells for cells in rows}
    return sorted(plays.values(), key=lambda cells: cell(cells, "ts_x"))


def in_other_words(record: dict[str, Any], chance: Random) -> dict[str, Any]:
    """What Spotify writes differently over the years; the play is the same."""
    if chance.random() < 0.5:
        record["platform"] = "android"
    if chance.random() < 0.3:
        record["ms_played"] += chance.randint(-40, 40) if record["ms_played"] > 40 else 0
    if chance.random() < 0.2:
        record["conn_country"] = "ZZ"
    return record
