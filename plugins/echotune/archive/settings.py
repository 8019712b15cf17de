"""What a person chooses for archiving and for restoring."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from echotune.archive.errors import ArchiveError
from echotune.storage.months import years_before

TARGET_VARIABLE = "echotune_archive_target"
"""The Airflow variable that names the target of the runs that nobody triggers."""


def split_names(value: Any) -> Any:
    """Take a list as lines as well: a template gives one name a line."""
    return [line.strip() for line in value.splitlines() if line.strip()] if isinstance(value, str) else value


def read_target(value: Any) -> Any:
    """Refuse no target at all, and leave out a last slash."""
    if isinstance(value, str) and not value.strip():
        raise ValueError(
            "name a folder or an address such as s3://bucket/archive, as target of the run or, for the monthly "
            f"runs, as the Airflow variable {TARGET_VARIABLE}"
        )
    return value.strip().rstrip("/") or "/" if isinstance(value, str) else value


def read_year(value: Any) -> Any:
    """Take empty text for none."""
    return None if isinstance(value, str) and not value.strip() else value


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises ArchiveError: naming each setting that is wrong and what it may be
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ArchiveError("; ".join(map(_problem, error.errors()))) from None


class ArchiveSettings(_Settings):
    """The settings of one run of the archive.

    :param older_than_years: plays before the month that was so many years ago are archived
    :param target: the folder or address below which the files are written
    :param usernames: whose plays; none: everyone's
    :param dry_run: say what would be archived, and write nothing
    :param plays_a_task: the most plays that one task archives, a year of one user of more apart
    """

    older_than_years: Annotated[int, Field(ge=1, le=100)]
    target: Annotated[str, BeforeValidator(read_target)]
    usernames: Annotated[tuple[str, ...], BeforeValidator(split_names)] = ()
    dry_run: bool = False
    plays_a_task: Annotated[int, Field(ge=1, le=5_000_000)] = 50_000

    def before(self, now: datetime) -> datetime:
        """The first moment that is not archived: the start of a month, so that a month is archived whole."""
        return years_before(now, self.older_than_years).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class RestoreSettings(_Settings):
    """The settings of one restore.

    :param usernames: whose plays; none: everyone's
    :param year: of which year; None: of all
    :param dry_run: say what would be restored, and write nothing
    """

    usernames: Annotated[tuple[str, ...], BeforeValidator(split_names)] = ()
    year: Annotated[Annotated[int, Field(ge=1900, le=2199)] | None, BeforeValidator(read_year)] = None
    dry_run: bool = False


def _problem(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{problem['loc'][0]} is {problem['input']!r}: {message}" if problem["loc"] else message
