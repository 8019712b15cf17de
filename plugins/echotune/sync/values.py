"""How a value of MongoDB becomes one of PostgreSQL.

These are all the rules:

- Absent and null are null. What is required (an id, a play's time, its user's name) and absent is unfit.
- Text: a NUL, which PostgreSQL cannot hold, becomes U+FFFD. A number or a flag becomes its text. A list of one element
  stands for the element. Anything else is unfit. Empty text stays empty.
- A key (a Spotify id, a user name) is a text that is not empty, of at most 255 characters.
- Whole numbers: also from a number with nothing behind its point and from text of digits. What is out of the column's
  range is unfit; a flag is no number.
- Numbers: also from text. What is infinite or not a number is null.
- Flags: true and false, also as 0 and 1 and as text.
- Times: a date of MongoDB. One outside the years 1 to 9999 is unfit; a play's is in the years 1900 to 2199.
- Days: text such as 1999, 1999-12 or 1999-12-31, which stand for the first day, and how precise it is; or a date of
  MongoDB. The year 0000 is null. A day that no calendar has is unfit.
- Lists of texts: a text alone stands for a list of it. Nulls are left out. An empty list is null.
- A section that is neither absent nor an object is unfit.
- A field that no table has stays in MongoDB.

A document with an unfit value is not written: it is named, with the reason, in echotune.rejected_documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from math import isfinite
from typing import Any

from bson.decimal128 import Decimal128

from echotune.sync.columns import ColumnType
from echotune.sync.errors import UnfitValue

NUL, REPLACEMENT = "\0", "\ufffd"
LONGEST_KEY = 255
LONGEST_EXCERPT = 60
LARGEST = 1 << 64
DAYS_KEPT = 16_384
WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,20}")
PARTS_OF_A_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
PRECISIONS = ("year", "month", "day")
FLAGS = {"true": True, "false": False, "1": True, "0": False}
FIRST_PLAY, PLAYS_END = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Reader = Callable[[str, Any], Any]
"""Takes a field's path and its value, returns what PostgreSQL gets."""


def unfit(field: str, value: Any, expected: str) -> UnfitValue:
    """An error that shows the value in short."""
    shown = repr(value)
    shown = shown if len(shown) <= LONGEST_EXCERPT else f"{shown[:LONGEST_EXCERPT]}…"
    return UnfitValue(field=field, reason=f"is {shown}, not {expected}".replace(NUL, REPLACEMENT))


def required(read: Reader) -> Reader:
    """The same rule for a value that must be there."""

    def read_required(field: str, value: Any) -> Any:
        found = read(field, value)
        if found is None:
            raise UnfitValue(field=field, reason="is missing")
        return found

    return read_required


def text(field: str, value: Any) -> str | None:
    """Text, or what stands for it."""
    if type(value) is str:
        return value.replace(NUL, REPLACEMENT) if NUL in value else value
    if value is None:
        return None
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list):
        return text(field, value[0])
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal128):
        return str(value)
    if isinstance(value, str):
        return text(field, str(value))
    raise unfit(field, value, "a text")


def key(field: str, value: Any) -> str | None:
    """Text that others refer to."""
    found = text(field, value)
    if found is not None and not 0 < len(found) <= LONGEST_KEY:
        raise unfit(field, found, f"a text of 1 to {LONGEST_KEY} characters")
    return found


def whole_number(bits: int) -> Reader:
    """The rule for whole numbers of a size."""
    lowest, highest = -(1 << bits - 1), (1 << bits - 1) - 1

    def read(field: str, value: Any) -> int | None:
        if value is None:
            return None
        if isinstance(value, bool):
            raise unfit(field, value, "a whole number")
        found = value if type(value) is int else _whole(value)
        if found is None or not lowest <= found <= highest:
            raise unfit(field, value, f"a whole number from {lowest} to {highest}")
        return found

    return read


def _whole(value: Any) -> int | None:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return int(value) if WHOLE_NUMBER.fullmatch(value.strip()) else None
    found: Any = value.to_decimal() if isinstance(value, Decimal128) else value
    if isinstance(found, Decimal) and not found.is_finite():
        return None
    if not isinstance(found, float | Decimal) or not -LARGEST < found < LARGEST:
        return None
    return int(found) if found == int(found) else None


def number(field: str, value: Any) -> float | None:
    """A number with a point, or null for one that is none."""
    if value is None:
        return None
    if type(value) is float:
        return value if isfinite(value) else None
    if isinstance(value, bool):
        raise unfit(field, value, "a number")
    try:
        found = float(value.to_decimal() if isinstance(value, Decimal128) else value)
    except (TypeError, ValueError, OverflowError, InvalidOperation):
        raise unfit(field, value, "a number") from None
    return found if isfinite(found) else None


def flag(field: str, value: Any) -> bool | None:
    """True or false."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str | int | float) and (found := FLAGS.get(str(_plain(value)).strip().lower())) is not None:
        return found
    raise unfit(field, value, "true or false")


def _plain(value: str | float) -> str | float:
    return int(value) if isinstance(value, float) and value in (0, 1) else value


def moment(field: str, value: Any) -> datetime | None:
    """A time, in UTC."""
    if value is None or isinstance(value, datetime):
        return value
    raise unfit(field, value, "a date of the years 1 to 9999")


def time_of_play(field: str, value: Any) -> datetime:
    """The time of a play: partitions are made for the years they may be in."""
    if isinstance(value, datetime) and FIRST_PLAY.year <= value.year < PLAYS_END.year:
        return value
    if value is None:
        raise UnfitValue(field=field, reason="is missing")
    raise unfit(field, value, "a date of the years 1900 to 2199")


def day(field: str, value: Any) -> date | None:
    """The first day of what is known."""
    return _day(field, value)[0]


def precision(field: str, value: Any) -> str | None:
    """How much of a day is known: the year, the month, or the day."""
    return _day(field, value)[1]


def _day(field: str, value: Any) -> tuple[date | None, str | None]:
    if isinstance(value, datetime):
        return value.date(), PRECISIONS[-1]
    found = _written_day(text(field, value) or "")
    if found is None:
        raise unfit(field, value, "a day such as 1999, 1999-12 or 1999-12-31")
    return found


@lru_cache(maxsize=DAYS_KEPT)
def _written_day(written: str) -> tuple[date | None, str | None] | None:
    match = PARTS_OF_A_DAY.fullmatch(written)
    if match is None:
        return None if written else (None, None)
    parts = [int(part) for part in match.groups() if part]
    year, month, of_month = (*parts, 1, 1)[:3]
    if not year:
        return None, None
    try:
        return date(year, month, of_month), PRECISIONS[len(parts) - 1]
    except ValueError:
        return None


def texts(field: str, value: Any) -> list[str] | None:
    """A list of texts, or null for an empty one."""
    if value is None:
        return None
    parts = value if type(value) is list else [value]
    return [found for part in parts if (found := text(field, part)) is not None] or None


def section(field: str, value: Any) -> Mapping[str, Any]:
    """A part of a document that has fields of its own; an empty one where there is none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise unfit(field, value, "an object")
    return value


READERS: Mapping[ColumnType, Reader] = {
    ColumnType.TEXT: text,
    ColumnType.SMALLINT: whole_number(16),
    ColumnType.INTEGER: whole_number(32),
    ColumnType.BIGINT: whole_number(64),
    ColumnType.BOOLEAN: flag,
    ColumnType.TIMESTAMP: moment,
    ColumnType.DATE: day,
    ColumnType.NUMBER: number,
    ColumnType.TEXTS: texts,
}
"""The rule of each type; ids are made, not read."""
