"""What a person chooses for statistics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from echotune.statistics.errors import StatisticsError


def check_zone(name: str) -> str:
    """:raises ValueError: there is no time zone of that name"""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"{name!r} is no time zone: give a name such as Europe/Amsterdam") from None
    return name


def read_zones(value: Any) -> Any:
    """Take an object as JSON as well: that is how a template gives it."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from None


Zone = Annotated[str, AfterValidator(check_zone)]


class StatisticsSettings(BaseModel):
    """The settings of one refresh.

    :param time_zone: by whose clock days, months, years and hours are told; an IANA name
    :param time_zones: the zones of users who have another, by username
    :param session_pause_minutes: a play that starts so long after the last ended begins a new session
    :param full_refresh: count everyone anew, not only users whose plays changed
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: Zone = "UTC"
    time_zones: Annotated[dict[str, Zone], BeforeValidator(read_zones)] = {}
    session_pause_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30
    full_refresh: bool = False

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises StatisticsError: naming each setting that is wrong and what it may be
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].removeprefix('Value error, ')}"
                for problem in error.errors()
            ]
            raise StatisticsError("; ".join(problems)) from None

    def zone_of(self, username: str) -> str:
        """The time zone of a user."""
        return self.time_zones.get(username, self.time_zone)
