"""A history in object storage, read through Airflow's ObjectStoragePath."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from uuid import uuid4

import fsspec
import pytest
from airflow.sdk.io.store import attach

from echotune.history.chunks import plan_chunks
from echotune.history.errors import HistoryError
from echotune.history.preflight import inspect_file
from echotune.history.records import read_cells
from echotune.history.source import HistoryFile, find_files, open_history, split_pattern
from echotune.operators.history_path import history_path
from echotune.resources import PROJECT
from tests.support.loading import numbered_rows
from tests.support.rows import csv_text, rows

ROWS = rows(5)
TEXT = csv_text(ROWS)


@pytest.fixture
def bucket() -> Iterator[str]:
    """A bucket in fsspec's memory, with two histories and a note."""
    name = uuid4().hex
    memory = fsspec.filesystem("memory")
    attach("memory", fs=memory)
    for path in ("b.csv", "a.csv", "notes.txt"):
        memory.pipe(f"/{name}/{path}", TEXT.encode())
    memory.pipe(f"/{name}/packed/c.csv.gz", gzip.compress(TEXT.encode()))
    yield f"memory://{name}"
    memory.rm(f"/{name}", recursive=True)


def found(source: str) -> list[str]:
    base, pattern = split_pattern(source)
    return [file.name for file in find_files(history_path(base), pattern)]


def test_a_file_is_found(bucket: str) -> None:
    assert found(f"{bucket}/a.csv") == ["a.csv"]


def test_a_folder_stands_for_its_histories(bucket: str) -> None:
    assert found(bucket) == ["a.csv", "b.csv"]


def test_a_pattern_stands_for_the_files_it_matches(bucket: str) -> None:
    assert found(f"{bucket}/[a]*.csv") == ["a.csv"]


def test_a_missing_file_is_named(bucket: str) -> None:
    with pytest.raises(HistoryError, match="gone.csv does not exist"):
        found(f"{bucket}/gone.csv")


def test_a_file_is_inspected(bucket: str) -> None:
    file = inspect_file(HistoryFile(path=history_path(f"{bucket}/a.csv")))
    assert (file.name, file.size) == ("a.csv", len(TEXT.encode()))


def test_the_path_of_an_inspected_file_leads_to_it_again(bucket: str) -> None:
    file = inspect_file(HistoryFile(path=history_path(f"{bucket}/a.csv")))
    with open_history(HistoryFile(path=history_path(file.path))) as stream:
        assert stream.read() == TEXT.encode()


@pytest.mark.parametrize("name", ["a.csv", "packed/c.csv.gz"])
def test_a_file_is_cut_into_chunks_and_read(bucket: str, name: str) -> None:
    path = history_path(f"{bucket}/{name}")
    chunks = list(plan_chunks(path, inspect_file(HistoryFile(path=path)), chunk_rows=2))
    assert [read_cells(record) for chunk in chunks for _, record in numbered_rows(path, chunk)] == ROWS


def test_a_relative_path_starts_at_the_project() -> None:
    assert history_path("include/data") == PROJECT / "include" / "data"


@pytest.mark.parametrize("source", ["/data/h.csv", "file:///data/h.csv"])
def test_a_local_path_is_a_plain_path(source: str) -> None:
    assert str(history_path(source)) == "/data/h.csv"
