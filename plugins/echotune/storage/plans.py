"""What a person's plan allows: include/storage/plans.json, or a number of bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from echotune.resources import INCLUDE
from echotune.storage.errors import StorageError
from echotune.storage.quantities import bytes_text, parse_bytes
from echotune.storage.sizes import Counted

PLANS = INCLUDE / "storage" / "plans.json"
NO_LIMIT = "none"
"""What a person names to have a limit forgotten."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a provider sells.

    :param name: what a person types
    :param system: ``mongodb`` or ``postgresql``
    :param limit: bytes
    :param counts: what the limit is held against
    :param price_a_month: at least
    :param when_full: what happens then
    :param source: the address of the page that says so
    :param read: when it was read
    """

    name: str
    title: str
    provider: str
    system: str
    limit: int
    counts: Counted
    price_a_month: float
    price_a_month_at_most: float
    currency: str
    when_full: str
    source: str
    read: date

    def __str__(self) -> str:
        return f"{self.title}, {bytes_text(self.limit)}, {self.price}"

    @property
    def price(self) -> str:
        """The price as a person reads it."""
        if not self.price_a_month_at_most:
            return "free"
        least, most = f"{self.price_a_month:,g}", f"{self.price_a_month_at_most:,g}"
        return f"{least if least == most else f'{least} to {most}'} {self.currency} a month"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What a server may take.

    :param named: as a person named it
    :param bytes: how much
    :param counts: what it is held against
    :param plan: None where a number was named
    """

    named: str
    bytes: int
    counts: Counted
    plan: Plan | None = None

    def __str__(self) -> str:
        return f"{bytes_text(self.bytes)} ({self.plan.title})" if self.plan else bytes_text(self.bytes)


@cache
def read_plans() -> tuple[Plan, ...]:
    """Read include/storage/plans.json."""
    return tuple(
        Plan(
            **declaration
            | {
                "limit": parse_bytes(declaration["limit"]),
                "counts": Counted(declaration["counts"]),
                "read": date.fromisoformat(declaration["read"]),
            }
        )
        for declaration in json.loads(PLANS.read_text(encoding="utf-8"))
    )


def limit_named(text: str, system: str, plans: Sequence[Plan]) -> Limit | None:
    """The limit that a person names: a plan of the system, or a number with its unit; nothing, or ``none``: no limit.

    :raises StorageError: saying what may be named
    """
    wanted = text.strip()
    if wanted.lower() in ("", NO_LIMIT):
        return None
    known = {plan.name: plan for plan in plans if plan.system == system}
    if plan := known.get(wanted.lower()):
        return Limit(named=plan.name, bytes=plan.limit, counts=plan.counts, plan=plan)
    try:
        return Limit(named=wanted, bytes=parse_bytes(wanted), counts=Counted.DISK)
    except StorageError:
        names = ", ".join(known)
        raise StorageError(
            f"{system}_plan is {wanted!r}: name {names}, or what the server may take, such as 20 GiB"
        ) from None


def next_larger(limit: Limit, used: int, plans: Sequence[Plan]) -> Plan | None:
    """The smallest plan of the same provider that allows more, and more than what is used."""
    if limit.plan is None:
        return None
    needed = max(limit.bytes, used)
    larger = [plan for plan in plans if plan.provider == limit.plan.provider and plan.limit > needed]
    return min(larger, key=lambda plan: plan.limit, default=None)
