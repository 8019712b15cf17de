"""How the text of a cell becomes a value, and the value becomes the text again."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

LARGEST_INTEGER = 2**63 - 1
"""The largest integer a BSON document holds."""


@dataclass(frozen=True, kw_only=True)
class ValueType:
    """A type of cell.

    ``parse`` takes a cell that is not empty and raises ValueError with the reason where it holds no such value.
    ``write`` gives a value's canonical text. A cell written in another way ("1.50" for 1.5) keeps its text in
    the document's ``source.as_written``, so that no cell is lost. ``canonical`` is a pattern of canonical cells,
    for a type whose values take long to write.
    """

    name: str
    parse: Callable[[str], Any]
    write: Callable[[Any], str]
    canonical: re.Pattern[str] | None = None

    def is_canonical(self, cell: str, value: Any) -> bool:
        """Whether a cell that was parsed to a value is just what would be written for it."""
        if self.canonical is not None and self.canonical.fullmatch(cell):
            return True
        return self.write(value) == cell


def parse_integer(cell: str) -> int:
    """Whole numbers from 0 up, also in the form that pandas gives a column with gaps: ``3.0``."""
    number = _parse_whole(cell)
    if number < 0:
        raise ValueError("is negative")
    return number


def parse_signed_integer(cell: str) -> int:
    """Whole numbers, also as ``-1.0``: a key of -1 means that none was detected."""
    return _parse_whole(cell)


def _parse_whole(cell: str) -> int:
    _refuse_underscores(cell)
    try:
        number = int(cell.removesuffix(".0"))
    except ValueError:
        number = _parse_whole_decimal(cell)
    if abs(number) > LARGEST_INTEGER:
        raise ValueError("is larger than 64 bits")
    return number


def _parse_whole_decimal(cell: str) -> int:
    """A whole number such as ``3.00`` or ``1e3``, to its last digit: a float keeps the first 15 only."""
    if abs(parse_decimal(cell)) > LARGEST_INTEGER:
        raise ValueError("is larger than 64 bits")
    try:
        number = Decimal(cell)
    except InvalidOperation:
        raise ValueError("is not a whole number") from None
    if number != number.to_integral_value():
        raise ValueError("is not a whole number")
    return int(number)


def parse_decimal(cell: str) -> float:
    """A finite number.

    :raises ValueError: the cell holds none
    """
    _refuse_underscores(cell)
    try:
        number = float(cell)
    except ValueError:
        raise ValueError("is not a number") from None
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return number


def _refuse_underscores(cell: str) -> None:
    """Python reads ``1_000`` as a number, and nobody else does."""
    if "_" in cell:
        raise ValueError("is not a number")


def write_decimal_integer(number: int) -> str:
    """A whole number as pandas writes it where a column has empty cells: ``3.0``."""
    return f"{number}.0"


BOOLEANS = {"True": True, "False": False, "true": True, "false": False, "TRUE": True, "FALSE": False}


def parse_boolean(cell: str) -> bool:
    """True or False, in the three spellings that exporters use.

    :raises ValueError: the cell is neither
    """
    try:
        return BOOLEANS[cell]
    except KeyError:
        raise ValueError("is neither True nor False") from None


def parse_instant(cell: str) -> datetime:
    """A point in time, in UTC where the cell names no zone, at most to the millisecond that BSON keeps."""
    try:
        instant = datetime.fromisoformat(cell)
    except ValueError:
        raise ValueError("is not a date and time such as 2017-04-04 06:32:04+00:00") from None
    if instant.tzinfo is not UTC:
        instant = _in_utc(instant)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000) if instant.microsecond else instant


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not a date between the years 1 and 9999") from None


UNESCAPED_COMMA = re.compile(r"(?<!\\),\s*")


def parse_list(cell: str) -> list[str]:
    """Split at commas. A comma inside a part is written ``\\,``, as playlist exporters do."""
    return [part.replace("\\,", ",") for part in UNESCAPED_COMMA.split(cell)]


def write_list(parts: list[str]) -> str:
    """Join parts with commas; a comma inside a part is written ``\\,``."""
    return ",".join(part.replace(",", "\\,") for part in parts)


def write_spaced_list(parts: list[str]) -> str:
    """Join parts with a comma and a space; a comma inside a part is written ``\\,``."""
    return ", ".join(part.replace(",", "\\,") for part in parts)


TEXT = ValueType(name="text", parse=str, write=str)
INTEGER = ValueType(name="integer", parse=parse_integer, write=str)
DECIMAL_INTEGER = ValueType(name="integer written 3.0", parse=parse_integer, write=write_decimal_integer)
SIGNED_DECIMAL_INTEGER = ValueType(
    name="signed integer written 3.0", parse=parse_signed_integer, write=write_decimal_integer
)
DECIMAL = ValueType(name="decimal", parse=parse_decimal, write=repr)
BOOLEAN = ValueType(name="True or False", parse=parse_boolean, write=str)
INSTANT = ValueType(
    name="UTC date and time",
    parse=parse_instant,
    write=str,
    canonical=re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\+00:00"),
)
LIST = ValueType(name="list joined by commas", parse=parse_list, write=write_list)
SPACED_LIST = ValueType(name="list joined by a comma and a space", parse=parse_list, write=write_spaced_list)
