"""From the text of a cell to a value and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.history.values import (
    BOOLEAN,
    DECIMAL,
    DECIMAL_INTEGER,
    INSTANT,
    INTEGER,
    LIST,
    SIGNED_DECIMAL_INTEGER,
    SPACED_LIST,
    TEXT,
    ValueType,
)

MORNING = datetime(2017, 4, 4, 6, 32, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("type_", "cell", "value"),
    [
        (TEXT, "Null", "Null"),
        (TEXT, " nan ", " nan "),
        (INTEGER, "84834", 84834),
        (INTEGER, "84834.0", 84834),
        (INTEGER, "0", 0),
        (INTEGER, "9007199254740993.00", 9007199254740993),
        (DECIMAL_INTEGER, "3.0", 3),
        (DECIMAL_INTEGER, "3", 3),
        (SIGNED_DECIMAL_INTEGER, "-1.0", -1),
        (DECIMAL, "1.50", 1.5),
        (DECIMAL, "-60", -60.0),
        (BOOLEAN, "True", True),
        (BOOLEAN, "False", False),
        (BOOLEAN, "false", False),
        (BOOLEAN, "TRUE", True),
        (INSTANT, "2017-04-04 06:32:04+00:00", MORNING),
        (INSTANT, "2017-04-04T06:32:04Z", MORNING),
        (INSTANT, "2017-04-04 06:32:04", MORNING),
        (INSTANT, "2017-04-04 08:32:04+02:00", MORNING),
        (LIST, "rock,pop", ["rock", "pop"]),
        (LIST, "rock, pop", ["rock", "pop"]),
        (SPACED_LIST, "Simon\\, Garfunkel, Sting", ["Simon, Garfunkel", "Sting"]),
        (LIST, "one", ["one"]),
    ],
)
def test_a_cell_means_its_value(type_: ValueType, cell: str, value: Any) -> None:
    assert type_.parse(cell) == value


@pytest.mark.parametrize(
    ("type_", "cell", "reason"),
    [
        (INTEGER, "-84834", "is negative"),
        (INTEGER, "3 minutes", "is not a number"),
        (INTEGER, "3.5", "is not a whole number"),
        (INTEGER, "nan", "is not a finite number"),
        (INTEGER, "9" * 30, "is larger than 64 bits"),
        (INTEGER, "9" * 5000, "is not a finite number"),
        (INTEGER, "1_000", "is not a number"),
        (INTEGER, "1e-400", "is not a whole number"),
        (INTEGER, "1e-99999999999999999999", "is not a whole number"),
        (SIGNED_DECIMAL_INTEGER, "C sharp", "is not a number"),
        (DECIMAL, "loud", "is not a number"),
        (DECIMAL, "1_0.5", "is not a number"),
        (DECIMAL, "nan", "is not a finite number"),
        (DECIMAL, "inf", "is not a finite number"),
        (BOOLEAN, "maybe", "is neither True nor False"),
        (BOOLEAN, "1", "is neither True nor False"),
        (INSTANT, "2017-02-30 25:61:00+00:00", "is not a date and time such as 2017-04-04 06:32:04\\+00:00"),
        (INSTANT, "04/04/2017", "is not a date and time such as"),
        (INSTANT, "0001-01-01 00:00:00+14:00", "is not a date between the years 1 and 9999"),
    ],
)
def test_a_cell_that_holds_no_such_value_is_refused_with_the_reason(type_: ValueType, cell: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        type_.parse(cell)


@pytest.mark.parametrize(
    ("type_", "cell"),
    [
        (INTEGER, "84834"),
        (DECIMAL_INTEGER, "84834.0"),
        (SIGNED_DECIMAL_INTEGER, "-1.0"),
        (DECIMAL, "0.643"),
        (BOOLEAN, "True"),
        (INSTANT, "2017-04-04 06:32:04+00:00"),
        (LIST, "rock,pop"),
        (SPACED_LIST, "spotify:artist:1, spotify:artist:2"),
        (SPACED_LIST, "Simon\\, Garfunkel, Sting"),
    ],
)
def test_the_spelling_of_real_files_is_the_canonical_one(type_: ValueType, cell: str) -> None:
    assert type_.write(type_.parse(cell)) == cell


def why_not(type_: ValueType, cell: str) -> str:
    """The reason why a cell is refused, or that it is not."""
    try:
        type_.parse(cell)
    except ValueError as error:
        return str(error)
    return "is accepted"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_decimal_keeps_every_bit(number: float) -> None:
    assert DECIMAL.parse(DECIMAL.write(number)) == number


@given(st.integers(0, 2**63 - 1))
def test_every_integer_of_64_bits_is_exact(number: int) -> None:
    assert INTEGER.parse(str(number)) == number


@given(st.text(max_size=20))
def test_parsing_either_gives_a_value_or_says_why_not(cell: str) -> None:
    types = (INTEGER, DECIMAL_INTEGER, SIGNED_DECIMAL_INTEGER, DECIMAL, BOOLEAN, INSTANT, LIST, SPACED_LIST)
    assert [why for type_ in types if not (why := why_not(type_, cell)).startswith("is ")] == []
