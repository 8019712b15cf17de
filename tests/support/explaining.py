"""What explain() says of a query."""

from __future__ import annotations

from typing import Any


def indexes_used(plan: Any) -> set[str]:
    """The names of all indexes in a winning plan."""
    return _found(plan, "indexName")


def stages(plan: Any) -> set[str]:
    """The names of all stages in a winning plan."""
    return _found(plan, "stage")


def _found(plan: Any, field: str) -> set[str]:
    if isinstance(plan, list):
        return {name for part in plan for name in _found(part, field)}
    if not isinstance(plan, dict):
        return set()
    own = {plan[field]} if field in plan else set()
    return own | {name for part in plan.values() for name in _found(part, field)}
