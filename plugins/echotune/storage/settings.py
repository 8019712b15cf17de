"""What a person chooses for the storage report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from echotune.storage.errors import StorageError
from echotune.storage.plans import limit_named, read_plans


class StorageSettings(BaseModel):
    """The settings of a storage report.

    :param mongodb_plan: a plan of include/storage/plans.json, a number of bytes, ``none``, or nothing: as last time
    :param postgresql_plan: likewise
    :param archive_older_than_years: for plays of what age the report says what archiving them would free
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mongodb_plan: str = ""
    postgresql_plan: str = ""
    archive_older_than_years: Annotated[int, Field(ge=1, le=100)] = 3

    @property
    def plans(self) -> dict[str, str]:
        """What was named, by system."""
        return {"mongodb": self.mongodb_plan.strip(), "postgresql": self.postgresql_plan.strip()}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises StorageError: naming each setting that is wrong and what it may be
        """
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            problems = [f"{problem['loc'][0]} is {problem['input']!r}: {problem['msg']}" for problem in error.errors()]
            raise StorageError("; ".join(problems)) from None
        for system, named in settings.plans.items():
            limit_named(named, system, read_plans())
        return settings
