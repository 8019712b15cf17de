"""Where histories are read from."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from echotune.history.errors import HistoryError
from echotune.history.source import HistoryFile, find_files, open_history, split_pattern
from tests.support.rows import rows, write_csv

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything: tests of rights run as a user who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def closed_to_others(path: Path) -> Iterator[None]:
    """A path that nobody may read, in folders that everybody may enter."""
    for folder in [parent for parent in path.parents if parent.owner() == path.owner() and parent != Path("/")]:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    mode = path.stat().st_mode
    path.chmod(0)
    with as_nobody():
        yield
    path.chmod(mode)


def names(base: Path, pattern: str = "") -> list[str]:
    return [str(Path(str(file.path)).relative_to(base)) for file in find_files(base, pattern)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.csv", "a.csv", "c.csv.gz", "notes.txt", "2019.csv"):
        write_csv(tmp_path / name, rows(1))
    (tmp_path / "folder.csv").mkdir()
    write_csv(tmp_path / "folder.csv" / "inner.csv", rows(1))
    return tmp_path


def test_a_file_is_itself(folder: Path) -> None:
    assert find_files(folder / "a.csv") == [HistoryFile(path=folder / "a.csv")]


def test_a_folder_stands_for_its_histories_sorted(folder: Path) -> None:
    assert names(folder) == ["2019.csv", "a.csv", "b.csv", "c.csv.gz"]


def test_a_folder_named_like_a_file_stands_for_its_histories(folder: Path) -> None:
    assert names(folder / "folder.csv") == ["inner.csv"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("[ab].csv", ["a.csv", "b.csv"]),
        ("20??.csv", ["2019.csv"]),
        ("*.csv.gz", ["c.csv.gz"]),
        ("*.csv", ["2019.csv", "a.csv", "b.csv"]),
        ("*/*.csv", ["folder.csv/inner.csv"]),
        ("**/i*.csv", ["folder.csv/inner.csv"]),
    ],
)
def test_a_pattern_stands_for_the_files_it_matches(folder: Path, pattern: str, found: list[str]) -> None:
    assert names(folder, pattern) == found


@pytest.mark.parametrize(
    ("source", "base", "pattern"),
    [
        ("/data/history.csv", "/data/history.csv", ""),
        ("/data", "/data", ""),
        ("/data/*.csv", "/data", "*.csv"),
        ("/data/20??/part[12].csv", "/data", "20??/part[12].csv"),
        ("include/data/*.csv.gz", "include/data", "*.csv.gz"),
        ("s3://bucket/year=*/h.csv", "s3://bucket", "year=*/h.csv"),
        ("s3://bucket/h.csv", "s3://bucket/h.csv", ""),
    ],
)
def test_a_source_is_split_at_its_first_wildcard(source: str, base: str, pattern: str) -> None:
    assert split_pattern(source) == (base, pattern)


@pytest.mark.parametrize(
    "name",
    ["gone.csv", "gone/history.csv", "a.csv/history.csv"],
    ids=["file", "folder", "below a file"],
)
def test_a_missing_path_is_named(folder: Path, name: str) -> None:
    with pytest.raises(HistoryError, match="does not exist: check the source") as caught:
        find_files(folder / name)
    assert name in str(caught.value)


@pytest.mark.parametrize("pattern", ["*.tsv", "gone/*.csv", "**.tsv"])
def test_a_pattern_without_a_match_is_named(folder: Path, pattern: str) -> None:
    with pytest.raises(HistoryError) as caught:
        find_files(folder, pattern)
    assert pattern in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_path_that_the_system_refuses_is_an_error_with_its_reason(folder: Path) -> None:
    with pytest.raises(HistoryError, match="no such source can be looked for .*File name too long"):
        find_files(folder / ("x" * 300))


def test_a_folder_without_histories_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(HistoryError, match="holds no .csv, no .csv.gz, no .zip and no file of Spotify") as caught:
        find_files(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_folder_that_may_not_be_read_is_named(folder: Path) -> None:
    closed = folder / "folder.csv"
    with closed_to_others(closed), pytest.raises(HistoryError, match="may not be read by this user") as caught:
        find_files(closed)
    assert str(closed) in str(caught.value)


def test_a_file_in_a_folder_that_may_not_be_entered_is_named(folder: Path) -> None:
    closed = folder / "folder.csv"
    with closed_to_others(closed), pytest.raises(HistoryError, match="may not be read by this user") as caught:
        find_files(closed / "inner.csv")
    assert str(closed / "inner.csv") in str(caught.value)


def test_a_file_that_may_not_be_read_is_named(folder: Path) -> None:
    closed = folder / "a.csv"
    with (
        closed_to_others(closed),
        pytest.raises(HistoryError, match="may not be read by this user") as caught,
        open_history(HistoryFile(path=closed)),
    ):
        pass
    assert str(closed) in str(caught.value)


def test_a_folder_is_not_opened(folder: Path) -> None:
    file = HistoryFile(path=folder / "folder.csv")
    with pytest.raises(HistoryError, match="folder.csv is a folder, not a file"), open_history(file):
        pass


def test_a_file_that_vanished_is_named(folder: Path) -> None:
    with pytest.raises(HistoryError, match="gone.csv is gone"), open_history(HistoryFile(path=folder / "gone.csv")):
        pass


@pytest.mark.parametrize("name", ["plain.csv", "packed.csv.gz", "packed though named.csv"])
def test_a_file_is_read_as_its_plain_content(tmp_path: Path, name: str) -> None:
    content = b"some\ncontent\n"
    (tmp_path / name).write_bytes(gzip.compress(content) if "packed" in name else content)
    with open_history(HistoryFile(path=tmp_path / name)) as stream:
        assert stream.read() == content


def test_a_gzipped_file_in_two_members_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "history.csv.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    with open_history(HistoryFile(path=path)) as stream:
        assert stream.read() == b"one\ntwo\n"


def cut_off(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


def damaged(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes(255 - byte for byte in packed[middle : middle + 4]) + packed[middle + 4 :]


def with_another_checksum(packed: bytes) -> bytes:
    return packed[:-8] + b"\0\0\0\0" + packed[-4:]


def with_rubbish_behind(packed: bytes) -> bytes:
    return packed + b"rubbish"


@pytest.mark.parametrize("spoil", [cut_off, damaged, with_another_checksum, with_rubbish_behind])
def test_damaged_compression_is_named(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = write_csv(tmp_path / "history.csv.gz", rows(200))
    path.write_bytes(spoil(path.read_bytes()))
    file = HistoryFile(path=path)
    with pytest.raises(HistoryError, match="cut off or damaged") as caught, open_history(file) as stream:
        stream.read()
    assert "history.csv.gz" in str(caught.value)


def test_a_pattern_leads_down_only(folder: Path) -> None:
    base, pattern = split_pattern(f"{folder}/*/../../*/a.csv")
    with pytest.raises(HistoryError, match="leads out"):
        find_files(Path(base), pattern)
