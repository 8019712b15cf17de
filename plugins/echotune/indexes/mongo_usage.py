"""How long an index was watched without a use, over many runs, many servers and their restarts.

$indexStats counts from the start of a server, and each server for itself. What counts here is time that was watched:
from one look to the next on a server that was not restarted meanwhile, from its start on one that was. A use before a
restart that no look has seen is lost, so the time in which it could have been does not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

NOTHING = timedelta()


@dataclass(frozen=True, kw_only=True)
class Count:
    """What one server has counted of an index.

    :param since: when it began to count
    """

    since: datetime
    operations: int


Counts = Mapping[str, Count]
"""By host."""


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """What runs have seen of an index that nobody declared.

    :param specification: its keys and options as text: another index of the same name is another index
    :param unused: how long it was watched since the last use
    :param hiding_at: when a run set about hiding it
    :param hidden: whether that run came to its end
    """

    specification: str
    counts: Counts
    looked_at: datetime
    unused: timedelta = NOTHING
    hiding_at: datetime | None = None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What the plan has to know of an index that nobody declared.

    :param operations: by all servers since they count; None: not known
    :param unused: how long it was watched since the last use
    :param known: whether an earlier run saw and reported it
    :param hidden_for: how long ago a run hid it; None: no run did
    :param unknown: why its use is not known now
    """

    operations: int | None = None
    unused: timedelta = NOTHING
    known: bool = False
    hidden_for: timedelta | None = None
    unknown: str = ""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What servers were asked at one time.

    :param counts: by index, each collection and name, of the servers that answered
    :param unknown: why the counts are not whole
    """

    counts: Mapping[tuple[str, str], Counts] = field(default_factory=dict)
    unknown: str = ""


def watch(before: Remembered | None, specification: str, counts: Counts, now: datetime) -> Remembered:
    """Add a look at an index that is not hidden to what was seen before.

    :param counts: of all servers, at least one
    """
    latest_start = max(count.since for count in counts.values())
    if before is None or before.specification != specification:
        unused = NOTHING if any(count.operations for count in counts.values()) else max(now - latest_start, NOTHING)
        return Remembered(specification=specification, counts=counts, looked_at=now, unused=unused)
    # It was hidden to the end and is not any more: somebody wants it.
    wanted = before.hidden
    watched = max(now - max(latest_start, before.looked_at), NOTHING)
    unused = NOTHING if wanted or _used(before.counts, counts) else before.unused + watched
    hiding_at = None if wanted else before.hiding_at
    return replace(before, counts=counts, looked_at=now, unused=unused, hiding_at=hiding_at, hidden=False)


def _used(before: Counts, counts: Counts) -> bool:
    return any(_grown(before.get(host), count) for host, count in counts.items())


def _grown(before: Count | None, count: Count) -> bool:
    same_start = before is not None and before.since == count.since
    return count.operations > (before.operations if before and same_start else 0)


def hiding(before: Remembered, now: datetime) -> Remembered:
    """Remember that a run sets about hiding an index, unless one was killed at that before."""
    return replace(before, hiding_at=now, hidden=False)


def hidden(before: Remembered) -> Remembered:
    """Remember that the index is hidden."""
    return replace(before, hidden=True)


def usage_of(before: Remembered | None, now_known: Remembered | None, unknown: str, now: datetime) -> Usage:
    """What the plan has to know.

    :param before: what earlier runs remember
    :param now_known: the same with this run's look
    :param unknown: why there is no look
    """
    known = now_known or before
    hiding_at = known.hiding_at if known else None
    return Usage(
        operations=sum(count.operations for count in now_known.counts.values()) if now_known else None,
        unused=known.unused if known else NOTHING,
        known=before is not None and known is not None and before.specification == known.specification,
        hidden_for=now - hiding_at if hiding_at else None,
        unknown=unknown,
    )


def hosts_missing(hosts: Sequence[str], answered: Sequence[str]) -> str:
    """Why counts are not whole: which members did not answer; empty where all did."""
    missing = sorted(set(hosts) - set(answered))
    return f"{', '.join(missing)} did not answer" if missing else ""
