"""Which fault strikes when: drawn from a seed, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

BACKFILL, ENRICHMENT, SYNC, MAINTENANCE = (
    "csv_backfill",
    "spotify_enrichment",
    "mongo_to_supabase_sync",
    "index_maintenance",
)
STEPS = (BACKFILL, ENRICHMENT, SYNC, MAINTENANCE)
"""The whole chain, in its order."""

CHECK, STATISTICS, RECENTLY_PLAYED, ARCHIVE, RESTORE, FORGETTING = (
    "connection_check",
    "listening_statistics",
    "recently_played",
    "history_archive",
    "history_restore",
    "forget_user",
)
BESIDE = (CHECK, STATISTICS, RECENTLY_PLAYED, ARCHIVE, RESTORE, FORGETTING)
"""The other DAGs, in an order in which each finds something to do after the chain."""

LATEST_SHARE = 0.85
"""Of a step's undisturbed time: later, it would often be over."""


class Kind(StrEnum):
    """What strikes."""

    TASK = "a task is killed"
    WORKER = "a worker is killed"
    SCHEDULER = "the scheduler is killed"
    MONGODB = "mongod is killed"
    POSTGRES = "PostgreSQL is killed"
    REDIS = "Redis is killed"
    SIMULATOR = "the simulator is killed"
    CONNECTION = "connections are cut"
    DISK = "a disk is full"
    CLOCK = "the workers' clock jumps"
    RATE_LIMIT = "a storm of 429"
    GARBAGE = "garbage is answered"


OF_SPOTIFY = (Kind.SIMULATOR, Kind.RATE_LIMIT, Kind.GARBAGE)
"""Nobody but the enrichment notices these."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    :param step: the DAG it strikes
    :param share: when, as a share of the step's undisturbed time
    :param seed: for what the fault itself draws
    """

    kind: Kind
    step: str
    share: float
    seed: int


@dataclass(frozen=True, kw_only=True)
class Round:
    """One run of the whole chain from nothing, and what strikes it."""

    number: int
    faults: tuple[Fault, ...]

    def of_step(self, step: str) -> list[Fault]:
        """The faults of a step, in the order in which they strike."""
        return sorted((fault for fault in self.faults if fault.step == step), key=lambda fault: fault.share)


def plan_rounds(*, seed: int, faults: int, in_a_round: int) -> list[Round]:
    """Rounds of so many faults; every kind comes before one comes again."""
    chance = random.Random(seed)
    drawn = [_fault(chance, kind) for _, kind in zip(range(faults), _kinds(chance), strict=False)]
    parts = [drawn[first : first + in_a_round] for first in range(0, faults, in_a_round)]
    return [Round(number=number, faults=tuple(part)) for number, part in enumerate(parts, 1)]


def _kinds(chance: random.Random) -> Iterator[Kind]:
    while True:
        yield from chance.sample(list(Kind), len(Kind))


def _fault(chance: random.Random, kind: Kind) -> Fault:
    step = ENRICHMENT if kind in OF_SPOTIFY else chance.choice(STEPS)
    return Fault(kind=kind, step=step, share=chance.uniform(0, LATEST_SHARE), seed=chance.getrandbits(32))
