"""How a file divides into parts: each is one export file of one user, in time order within itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import sqrt

from local.sample.chance import shuffled, stream

HISTORY_START = int(datetime(2010, 9, 14, tzinfo=UTC).timestamp())
HISTORY_END = int(datetime(2024, 9, 13, tzinfo=UTC).timestamp())
ROWS_PER_PART = 12_409
_FEWEST_PARTS = 3
_JOINED_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Part:
    """The plays of one user between two instants; `joined` tells whether a playlist export was joined on."""

    number: int
    user: int
    rows: int
    first_second: int
    last_second: int
    joined: bool


def plan_parts(rows: int, users: int, seed: int) -> list[Part]:
    """The parts in file order, which is no time order."""
    spans = [span for user, share in enumerate(_rows_per_user(rows, users)) for span in _spans(user, share)]
    chance = stream(seed, "parts")
    joined = max(1, round(len(spans) * _JOINED_SHARE))
    flags = shuffled(chance, [index < joined for index in range(len(spans))])
    order = shuffled(chance, spans)
    return [Part(number, *span, flag) for number, (span, flag) in enumerate(zip(order, flags, strict=True))]


def _rows_per_user(rows: int, users: int) -> list[int]:
    """At least one row each; of the rest, the first user has most and the last least."""
    spare = rows - users
    weights = range(users, 0, -1)
    shares = [1 + spare * weight // sum(weights) for weight in weights]
    shares[0] += rows - sum(shares)
    return shares


def _spans(user: int, rows: int) -> list[tuple[int, int, int, int]]:
    """User, rows and first and last second of each part; no two parts of a user share a second."""
    count = min(rows, max(_FEWEST_PARTS, round(rows / ROWS_PER_PART)))
    edges = [_edge(index, count) for index in range(count + 1)]
    sizes = [rows * (index + 1) // count - rows * index // count for index in range(count)]
    return [(user, size, edges[index], edges[index + 1] - 1) for index, size in enumerate(sizes)]


def _edge(index: int, count: int) -> int:
    """Listening grows over the years: equal numbers of plays fill ever shorter spans."""
    return HISTORY_START + int((HISTORY_END - HISTORY_START) * sqrt(index / count))
