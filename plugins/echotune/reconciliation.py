"""Two numbers that must agree, and what is said where they are not. Loads and syncs are proved with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class NotReconciled(Exception):
    """Numbers that must agree do not: rows were lost or doubled, or the data changed meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One comparison.

    :param what: what is counted, for a person
    :param expected: the number on the side that is right by definition
    :param found: the number on the side that is checked
    :param at_least: whether more than expected is right as well
    """

    what: str
    expected: int
    found: int
    at_least: bool = False

    @property
    def passed(self) -> bool:
        """Whether both numbers agree."""
        return self.expected == self.found or (self.at_least and self.found > self.expected)

    def __str__(self) -> str:
        verdict = "right" if self.passed else f"OFF BY {self.found - self.expected:+,}"
        expected = f"at least {self.expected:,}" if self.at_least else f"{self.expected:,}"
        return f"{self.what}: expected {expected}, found {self.found:,}: {verdict}"


def require_equal(checks: Sequence[Check]) -> None:
    """:raises NotReconciled: naming each comparison that failed"""
    failed = [str(check) for check in checks if not check.passed]
    if failed:
        raise NotReconciled("; ".join(failed))
