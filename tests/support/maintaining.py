"""Indexes made up and indexes on servers, and what maintenance says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from echotune.history.store import HistoryStore
from echotune.indexes.mongo_comparison import LiveIndex, comparable
from echotune.indexes.mongo_declaration import Keys, MongoIndex
from echotune.indexes.mongo_maintenance import maintain_mongodb
from echotune.indexes.mongo_plan import MongoStep
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action, Outcome, StepResult

Document = dict[str, Any]

READS = {"hello", "listIndexes", "find", "aggregate", "getMore", "endSessions", "saslStart", "saslContinue"}
"""Commands that change nothing."""


def declared(name: str = "one", keys: Keys = (("a", 1),), **options: Any) -> MongoIndex:
    return MongoIndex(collection="c", name=name, keys=keys, options=options, serves="a test")


def live(name: str = "one", keys: Keys = (("a", 1),), **options: Any) -> LiveIndex:
    return LiveIndex(collection="c", name=name, keys=comparable(keys), options=options)


def words(name: str = "words", *fields: str, language: str = "none") -> LiveIndex:
    """A text index as a server tells it."""
    named = fields or ("x", "y")
    weights = dict.fromkeys(named, 1)
    return live(name, tuple((field, "text") for field in named), weights=weights, default_language=language)


def actions(plan: Iterable[MongoStep]) -> list[tuple[Action, str]]:
    """What is done to which index."""
    return [(one.step.action, one.step.name) for one in plan]


def maintain(store: HistoryStore, *, days: float = 0, **settings: Any) -> list[StepResult]:
    """Maintain a database some days from now."""
    now = datetime.now(UTC) + timedelta(days=days)
    return maintain_mongodb(store, MaintenanceSettings(**settings), now=now)


def done(results: Sequence[StepResult]) -> list[tuple[Action, str]]:
    """What was changed."""
    told = (Action.LEAVE, Action.REPORT)
    return [
        (one.step.action, one.step.name)
        for one in results
        if one.outcome is Outcome.DONE and one.step.action not in told
    ]


def result_of(results: Sequence[StepResult], name: str) -> StepResult:
    """What became of an index; of its first step."""
    return next(one for one in results if one.step.name == name)


def names_of(store: HistoryStore) -> set[str]:
    """The names of the plays' indexes."""
    return set(store.plays.index_information())


class Commands(CommandListener):
    """Keeps the names of the commands that a client sent."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing."""
