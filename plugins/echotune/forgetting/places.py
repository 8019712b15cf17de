"""A place: somewhere a user can be found, counted and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Counts = Mapping[str, int]
"""How much there is of the user, by the name of the place. Numbers only: a proof is no copy."""


class Place(Protocol):
    """A system, or a part of one. To count or to remove again is safe at any time."""

    def count(self) -> Counts:
        """How much of the user is there now; each name also where there is nothing."""
        ...

    def remove(self) -> None:
        """Remove what is there, and nothing of anybody else."""
        ...
