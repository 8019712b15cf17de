"""Who is to be forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from echotune.forgetting.errors import ForgettingError


class ForgetSettings(BaseModel):
    """The settings of one run.

    :param username: the user of the listening history, letter by letter
    :param confirmation: the same once more
    :param dry_run: count only
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    username: Annotated[str, Field(min_length=1)]
    confirmation: str = ""
    dry_run: bool = False

    @model_validator(mode="after")
    def check_confirmation(self) -> Self:
        """Refuse what nobody meant."""
        if self.confirmation != self.username:
            raise ValueError("confirmation is not the username: type the same name twice. Nothing was touched")
        return self

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises ForgettingError: a setting is wrong; the message repeats no name
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ForgettingError("; ".join(map(_problem, error.errors()))) from None


def _problem(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{problem['loc'][0]}: {message}" if problem["loc"] else message
