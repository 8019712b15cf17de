"""A file of some more plays of a history that is there already."""

from __future__ import annotations

import csv
from collections import deque
from pathlib import Path

MORE_ROWS = 1_000


def write_more_plays(path: Path) -> Path:
    """Write a file beside another: its last rows, each played a millisecond longer, which makes them other plays."""
    more = path.with_name(f"more-{path.name}")
    with path.open(encoding="utf-8", newline="") as history, more.open("w", encoding="utf-8", newline="") as text:
        rows = csv.DictReader(history)
        last = deque(rows, maxlen=MORE_ROWS)
        writer = csv.DictWriter(text, rows.fieldnames or ())
        writer.writeheader()
        writer.writerows(row | {"ms_played_x": str(int(row["ms_played_x"]) + 1)} for row in last)
    return more
