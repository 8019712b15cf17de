"""What a panel answers: numbers, that there are none yet, or that they cannot be had now; and when they were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Whether there are numbers."""

    OK = "ok"
    EMPTY = "empty"
    UNAVAILABLE = "unavailable"


class NothingThereError(Exception):
    """There is nothing to show yet; the message says which DAG to run."""


class UnavailableError(Exception):
    """A system does not answer; the message names it and the setting to look at, and holds no secret."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The numbers of one panel.

    :param data: as JSON; None unless the state is ``ok``
    :param reason: a sentence for a person where the state is another one
    :param as_of: when the numbers were read
    """

    state: State
    data: Any = None
    reason: str | None = None
    as_of: datetime = field(default_factory=lambda: datetime.now(UTC))

    def as_document(self, panel: str) -> dict[str, Any]:
        """The fields as the page reads them."""
        return {
            "panel": panel,
            "state": self.state.value,
            "reason": self.reason,
            "as_of": self.as_of.isoformat(),
            "data": self.data,
        }
