"""A number that stands for a row, computed alike by PostgreSQL of what it holds and here of what MongoDB says.

The bytes of a row are those that PostgreSQL itself sends of it in binary (``record_send``): how many columns there are,
and of each its type, its length and its value, so that no two rows have the same bytes. The row's checksum is the first
8 bytes of their SHA-256, as a signed number. Rows are compared by their count and by the sum of their checksums, for
which their order does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from struct import Struct
from typing import Any
from uuid import UUID

from psycopg import adapters, sql

from echotune.resources import read_sql
from echotune.sync.tables import Column, ColumnType, Row

Encoder = Callable[[Any], bytes]
"""Takes a value that is not null, returns what is sent of it: its type, its length, itself."""

FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
FIRST_DAY = date(2000, 1, 1).toordinal()
"""PostgreSQL counts microseconds and days from here."""

NULL_LENGTH = -1
CHECKSUM_BYTES = 8

HEAD = Struct(">Ii")
LENGTH = Struct(">i")
ARRAY_HEAD = Struct(">iiIii")
EMPTY_ARRAY = Struct(">iiI")


def row_checksum(columns: Sequence[Column]) -> Callable[[Row], int]:
    """Return what computes the checksum of a row; values behind the columns are left out."""
    count = LENGTH.pack(len(columns))
    encoders = [(ENCODERS[column.type], HEAD.pack(type_number(column.type), NULL_LENGTH)) for column in columns]

    def checksum(row: Row) -> int:
        sent = [null if value is None else encode(value) for (encode, null), value in zip(encoders, row, strict=False)]
        digest = sha256(count + b"".join(sent)).digest()
        return int.from_bytes(digest[:CHECKSUM_BYTES], signed=True)

    return checksum


def checksum_expression(columns: Sequence[Column]) -> sql.Composed:
    """Return the same as SQL, of a row that is called ``found``."""
    values = sql.SQL(", ").join(_sent(column) for column in columns)
    return sql.SQL(read_sql("reconcile/checksum.sql")).format(values=values)


def type_number(type_: ColumnType) -> int:
    """The number by which PostgreSQL knows a type."""
    element, array, _ = type_.partition("[]")
    info = adapters.types[element]
    return info.array_oid if array else info.oid


def _sent(column: Column) -> sql.Composed:
    name = sql.Identifier("found", column.name)
    # -0.0 and 0.0 are equal to PostgreSQL, and are sent as different bytes.
    return sql.SQL("{} + 0::double precision" if column.type is ColumnType.NUMBER else "{}").format(name)


def _fixed(type_: ColumnType, form: str, value: Callable[[Any], Any]) -> Encoder:
    """How values of one length are sent."""
    layout = Struct(f"{HEAD.format}{form}")
    number, length = type_number(type_), layout.size - HEAD.size

    def encode(found: Any) -> bytes:
        return layout.pack(number, length, value(found))

    return encode


def _text() -> Encoder:
    number = type_number(ColumnType.TEXT)
    # Most texts are short: their heads are made once.
    heads = [HEAD.pack(number, length) for length in range(256)]

    def encode(found: str) -> bytes:
        sent = found.encode()
        length = len(sent)
        return (heads[length] if length < len(heads) else HEAD.pack(number, length)) + sent

    return encode


def _texts() -> Encoder:
    number, element = type_number(ColumnType.TEXTS), type_number(ColumnType.TEXT)

    def encode(found: Sequence[str]) -> bytes:
        texts = [text.encode() for text in found]
        # One dimension, without nulls, counted from 1.
        head = ARRAY_HEAD.pack(1, 0, element, len(texts), 1) if texts else EMPTY_ARRAY.pack(0, 0, element)
        sent = head + b"".join([LENGTH.pack(len(text)) + text for text in texts])
        return HEAD.pack(number, len(sent)) + sent

    return encode


def _flag() -> Encoder:
    number = type_number(ColumnType.BOOLEAN)
    return {value: HEAD.pack(number, 1) + bytes([value]) for value in (False, True)}.__getitem__


def _microseconds(moment: datetime) -> int:
    passed = moment - FIRST_MOMENT
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def _bytes(value: UUID) -> bytes:
    return value.bytes


def _days(day: date) -> int:
    return day.toordinal() - FIRST_DAY


ENCODERS: Mapping[ColumnType, Encoder] = {
    ColumnType.UUID: _fixed(ColumnType.UUID, "16s", _bytes),
    ColumnType.TEXT: _text(),
    ColumnType.SMALLINT: _fixed(ColumnType.SMALLINT, "h", int),
    ColumnType.INTEGER: _fixed(ColumnType.INTEGER, "i", int),
    ColumnType.BIGINT: _fixed(ColumnType.BIGINT, "q", int),
    ColumnType.BOOLEAN: _flag(),
    ColumnType.TIMESTAMP: _fixed(ColumnType.TIMESTAMP, "q", _microseconds),
    ColumnType.DATE: _fixed(ColumnType.DATE, "i", _days),
    ColumnType.NUMBER: _fixed(ColumnType.NUMBER, "d", lambda number: number + 0.0),
    ColumnType.TEXTS: _texts(),
}
