"""Bad rows for tests: what no loader may take as a play, at places the seed decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from local.sample.chance import below, stream
from local.sample.columns import HEADER


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to spoil a row: `column` gets `value`; no column means that the row is cut short or grows."""

    name: str
    column: str | None
    value: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A spoiled row; `row` counts data rows from 1, which is its line number in a file without line breaks."""

    row: int
    defect: Defect


DEFECTS = (
    Defect("too few cells", None, ""),
    Defect("impossible date", "ts_x", "2017-02-30 25:61:00+00:00"),
    Defect("negative ms_played", "ms_played_x", "-84834"),
    Defect("NUL byte", "master_metadata_track_name_x", "Zero\0Byte"),
    Defect("number that is none", "Energy", "loud"),
    Defect("empty timestamp", "ts_x", ""),
    Defect("ms_played that is no number", "ms_played_x", "3 minutes"),
    Defect("flag that is none", "shuffle", "maybe"),
    Defect("too many cells", None, "surplus"),
    Defect("empty username", "username", ""),
)
_CELLS_KEPT = 40


def bad_rows(*, rows: int, count: int, seed: int) -> list[BadRow]:
    """The rows that `write_sample(rows=..., bad_rows=count, seed=...)` spoils, in file order.

    Each defect comes up once before one comes up twice.
    """
    if not 0 <= count <= rows:
        raise ValueError(f"the number of bad rows must be between 0 and {rows}, not {count}")
    chance = stream(seed, "damage")
    places: dict[int, Defect] = {}
    while len(places) < count:
        defect = DEFECTS[len(places) % len(DEFECTS)]
        places.setdefault(1 + below(chance, rows), defect)
    return [BadRow(row, places[row]) for row in sorted(places)]


def spoiled(rows: Iterable[list[str]], bad: Iterable[BadRow]) -> Iterator[list[str]]:
    """The rows, with the bad ones spoiled."""
    defects = {entry.row: entry.defect for entry in bad}
    for number, row in enumerate(rows, start=1):
        yield _spoil(row, defects[number]) if number in defects else row


def _spoil(row: list[str], defect: Defect) -> list[str]:
    if defect.column is not None:
        column = HEADER.index(defect.column)
        return [*row[:column], defect.value, *row[column + 1 :]]
    return [*row, defect.value] if defect.value else row[:_CELLS_KEPT]
