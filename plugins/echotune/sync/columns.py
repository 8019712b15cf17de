"""Columns of synced tables, and their types."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Document = dict[str, Any]
"""A document as :class:`echotune.sync.source.SyncSource` reads it, with a table's projection."""

Row = tuple[Any, ...]
"""The values of a table's columns, then of those that are only staged, in order."""


class ColumnType(StrEnum):
    """The types of PostgreSQL that synced columns have, as SQL writes them."""

    UUID = "uuid"
    TEXT = "text"
    SMALLINT = "smallint"
    INTEGER = "integer"
    BIGINT = "bigint"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamptz"
    DATE = "date"
    NUMBER = "double precision"
    TEXTS = "text[]"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a synced table."""

    name: str
    type: ColumnType
