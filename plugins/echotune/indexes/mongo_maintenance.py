"""The maintenance of MongoDB's indexes: look, plan, carry out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby

from pymongo.errors import ConnectionFailure, NotPrimaryError, PyMongoError

from echotune.history.store import HistoryStore
from echotune.indexes.mongo_actions import CommandError, Maker
from echotune.indexes.mongo_comparison import why_never_dropped
from echotune.indexes.mongo_declaration import declared_indexes, declared_shard_keys
from echotune.indexes.mongo_memory import UsageMemory
from echotune.indexes.mongo_plan import MongoStep, plan_mongodb, undeclared_indexes
from echotune.indexes.mongo_refusals import outcome_of, told_refusal
from echotune.indexes.mongo_server import read_server
from echotune.indexes.mongo_statistics import look
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import MONGODB, Action, Outcome, Step, StepResult

log = logging.getLogger(__name__)


def maintain_mongodb(store: HistoryStore, settings: MaintenanceSettings, *, now: datetime) -> list[StepResult]:
    """Make the indexes what is declared; return every step and what became of it.

    What a server refuses, or what is busy, ends its own step only.

    :raises PyMongoError: the server cannot be reached
    """
    declared = declared_indexes(plays=store.plays.name)
    shard_keys = declared_shard_keys(plays=store.plays.name)
    server = read_server(store.database, declared)
    undeclared = undeclared_indexes(declared, server, shard_keys)
    watched = [one for one in undeclared if not why_never_dropped(one, server.shard_keys.get(one.collection))]
    memory = UsageMemory(store.index_usage, now)
    memory.read()
    memory.see(watched, look(store.database, server, watched), unread=server.unread)
    plan = plan_mongodb(declared, server, memory.usages(), settings, shard_keys=shard_keys)
    if settings.dry_run:
        return [StepResult(step=one.step, outcome=Outcome.PLANNED, detail=one.refused) for one in plan]
    return [*_remember(memory), *_carry_out(plan, Maker(store.database, settings), memory)]


def _remember(memory: UsageMemory) -> Iterator[StepResult]:
    """Keep what was seen; tell only where that fails."""
    reason = "how long each index was not used is remembered"
    step = Step(system=MONGODB, place=memory.name, name="", action=Action.REPORT, reason=reason)
    result = _result(step, memory.write)
    if result.outcome is not Outcome.DONE:
        yield result


def _carry_out(plan: Sequence[MongoStep], maker: Maker, memory: UsageMemory) -> Iterator[StepResult]:
    creations = [one for one in plan if one.step.action is Action.CREATE]
    for _, of_collection in groupby(creations, key=lambda one: one.step.place):
        yield from _create(list(of_collection), maker)
    for one in plan:
        if one not in creations:
            yield _one(one, maker, memory)


def _create(planned: Sequence[MongoStep], maker: Maker) -> Iterator[StepResult]:
    """Create indexes of a collection in one pass; where one cannot be made, each by itself."""
    indexes = [one.creates for one in planned if one.creates]
    results = [_result(planned[0].step, lambda: maker.create(indexes))]
    if results[0].outcome is Outcome.FAILED and len(planned) > 1:
        for one, index in zip(planned, indexes, strict=True):
            yield _result(one.step, lambda index=index: maker.create([index]))  # type: ignore[misc]
        return
    for one in planned:
        yield StepResult(
            step=one.step,
            outcome=results[0].outcome,
            detail=results[0].detail,
            seconds=results[0].seconds / len(planned),
        )


def _one(planned: MongoStep, maker: Maker, memory: UsageMemory) -> StepResult:
    step = planned.step
    if planned.refused:
        return StepResult(step=step, outcome=Outcome.REFUSED, detail=planned.refused)
    if step.action is Action.HIDE:
        return _result(step, lambda: _hide(planned, maker, memory))
    return _result(step, lambda: maker.carry_out(planned))


def _hide(planned: MongoStep, maker: Maker, memory: UsageMemory) -> None:
    """Hide an index that a later run shall know as hidden by us, wherever this one is killed."""
    place = (planned.step.place, planned.step.name)
    memory.hiding(place)
    maker.carry_out(planned)
    memory.hidden(place)


def _result(step: Step, work: Callable[[], None]) -> StepResult:
    """Do a step's work; an error of the server is its outcome.

    :raises ConnectionFailure: the server cannot be reached any more
    """
    started = time.monotonic()
    outcome, detail = Outcome.DONE, ""
    try:
        work()
    except CommandError as failure:
        outcome, detail = _told(failure.error, failure.command)
    except PyMongoError as error:
        outcome, detail = _told(error, f"write to {step.place}")
    if step.action not in (Action.LEAVE, Action.REPORT) or outcome is not Outcome.DONE:
        log.info("%s %s.%s: %s %s", step.action, step.place, step.name, outcome, detail)
    return StepResult(step=step, outcome=outcome, detail=detail, seconds=time.monotonic() - started)


def _told(error: PyMongoError, command: str) -> tuple[Outcome, str]:
    if isinstance(error, ConnectionFailure) and not isinstance(error, NotPrimaryError):
        raise error
    return outcome_of(error), told_refusal(error, command)
