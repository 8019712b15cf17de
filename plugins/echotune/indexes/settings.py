"""What a person chooses for the maintenance of indexes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class IndexesError(Exception):
    """A setting or a declaration cannot be meant; the message says what it may be."""


class MaintenanceSettings(BaseModel):
    """The settings of one maintenance of indexes.

    :param dry_run: plan and tell, change nothing
    :param hide_after_days: days without use after which an index that nobody declared is hidden (MongoDB)
    :param drop_after_days: days hidden after which it is dropped
    :param manage_undeclared: hide and drop what nobody declared; False: only tell
    :param shard: shard the plays of a sharded cluster when they outgrow a size
    :param shard_above_gigabytes: that size, in GB of 10**9 bytes of data
    :param reindex_above_bloat: share of an index (0 to 1) that is wasted above which it is rebuilt (PostgreSQL)
    :param reindex_above_mebibytes: smaller indexes are never rebuilt for their bloat
    :param lock_timeout_milliseconds: how long one attempt waits for a lock
    :param lock_attempts: how many attempts there are
    :param statement_timeout_minutes: how long one statement may take
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dry_run: bool = False
    hide_after_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    drop_after_days: Annotated[int, Field(ge=1, le=3_650)] = 30
    manage_undeclared: bool = True
    shard: bool = False
    shard_above_gigabytes: Annotated[float, Field(ge=0, le=100_000)] = 32
    reindex_above_bloat: Annotated[float, Field(gt=0, le=1)] = 0.3
    reindex_above_mebibytes: Annotated[int, Field(ge=0, le=1_000_000)] = 10
    lock_timeout_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 500
    lock_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    statement_timeout_minutes: Annotated[int, Field(ge=1, le=1_440)] = 60

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises IndexesError: naming each setting that is wrong and what it may be
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = [f"{problem['loc'][0]} is {problem['input']!r}: {problem['msg']}" for problem in error.errors()]
            raise IndexesError("; ".join(problems)) from None
