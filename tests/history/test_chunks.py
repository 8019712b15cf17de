"""Chunks: a file cut at record boundaries, and put together again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.history.chunks import Chunk, open_chunk, plan_chunks
from echotune.history.errors import HistoryError
from echotune.history.preflight import inspect_file
from echotune.history.records import read_cells
from echotune.history.source import HistoryFile
from local.sample import HEADER, write_sample
from tests.support.cells import hard_rows
from tests.support.loading import numbered_rows
from tests.support.rows import csv_text, read_csv, row, rows, write_csv

ROWS = st.lists(hard_rows(), min_size=1, max_size=7)
MARKS = st.sampled_from(["", "\ufeff"])


def plan(path: Path, chunk_rows: int) -> list[Chunk]:
    return list(plan_chunks(path, inspect_file(HistoryFile(path=path)), chunk_rows=chunk_rows))


def read(path: Path, chunk: Chunk) -> list[tuple[int, list[str]]]:
    return [(number, read_cells(record)) for number, record in numbered_rows(path, chunk)]


def read_all(path: Path, chunk_rows: int) -> list[tuple[int, list[str]]]:
    return [numbered for chunk in plan(path, chunk_rows) for numbered in read(path, chunk)]


@given(ROWS, st.integers(1, 9), MARKS, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(0, 2))
def test_chunks_of_any_size_are_together_the_rows_of_the_file(
    tmp_path: Path, rows: list[list[str]], chunk_rows: int, mark: str, line_end: str, last_line_ends: bool, blanks: int
) -> None:
    path = tmp_path / "history.csv"
    text = mark + csv_text(rows, line_end=line_end).replace(line_end, line_end * (1 + blanks), 1)
    path.write_bytes((text if last_line_ends else text.removesuffix(line_end)).encode())
    assert read_all(path, chunk_rows) == list(enumerate(read_csv(path), start=1))


@given(ROWS, st.integers(1, 9))
def test_a_chunk_has_as_many_rows_as_asked_for(tmp_path: Path, rows: list[list[str]], chunk_rows: int) -> None:
    chunks = plan(write_csv(tmp_path / "history.csv", rows), chunk_rows)
    whole, rest = divmod(len(rows), chunk_rows)
    assert [chunk.rows for chunk in chunks] == [chunk_rows] * whole + [rest] * bool(rest)


def test_a_chunk_knows_its_place(tmp_path: Path) -> None:
    chunks = plan(write_csv(tmp_path / "history.csv", rows(7)), 3)
    assert [(chunk.index, chunk.first_row, chunk.rows) for chunk in chunks] == [(0, 1, 3), (1, 4, 3), (2, 7, 1)]


@pytest.mark.parametrize("stray", ['"', 'a"b', '"a"b'])
@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 100])
def test_plan_and_load_agree_on_the_rows_after_a_stray_quote(tmp_path: Path, stray: str, chunk_rows: int) -> None:
    path = write_csv(tmp_path / "history.csv", [row(reason_end=word) for word in ("one", "STRAY", "three", "four")])
    path.write_text(path.read_text().replace("STRAY", stray))
    found = [number for chunk in plan(path, chunk_rows) for number, _ in numbered_rows(path, chunk)]
    assert found == [1, 2, 3, 4]


def test_a_file_that_grew_keeps_its_earlier_chunks(tmp_path: Path) -> None:
    before = plan(write_csv(tmp_path / "history.csv", rows(9)), 3)
    after = plan(write_csv(tmp_path / "history.csv", rows(14)), 3)
    assert [chunk.content_sha256 for chunk in after[:3]] == [chunk.content_sha256 for chunk in before]


def test_a_changed_row_changes_its_chunk_only(tmp_path: Path) -> None:
    before = plan(write_csv(tmp_path / "history.csv", rows(9)), 3)
    changed = [*rows(4), row(ms_played_x="5"), *rows(4, start=5)]
    after = plan(write_csv(tmp_path / "history.csv", changed), 3)
    same = [old.content_sha256 == new.content_sha256 for old, new in zip(before, after, strict=True)]
    assert same == [True, False, True]


@pytest.mark.parametrize("change", ["longer", "shorter", "other"])
def test_a_file_that_changed_after_the_plan_is_an_error(tmp_path: Path, change: str) -> None:
    path = write_csv(tmp_path / "history.csv", rows(6))
    last = plan(path, 3)[-1]
    changed = {"longer": [row(platform="x" * 99), *rows(6)], "shorter": rows(4), "other": rows(6, start=3)}[change]
    write_csv(path, changed)
    with pytest.raises(HistoryError, match="history.csv was changed while it was loaded: start the load again"):
        numbered_rows(path, last)


def test_a_gzipped_file_is_cut_as_the_plain_one(tmp_path: Path) -> None:
    write_sample(tmp_path / "history.csv", rows=500, seed=3)
    write_sample(tmp_path / "history.csv.gz", rows=500, seed=3)
    plain, packed = (plan(tmp_path / name, 90) for name in ("history.csv", "history.csv.gz"))
    assert [(chunk.offset, chunk.content_sha256) for chunk in packed] == [
        (chunk.offset, chunk.content_sha256) for chunk in plain
    ]


def test_a_gzipped_file_reads_as_the_plain_one(tmp_path: Path) -> None:
    write_sample(tmp_path / "history.csv", rows=500, seed=3)
    write_sample(tmp_path / "history.csv.gz", rows=500, seed=3)
    assert read_all(tmp_path / "history.csv.gz", 90) == read_all(tmp_path / "history.csv", 90)


def test_a_reader_gives_cells_in_the_order_of_the_columns(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "history.csv", [list(reversed(row()))], header=list(reversed(HEADER)))
    (chunk,) = plan(path, 10)
    ((_, record),) = numbered_rows(path, chunk)
    with open_chunk(path, chunk) as reader:
        assert list(reader.read_play(record).cells) == row()
