"""Rows of a listening history and the files they are written to."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from local.sample import HEADER

URI = "spotify:track:0000000000000000000001"

USUAL = {
    "spotify_track_uri": URI,
    "ts_x": "2017-04-04 06:32:04+00:00",
    "username": "anna",
    "platform": "Android OS 6.0.1 API 23 (OnePlus, ONE E1003)",
    "ms_played_x": "84834",
    "conn_country": "NL",
    "master_metadata_track_name_x": "Bohemian",
    "master_metadata_album_artist_name_x": "Quartet",
    "master_metadata_album_album_name_x": "Opera Night",
    "reason_start": "trackdone",
    "reason_end": "fwdbtn",
    "shuffle": "False",
    "skipped": "True",
    "offline": "False",
}


def row(cells: Mapping[str, str] | None = None, /, **more: str) -> list[str]:
    """A play's 57 cells: a usual one, but for the cells given by column name."""
    given = USUAL | dict(cells or {}) | more
    unknown = given.keys() - set(HEADER)
    assert not unknown, f"no such columns: {unknown}"
    return [given.get(name, "") for name in HEADER]


def rows(count: int, *, start: int = 0) -> list[list[str]]:
    """Different plays: each lasted a millisecond longer than the one before."""
    return [row(ms_played_x=str(1000 + number)) for number in range(start, start + count)]


def track_uri(number: int) -> str:
    return f"spotify:track:{number:022d}"


def csv_text(rows: Iterable[Sequence[str]], *, header: Sequence[str] = HEADER, line_end: str = "\n") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(
    path: Path, rows: Iterable[Sequence[str]], *, header: Sequence[str] = HEADER, line_end: str = "\n"
) -> Path:
    """Write a history; gzipped where the name ends in .gz."""
    content = csv_text(rows, header=header, line_end=line_end).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read_csv(path: Path) -> list[list[str]]:
    """The rows below the header, as Python's csv module reads them."""
    with path.open(encoding="utf-8-sig", newline="") as text:
        return [cells for cells in csv.reader(text) if cells][1:]
