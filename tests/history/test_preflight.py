"""What is looked at before the first row."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from echotune.history.errors import HistoryError
from echotune.history.header import header_problem
from echotune.history.preflight import InspectedFile, check_room, inspect_file
from echotune.history.source import HistoryFile, find_files
from echotune.history.store import HistoryStore
from local.sample import HEADER
from tests.support.rows import csv_text, rows, write_csv

TEXT = csv_text(rows(3))


def complaint(tmp_path: Path, content: bytes, name: str = "history.csv") -> str:
    """What is said of a file; the name of the file is part of it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(HistoryError) as caught:
        inspect_file(HistoryFile(path=path))
    assert name in str(caught.value)
    return str(caught.value)


def with_header(columns: Sequence[str]) -> bytes:
    return (",".join(columns) + "\n" + ",".join("x" * len(columns)) + "\n").encode()


@pytest.mark.parametrize("name", ["history.csv", "history.csv.gz"])
def test_a_right_file_is_told_by_name_size_and_fingerprint(tmp_path: Path, name: str) -> None:
    path = write_csv(tmp_path / name, rows(3))
    content = path.read_bytes()
    assert inspect_file(HistoryFile(path=path)) == InspectedFile(
        path=str(path),
        name=name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        compressed=name.endswith(".gz"),
    )


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.removesuffix("\n").encode(),
        TEXT.replace(",".join(HEADER), ",".join(f'"{name}"' for name in HEADER)).encode(),
        TEXT.replace("\n", "\n\n\n", 1).encode(),
    ],
    ids=["plain", "marked as UTF-8", "CRLF", "no final newline", "quoted header", "blank lines"],
)
def test_a_history_written_by_any_program_is_right(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    assert inspect_file(HistoryFile(path=path)).size == len(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n" + TEXT.encode(), "starts with an empty line"),
        (csv_text([]).encode(), "has a header and no row"),
        (csv_text([]).encode() + b"\n\r\n", "has a header and no row"),
        (TEXT.encode("utf-16"), "is written in UTF-16: save it as UTF-8"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "is written in UTF-16: save it as UTF-8"),
        (TEXT.encode("utf-16-le"), "is written in UTF-16: save it as UTF-8"),
        (TEXT.encode("utf-16-be"), "is written in UTF-16: save it as UTF-8"),
        (TEXT.replace("Label", "Étiquette").encode("latin-1"), "is not UTF-8 .byte [0-9]+ of its first line"),
        (TEXT.replace(",", ";").encode(), "its columns are separated by semicolons: save it with commas"),
        (TEXT.replace(",", "\t").encode(), "its columns are separated by tabs: save it with commas"),
        (TEXT.replace(",", "|").encode(), "its columns are separated by bars: save it with commas"),
        (csv_text([]).replace(",", '";"').encode().join([b'"', b'"\n1;2\n']), "separated by semicolons"),
        (TEXT.split("\n", 1)[1].encode(), "its first line is not a header"),
        (b"{}\n[]\n", "should be a JSON list of records, and a single object is in it"),
        (b"x" * 200_000, "its first line is not a header"),
        (TEXT.replace("\n", "\r").encode(), "line"),
    ],
    ids=[
        "empty",
        "empty first line",
        "header only",
        "header and blank lines",
        "UTF-16 with mark",
        "UTF-16 BE with mark",
        "UTF-16 LE",
        "UTF-16 BE",
        "Latin-1 header",
        "semicolons",
        "tabs",
        "bars",
        "quoted semicolons",
        "no header",
        "JSON",
        "one long line",
        "lines that end in CR",
    ],
)
def test_a_wrong_file_is_named_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    assert re.search(reason, complaint(tmp_path, content))


def test_a_file_that_only_begins_like_a_zip_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "my_data.zip"
    path.write_bytes(b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(256)))
    with pytest.raises(HistoryError, match="my_data.zip is damaged inside its compression"):
        find_files(path)


def test_a_header_of_56_columns_names_the_missing_one(tmp_path: Path) -> None:
    said = complaint(tmp_path, with_header([name for name in HEADER if name != "Label"]))
    assert "missing: 'Label'" in said


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    said = complaint(tmp_path, with_header([*HEADER, "Mood"]))
    assert "unknown: 'Mood'" in said


def test_a_doubled_column_is_named(tmp_path: Path) -> None:
    said = complaint(tmp_path, with_header([*HEADER, "Energy"]))
    assert "doubled: 'Energy'" in said


def test_a_column_of_another_name_is_missing_and_unknown(tmp_path: Path) -> None:
    said = complaint(tmp_path, with_header(["ts" if name == "ts_x" else name for name in HEADER]))
    assert "missing: 'ts_x'; unknown: 'ts'" in said


def test_of_many_missing_columns_some_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    said = complaint(tmp_path, with_header(HEADER[:16]))
    assert "'track_id'" in said
    assert "and 33 more" in said


def test_columns_in_another_order_are_right() -> None:
    assert header_problem(list(reversed(HEADER))) is None


def test_a_cut_off_file_is_named(tmp_path: Path) -> None:
    content = write_csv(tmp_path / "whole.csv.gz", rows(3)).read_bytes()
    assert "cut off or damaged" in complaint(tmp_path, content[:60], "history.csv.gz")


def inspected(size: int, *, compressed: bool = False) -> InspectedFile:
    return InspectedFile(path="h.csv", name="h.csv", size=size, sha256="0" * 64, compressed=compressed)


def test_a_small_file_has_room(store: HistoryStore) -> None:
    assert (check_room(store, [inspected(1000)]) or 0) > 0


def test_files_that_do_not_fit_are_an_error_with_both_sizes(store: HistoryStore) -> None:
    with pytest.raises(HistoryError, match="has [0-9,]+ MiB free and these files need about [0-9,]+ MiB"):
        check_room(store, [inspected(10**17), inspected(10**17)])


def test_a_gzipped_file_needs_more_room_than_its_size(store: HistoryStore) -> None:
    free = check_room(store, [inspected(1000)])
    assert free is not None
    with pytest.raises(HistoryError, match="make room or load fewer files"):
        check_room(store, [inspected(free // 4, compressed=True)])


SECRET = "hunter2-of-the-machine"


@pytest.mark.parametrize(
    "content",
    [
        f"root:{SECRET}:0:0:root:/root:/bin/bash\ndaemon:{SECRET}:1:1\n",
        f"MONGODB_URI=mongodb://me:{SECRET}@host/\n",
        f"{SECRET}\n",
        f"user,password\nroot,{SECRET}\n",
        f'{{"private_key": "{SECRET}"}}\n',
        f'[{{"password": "{SECRET}"}}]\n',
        f'[{{"{SECRET}": 1}}]\n',
        f'["{SECRET}"]\n',
        f'[{SECRET}, {{"a": {SECRET}]\n',
        f"\0\1{SECRET}\n",
        f"\ufeff{SECRET}\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_of_a_file_that_is_no_history_nothing_is_repeated(tmp_path: Path, content: str, packed: bool) -> None:
    """Who may start a load names any file that the worker may read."""
    written = gzip.compress(content.encode()) if packed else content.encode()
    assert "hunter2" not in complaint(tmp_path, written, "passwd")
