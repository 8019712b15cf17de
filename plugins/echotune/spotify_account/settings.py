"""What a person chooses for a run over the listeners' accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from echotune.enrichment.limits import Limits
from echotune.enrichment.settings import split_list
from echotune.spotify_account.errors import AccountError


class AccountSettings(BaseModel):
    """The settings of one run.

    :param users: only these listeners; empty for all who gave their authorization
    :param playlists: whether playlists are brought to PostgreSQL
    :param playlists_after_hours: how long a listener's playlists are not asked for again; 0: in every run
    :param calls_per_30s: the most calls to Spotify in any 30 seconds, by all DAGs together
    :param calls_per_24h: likewise in any 24 hours; more than the enrichment may make, so that plays are never lost
        because it used up the day
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    users: Annotated[tuple[str, ...], BeforeValidator(split_list)] = ()
    playlists: bool = True
    playlists_after_hours: Annotated[int, Field(ge=0, le=720)] = 24
    calls_per_30s: Annotated[int, Field(ge=1, le=10_000)] = 30
    calls_per_24h: Annotated[int, Field(ge=1, le=1_000_000)] = 750

    @property
    def limits(self) -> Limits:
        """How often Spotify may be called."""
        return Limits(calls_per_30s=self.calls_per_30s, calls_per_24h=self.calls_per_24h)

    def chosen(self, listeners: Sequence[str]) -> list[str]:
        """Those of the listeners who are asked for, in their order.

        :raises AccountError: one was asked for who gave no authorization
        """
        if unknown := sorted(set(self.users) - set(listeners)):
            raise AccountError(f"users names {', '.join(unknown)}, who gave no authorization: run `make authorize`")
        return [username for username in listeners if not self.users or username in self.users]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Read settings from values or their text, as templates and forms give them.

        :raises AccountError: naming each setting that is wrong and what it may be
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            problems = [f"{problem['loc'][0]} is {problem['input']!r}: {problem['msg']}" for problem in error.errors()]
            raise AccountError("; ".join(problems)) from None
