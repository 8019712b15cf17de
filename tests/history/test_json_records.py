"""A JSON list cut into its records: all the bytes, and each record once, however the bytes arrive."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.history.errors import HistoryError
from echotune.history.json_records import read_blocks, read_opening, split_json_records
from echotune.history.records import Record

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
RECORDS = st.lists(st.dictionaries(st.text(max_size=8), SCALARS, max_size=4), max_size=6)


def split(content: bytes, block: int = 7) -> list[Record]:
    blocks = [content[start : start + block] for start in range(0, len(content), block)]
    return list(split_json_records(blocks))


def behind_opening(records: Any, indent: int | None = None) -> bytes:
    return json.dumps(records, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass").removeprefix(b"[")


@given(RECORDS, st.sampled_from([None, 0, 2]), st.integers(min_value=1, max_value=40))
def test_records_come_as_they_were_written_whatever_the_blocks(
    records: list[dict[str, Any]], indent: int | None, block: int
) -> None:
    content = behind_opening(records, indent)
    found = split(content, block)
    assert [record.fields for record in found if not record.is_blank] == records
    assert b"".join(record.raw for record in found) == content


@given(st.binary(max_size=80), st.integers(min_value=1, max_value=30))
def test_no_byte_is_lost_of_what_is_no_json(content: bytes, block: int) -> None:
    assert b"".join(record.raw for record in split(content, block)) == content


def test_damage_costs_the_record_it_is_in() -> None:
    found = split(b'{"a": 1}, {"b": nonsense}, {"c": 3}]')
    assert [record.fields for record in found if record.fields] == [{"a": 1}, {"c": 3}]
    assert [record.problem for record in found if record.problem] == ["is not JSON: Expecting value"]


def test_a_file_that_is_cut_off_loses_its_last_record_only() -> None:
    found = split(b'{"a": 1}, {"b": "x')
    assert found[0].fields == {"a": 1}
    assert found[1].problem is not None


def test_what_follows_the_list_is_not_lost() -> None:
    found = split(b'{"a": 1}] [{"b": 2}]')
    assert found[-1].problem == "stands behind the end of the list"


def test_a_value_that_is_no_record_is_told() -> None:
    assert [record.problem for record in split(b"12345678901, 2]")][:2] == ["is not a record of fields"] * 2


def test_a_depth_that_no_record_has_is_told() -> None:
    assert "more than 100 levels" in (split(b'{"a":' * 100_000, 4096)[0].problem or "")


@pytest.mark.parametrize("levels", [101, 400, 5_000])
def test_a_record_of_more_levels_costs_itself_only(levels: int) -> None:
    found = split(b'{"a":' * levels + b"1" + b"}" * levels + b', {"b": 2}]', 4096)
    assert [(one.problem is None, one.fields) for one in found[:2]] == [(False, None), (True, {"b": 2})]


def test_a_record_of_some_levels_is_read() -> None:
    fields = split(b'{"a":' * 100 + b"1" + b"}" * 100 + b"]")[0].fields
    assert json.dumps(fields) == '{"a": ' * 100 + "1" + "}" * 100


@pytest.mark.parametrize("top", [b"[", b" \n[", b"\xef\xbb\xbf[", b"\xef\xbb\xbf\n ["])
def test_the_opening_ends_at_the_bracket(top: bytes) -> None:
    stream = io.BytesIO(top + b"{}]")
    assert read_opening(stream, file="a.json") == len(top) == stream.tell()


@pytest.mark.parametrize("content", [b"", b"{}", b"   ", b'"text"', b"\xef\xbb", b"\xef\xbb\xbf{}"])
def test_what_is_no_list_is_named(content: bytes) -> None:
    with pytest.raises(HistoryError, match=r"^a\.json "):
        read_opening(io.BytesIO(content), file="a.json")


def test_blocks_end_where_they_are_asked_to() -> None:
    assert b"".join(read_blocks(io.BytesIO(b"0123456789"), 4)) == b"0123"
