"""Rows that did not load, as they are described and kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from echotune.history.chunks import Chunk
from echotune.history.errors import CellError
from echotune.history.privacy import PersonalData, PersonalDataPolicy
from echotune.history.records import Record
from echotune.history.rejected import RejectedRow, keep_rejected, reject
from echotune.history.store import HistoryStore
from tests.support.rows import csv_text, row

NOW = datetime(2024, 1, 1, tzinfo=UTC)
PERSONAL = {"ip_addr_decrypted": "203.0.113.7", "user_agent_decrypted": "Spotify/8.4.9 Android/23"}
CHUNK = Chunk(
    path="h.csv",
    file="h.csv",
    sha256="0" * 64,
    index=0,
    first_row=1,
    rows=9,
    offset=0,
    length=1,
    content_sha256="1" * 64,
)


def rejected(cells: list[str] | None, raw: str = "", policy: str = "drop") -> RejectedRow:
    return reject(
        row=5,
        error=CellError(column="Energy", reason="is not a number"),
        record=Record(raw.encode()),
        cells=cells,
        personal_data=PersonalData(policy=PersonalDataPolicy(policy), key=b"key"),
    )


def raw_of(cells: list[str]) -> str:
    return csv_text([cells]).splitlines()[1]


def test_a_rejected_row_tells_row_column_and_reason() -> None:
    assert str(rejected(row())) == "row 5: Energy is not a number"


def test_a_row_that_is_broken_as_a_whole_tells_so() -> None:
    assert (
        str(RejectedRow(row=5, column="", reason="has 3 cells, not 57", raw="")) == "row 5: the row has 3 cells, not 57"
    )


def test_drop_empties_the_personal_cells() -> None:
    assert rejected(row(PERSONAL)).raw == raw_of(row())


def test_keep_leaves_the_personal_cells() -> None:
    assert rejected(row(PERSONAL), policy="keep").raw == raw_of(row(PERSONAL))


def test_hash_puts_the_hash_into_the_personal_cells() -> None:
    raw = rejected(row(PERSONAL), policy="hash").raw
    assert len(raw) == len(raw_of(row())) + 2 * 64


def test_bytes_that_are_not_utf8_are_told_as_escapes() -> None:
    raw = reject(
        row=5,
        error=CellError(column="", reason="is not UTF-8 at byte 4"),
        record=Record(b"caf\xe9,x\r\n"),
        cells=None,
        personal_data=PersonalData(policy=PersonalDataPolicy.DROP),
    ).raw
    assert raw == "caf\\xe9,x"


def test_of_an_endless_row_the_beginning_is_kept() -> None:
    assert len(rejected(None, "5 " * 100_000).raw) == 65_536


def test_a_row_without_a_column_at_fault_has_no_such_field(store: HistoryStore) -> None:
    keep_rejected(store, CHUNK, [RejectedRow(row=5, column="", reason="has 3 cells", raw="a,b,c")], now=NOW)
    kept = store.rejected_rows.find_one()
    assert kept is not None
    assert "column" not in kept


@pytest.mark.parametrize("rows", [[5], [5, 6]])
def test_a_row_is_kept_once_however_often_it_comes(store: HistoryStore, rows: list[int]) -> None:
    for _ in range(2):
        keep_rejected(
            store, CHUNK, [RejectedRow(row=number, column="", reason="is bad", raw="a") for number in rows], now=NOW
        )
    assert sorted(kept["source"]["row"] for kept in store.rejected_rows.find()) == rows
