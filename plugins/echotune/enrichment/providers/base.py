"""The interface of a provider: ids in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from echotune.enrichment.answers import Answer

Values = dict[str, Any]
"""The fields a provider knows of one track, artist or album, named as in MongoDB; an unknown one is left out."""


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """What a provider said of some ids. An id in none of the three was not answered.

    :param found: the values by id, checked
    :param absent: ids of which the provider truly said that it has nothing
    :param broken: ids whose answer made no sense, with the reason
    :param fetched_at: when the answer for an id was given (aware), where that is not now
    :param refusal: the answer that ended the look-up early; the ids not answered may be asked again later
    """

    found: Mapping[str, Values] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    broken: Mapping[str, str] = field(default_factory=dict)
    fetched_at: Mapping[str, datetime] = field(default_factory=dict)
    refusal: Answer | None = None


class Provider(Protocol):
    """One source of values."""

    @property
    def name(self) -> str:
        """What is written as ``provider`` beside the values."""

    @property
    def batch_size(self) -> int:
        """The most ids one look-up takes. It may shrink when single calls turn out to be all that is allowed."""

    def look_up(self, ids: Sequence[str]) -> Lookup:
        """Ask for some ids, ``batch_size`` at the most. Never raises for what a service answers."""
