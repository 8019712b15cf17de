"""What a person chooses for a sync."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from echotune.sync.errors import SyncError
from echotune.sync.tables import TABLE_NAMES


def split_list(value: Any) -> Any:
    """Take a list as text as well: a template gives ``a, b``."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def read_time(value: Any) -> Any:
    """Take a day or a time without a zone for one in UTC, and empty text for none."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return value
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def in_utc(moment: datetime | None) -> datetime | None:
    """:raises ValueError: in UTC it is no time that a database holds"""
    try:
        return moment and moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is not a time between the years 1 and 9999") from None


class SyncSettings(BaseModel):
    """The settings of one sync.

    :param tables: what to copy
    :param since: copy documents changed since then; None: since the last sync
    :param full_refresh: copy all documents, changed or not
    :param verify_only: copy nothing; count and compare both sides
    :param repair: copy again what differs, and remove what is gone in MongoDB
    :param max_deleted_share: the share of a table's rows (0 to 1) above which nothing is removed and the run stops
    :param read_preference: which member of MongoDB's replica set is read
    :param plays_a_slice: the most plays that one task copies, a month of more apart
    :param safety_window_minutes: how far before the last sync it is looked for documents that were written late
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tables: Annotated[tuple[str, ...], BeforeValidator(split_list)] = TABLE_NAMES
    since: Annotated[AwareDatetime | None, BeforeValidator(read_time), AfterValidator(in_utc)] = None
    full_refresh: bool = False
    verify_only: bool = False
    repair: bool = True
    max_deleted_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    read_preference: Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"] = "primary"
    plays_a_slice: Annotated[int, Field(ge=1, le=5_000_000)] = 125_000
    safety_window_minutes: Annotated[int, Field(ge=0, le=525_600)] = 60

    @field_validator("tables")
    @classmethod
    def check_tables(cls, tables: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse tables that are none, and put the others into the order in which they refer to each other."""
        unknown = [name for name in tables if name not in TABLE_NAMES]
        if unknown or not tables:
            raise ValueError(f"name one or more of {', '.join(TABLE_NAMES)}")
        return tuple(name for name in TABLE_NAMES if name in tables)

    @model_validator(mode="after")
    def check_since(self) -> Self:
        """Refuse what cannot be meant."""
        if self.since and self.full_refresh:
            raise ValueError("full_refresh copies all documents: leave since empty, or full_refresh off")
        return self

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises SyncError: naming each setting that is wrong and what it may be
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SyncError("; ".join(map(_problem, error.errors()))) from None


def _problem(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{problem['loc'][0]} is {problem['input']!r}: {message}" if problem["loc"] else message
