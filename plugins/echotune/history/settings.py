"""What a person chooses for a load."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from echotune.history.errors import HistoryError
from echotune.history.privacy import PersonalDataPolicy


class BadRowAction(StrEnum):
    """What a load does with a row that does not fit: put it aside and go on, or stop."""

    QUARANTINE = "quarantine"
    STOP = "stop"


def read_time(value: Any) -> Any:
    """Take empty text for no time: a template gives it."""
    return None if value == "" else value


class LoadSettings(BaseModel):
    """The settings of one load.

    :param username: load this user's plays only; empty for every user's
    :param pii_policy: what becomes of IP addresses and user agents
    :param chunk_rows: rows a chunk
    :param on_bad_row: put a bad row into ``rejected_rows`` and go on, or stop at it
    :param max_bad_share: the share of a file's rows (0 to 1) above which a load stops even in quarantine
    :param dry_run: read, check and count everything, write nothing
    :param begun_at: when the load was asked for: users who were forgotten since are left out; None: each step's start
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    username: str = ""
    pii_policy: PersonalDataPolicy = PersonalDataPolicy.DROP
    chunk_rows: Annotated[int, Field(ge=1, le=5_000_000)] = 100_000
    on_bad_row: BadRowAction = BadRowAction.QUARANTINE
    max_bad_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    dry_run: bool = False
    begun_at: Annotated[AwareDatetime | None, BeforeValidator(read_time)] = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises HistoryError: naming each setting that is wrong and what it may be
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = [f"{problem['loc'][0]} is {problem['input']!r}: {problem['msg']}" for problem in error.errors()]
            raise HistoryError("; ".join(problems)) from None
