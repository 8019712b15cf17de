"""The work of one worker: claim a batch, ask the providers, write what they said, until nothing is due."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.gate import Gate
from echotune.enrichment.progress import Progress, ProgressKeeper
from echotune.enrichment.providers.base import Lookup, Provider
from echotune.enrichment.queue import Claim, Queue, Status
from echotune.enrichment.settings import ProviderName
from echotune.enrichment.settlement import Found, Missing, Settled, settle

log = logging.getLogger(__name__)

MOST_FAILURES = 3
"""Batches in a row that a provider may fail before it is left alone for the rest of the run."""

LONGEST_BATCH = 1_000

COUNTING_SHARE = 0.02
"""The share of its time that a worker may spend on counting what is left: a count reads all that could be due."""


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Why a worker ended before everything due was done, and when it makes sense to go on."""

    reason: str
    until: datetime | None


@dataclass(kw_only=True)
class Asked:
    """What providers said of some documents so far."""

    settled: dict[str, Settled] = field(default_factory=dict)
    absent: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    cached: set[str] = field(default_factory=set)
    refusal: Answer | None = None


@dataclass(kw_only=True, eq=False)
class Source:
    """A provider with its record in this run."""

    provider: Provider
    failures: int = 0


class Worker:
    """Enriches what is due in one queue.

    :param providers: asked in this order; each for what those before it did not have
    :param gates: the gate of each service, for the counts of calls and waits
    :param most: the most documents this worker may settle in the run; 0: no limit
    """

    def __init__(
        self,
        queue: Queue,
        providers: Sequence[Provider],
        *,
        keeper: ProgressKeeper,
        gates: dict[str, Gate],
        most: int = 0,
    ) -> None:
        self._queue = queue
        self._sources = [Source(provider=provider) for provider in providers]
        self._keeper, self._gates, self._most = keeper, gates, most
        self._calls_before = dict(self.progress.calls)
        self._waited_before = self.progress.waited_seconds
        self._count_again_at = 0.0

    @property
    def progress(self) -> Progress:
        """What was done so far."""
        return self._keeper.progress

    def work(self) -> Pause | None:
        """Work until nothing is due; a Pause says why it ended before. What is done is written in any case."""
        self._queue.release_all()
        self._count_left()
        pause = self._work()
        self._count_left()
        self.progress.stopped = pause.reason if pause else ""
        self.progress.go_on_at = pause.until if pause else None
        self._keeper.report()
        return pause

    def _work(self) -> Pause | None:
        while self._sources:
            size = self._batch_size()
            claims = self._queue.claim(size, providers=self._names()) if size else []
            if not claims:
                return None
            pause = self._settle_batch(claims)
            self._count_calls()
            if self._keeper.is_report_due:
                if time.monotonic() >= self._count_again_at:
                    self._count_left()
                self._keeper.report()
            if pause:
                return pause
        return Pause(reason="no provider is left that can be asked", until=None)

    def _batch_size(self) -> int:
        size = min(LONGEST_BATCH, self._sources[0].provider.batch_size)
        return min(size, max(0, self._most - self.progress.done)) if self._most else size

    def _names(self) -> list[str]:
        return [source.provider.name for source in self._sources]

    def _settle_batch(self, claims: Sequence[Claim]) -> Pause | None:
        asked = self._ask([claim.id for claim in claims])
        settle(self._queue, claims, asked.settled, datetime.now(UTC))
        self._queue.release([claim for claim in claims if claim.id not in asked.settled])
        self._count(asked)
        return _pause(asked.refusal) if asked.refusal else None

    def _ask(self, ids: Sequence[str]) -> Asked:
        """Ask each provider for what those before it did not have."""
        asked = Asked()
        for source in list(self._sources):
            remaining = iter([identity for identity in ids if identity not in asked.settled])
            while asked.refusal is None and (batch := list(islice(remaining, source.provider.batch_size))):
                if source not in self._sources:
                    break
                lookup = source.provider.look_up(batch)
                self._take_in(asked, source, batch, lookup)
            if asked.refusal:
                return asked
        for identity in ids:
            if identity not in asked.settled and (missing := _missing(asked, identity)):
                asked.settled[identity] = missing
        return asked

    def _take_in(self, asked: Asked, source: Source, batch: Sequence[str], lookup: Lookup) -> None:
        now = datetime.now(UTC)
        name = source.provider.name
        for identity, values in lookup.found.items():
            fetched_at = lookup.fetched_at.get(identity, now)
            asked.settled[identity] = Found(values=values, provider=name, fetched_at=fetched_at)
        for identity in lookup.absent:
            asked.absent.setdefault(identity, []).append(name)
        asked.failed.update(lookup.broken)
        asked.cached.update(lookup.fetched_at)
        silent = [identity for identity in batch if not _answered(lookup, identity)]
        if lookup.refusal:
            self._refused(asked, source, silent, lookup.refusal)
        else:
            source.failures = 0
            asked.failed.update(dict.fromkeys(silent, f"{name} did not answer"))

    def _refused(self, asked: Asked, source: Source, silent: Sequence[str], refusal: Answer) -> None:
        """Decide what a refusal means for the batch, and for the provider in the rest of the run."""
        name = source.provider.name
        match refusal.outcome:
            case Outcome.RATE_LIMITED:
                asked.refusal = refusal
            case Outcome.FORBIDDEN_ENDPOINT:
                log.info("%s: %s", name, refusal.reason)
                self._sources.remove(source)
            case Outcome.ACCOUNT_PROBLEM:
                self.progress.add_problem(f"{name}: {refusal.reason}")
                self._sources.remove(source)
            case _:
                asked.failed.update(dict.fromkeys(silent, f"{name}: {refusal.reason}"))
                source.failures += 1
                if source.failures >= MOST_FAILURES:
                    self.progress.add_problem(f"{name} failed {source.failures} times in a row: {refusal.reason}")
                    self._sources.remove(source)

    def _count(self, asked: Asked) -> None:
        progress = self.progress
        progress.cached += len(asked.cached & asked.settled.keys())
        for settled in asked.settled.values():
            if isinstance(settled, Found):
                progress.enriched_by[settled.provider] = progress.enriched_by.get(settled.provider, 0) + 1
            elif settled.status is Status.NOT_FOUND:
                progress.not_found += 1
            elif settled.status is Status.UNAVAILABLE:
                progress.unavailable += 1
            else:
                progress.errors += 1

    def _count_calls(self) -> None:
        for service, gate in self._gates.items():
            if gate.calls:
                self.progress.calls[service] = self._calls_before.get(service, 0) + gate.calls
        waited = sum(gate.waited_seconds for gate in self._gates.values())
        self.progress.waited_seconds = self._waited_before + waited

    def _count_left(self) -> None:
        begun = time.monotonic()
        self.progress.left = self._queue.count_due(self._names())
        ended = time.monotonic()
        self._count_again_at = ended + (ended - begun) / COUNTING_SHARE


def _answered(lookup: Lookup, identity: str) -> bool:
    return identity in lookup.found or identity in lookup.absent or identity in lookup.broken


def _missing(asked: Asked, identity: str) -> Missing | None:
    """What a document without values is; None where nobody could be asked."""
    absent = asked.absent.get(identity, [])
    if reason := asked.failed.get(identity):
        return Missing(status=Status.ERROR, providers=tuple(absent), reason=reason)
    if not absent:
        return None
    status = Status.NOT_FOUND if any(map(_is_spotify, absent)) else Status.UNAVAILABLE
    return Missing(status=status, providers=tuple(absent))


def _is_spotify(provider: str) -> bool:
    """Whether a provider speaks for Spotify, which owns the ids."""
    return provider.startswith(ProviderName.SPOTIFY)


def _pause(refusal: Answer) -> Pause:
    forever = math.isinf(refusal.seconds)
    until = None if forever else datetime.now(UTC) + timedelta(seconds=refusal.seconds)
    return Pause(reason=refusal.reason, until=until)
