"""Writes a sample file and says what is in it."""

from __future__ import annotations

import csv
import gzip
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from local.sample.columns import HEADER
from local.sample.damage import bad_rows as plan_bad_rows
from local.sample.damage import spoiled
from local.sample.rows import sample_rows

_URI = HEADER.index("spotify_track_uri")
_TIMESTAMP = HEADER.index("ts_x")
_USERNAME = HEADER.index("username")
_ARTIST = HEADER.index("master_metadata_album_artist_name_x")


@dataclass(frozen=True, slots=True)
class SampleFacts:
    """What a written file holds, counted before any row was spoiled; `size_bytes` is its size on disk."""

    rows: int
    bad_rows: int
    tracks: int
    artists: int
    users: int
    first_year: int
    last_year: int
    size_bytes: int

    def __str__(self) -> str:
        """The facts on one line."""
        bad = f" ({self.bad_rows:,} of them bad)" if self.bad_rows else ""
        return (
            f"{self.rows:,} rows{bad}, {self.tracks:,} tracks, {self.artists:,} artists, {self.users:,} user(s), "
            f"{self.first_year}-{self.last_year}, {self.size_bytes:,} bytes"
        )


def write_sample(
    path: str | os.PathLike[str], *, rows: int, users: int = 1, seed: int = 0, bad_rows: int = 0
) -> SampleFacts:
    """Writes a sample to `path`, gzipped if the name ends in .gz, and returns what is in it.

    The file appears whole or not at all. The same arguments give the same bytes on every machine;
    of a gzipped file that holds for the content, as zlib versions pack differently.
    """
    target = Path(path)
    bad = plan_bad_rows(rows=rows, count=bad_rows, seed=seed)
    tally = _Tally()
    good = tally.counting(sample_rows(rows=rows, users=users, seed=seed))
    with _replacing(target) as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(spoiled(good, bad))
    return tally.facts(len(bad), target.stat().st_size)


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    tracks: set[str] = field(default_factory=set)
    artists: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    years: set[str] = field(default_factory=set)

    def counting(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        for row in rows:
            self.rows += 1
            self.users.add(row[_USERNAME])
            self.years.add(row[_TIMESTAMP][:4])
            if row[_URI]:
                self.tracks.add(row[_URI])
                self.artists.add(row[_ARTIST])
            yield row

    def facts(self, bad_rows: int, size_bytes: int) -> SampleFacts:
        return SampleFacts(
            rows=self.rows,
            bad_rows=bad_rows,
            tracks=len(self.tracks),
            artists=len(self.artists),
            users=len(self.users),
            first_year=int(min(self.years)),
            last_year=int(max(self.years)),
            size_bytes=size_bytes,
        )


@contextmanager
def _replacing(target: Path) -> Iterator[TextIO]:
    """A text file that takes the place of `target` once it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with _text_file(partial, packed=target.suffix == ".gz") as text:
            yield text
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _text_file(path: Path, *, packed: bool) -> Iterator[TextIO]:
    if not packed:
        with path.open("w", encoding="utf-8", newline="") as text:
            yield text
        return
    # No name and no time in the gzip header: both would make equal samples differ.
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as stream,
        io.TextIOWrapper(stream, encoding="utf-8", newline="") as text,
    ):
        yield text
