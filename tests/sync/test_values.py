"""The rules by which values of MongoDB become values of PostgreSQL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from bson.datetime_ms import DatetimeMS
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.objectid import ObjectId
from hypothesis import given
from hypothesis import strategies as st

from echotune.sync.errors import UnfitValue
from echotune.sync.values import (
    Reader,
    day,
    flag,
    key,
    moment,
    number,
    precision,
    required,
    section,
    text,
    texts,
    time_of_play,
    whole_number,
)

THEN = datetime(2024, 2, 29, 12, tzinfo=UTC)
whole_16, whole_32, whole_64 = whole_number(16), whole_number(32), whole_number(64)

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | st.datetimes(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (text, "Beyoncé", "Beyoncé"),
        (text, "", ""),
        (text, "a\0b", "a\ufffdb"),
        (text, 1999, "1999"),
        (text, True, "true"),
        (text, ["alone"], "alone"),
        (text, Decimal128("1.50"), "1.50"),
        (key, "a" * 255, "a" * 255),
        (whole_16, 32_767, 32_767),
        (whole_32, Int64(7), 7),
        (whole_32, 7.0, 7),
        (whole_32, " -7 ", -7),
        (whole_32, Decimal128("7.00"), 7),
        (whole_64, 2**63 - 1, 2**63 - 1),
        (number, 1, 1.0),
        (number, "-6.5", -6.5),
        (number, Decimal128("0.25"), 0.25),
        (number, float("nan"), None),
        (number, float("-inf"), None),
        (flag, True, True),
        (flag, 0, False),
        (flag, 1.0, True),
        (flag, "False", False),
        (moment, THEN, THEN),
        (day, "1999", date(1999, 1, 1)),
        (precision, "1999", "year"),
        (day, "1999-12", date(1999, 12, 1)),
        (precision, "1999-12", "month"),
        (day, "1999-12-31", date(1999, 12, 31)),
        (precision, "1999-12-31", "day"),
        (day, 1999, date(1999, 1, 1)),
        (day, THEN, date(2024, 2, 29)),
        (precision, THEN, "day"),
        (day, "0000", None),
        (precision, "0000", None),
        (day, "", None),
        (texts, ["pop", None, 80], ["pop", "80"]),
        (texts, "pop", ["pop"]),
        (texts, [], None),
        (section, None, {}),
        (section, {"name": "a"}, {"name": "a"}),
    ],
)
def test_a_value_is_coerced_by_its_rule(read: Reader, value: Any, expected: Any) -> None:
    found = read("a.field", value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (text, {"name": "a"}),
        (text, []),
        (text, ["a", "b"]),
        (text, [["a"]]),
        (text, ObjectId()),
        (text, b"a"),
        (key, ""),
        (key, "a" * 256),
        (whole_16, 32_768),
        (whole_32, 2**31),
        (whole_32, -(2**31) - 1),
        (whole_32, True),
        (whole_32, 7.5),
        (whole_32, float("nan")),
        (whole_32, "seven"),
        (whole_64, 1e300),
        (whole_64, Decimal128("1E+6000")),
        (whole_64, Decimal128("sNaN")),
        (number, True),
        (number, "fast"),
        (number, [1.0]),
        (flag, 2),
        (flag, "yes"),
        (flag, [True]),
        (moment, DatetimeMS(2**62)),
        (moment, "2024-02-29"),
        (time_of_play, datetime(1899, 12, 31, tzinfo=UTC)),
        (time_of_play, datetime(2200, 1, 1, tzinfo=UTC)),
        (time_of_play, None),
        (day, "1999-02-30"),
        (day, "yesterday"),
        (day, "99"),
        (texts, ["a", {"b": 1}]),
        (section, []),
        (section, "a"),
    ],
)
def test_what_no_rule_coerces_is_unfit_and_named(read: Reader, value: Any) -> None:
    with pytest.raises(UnfitValue, match=r"^a\.field is "):
        read("a.field", value)


def test_a_required_value_must_be_there() -> None:
    assert required(key)("a.field", "a") == "a"
    with pytest.raises(UnfitValue, match="is missing"):
        required(key)("a.field", None)


@given(value=anything)
@pytest.mark.parametrize(
    "read", [text, key, whole_16, whole_32, whole_64, number, flag, moment, day, precision, texts, section]
)
def test_any_value_is_read_or_unfit_and_nothing_else_happens(read: Reader, value: Any) -> None:
    try:
        found = str(read("field", value))
    except UnfitValue as error:
        found = str(error)
    assert "\0" not in found or read is section
