"""What maintenance plans and does, in words that both databases share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MONGODB = "mongodb"
POSTGRESQL = "postgresql"


class Action(StrEnum):
    """What a step does. Clean removes what a killed step left; report and leave change nothing."""

    CREATE = "create"
    REBUILD = "rebuild"
    HIDE = "hide"
    UNHIDE = "unhide"
    DROP = "drop"
    SHARD = "shard"
    ATTACH = "attach"
    CLEAN = "clean"
    REINDEX = "reindex"
    ANALYZE = "analyze"
    PARTITION = "partition"
    REPORT = "report"
    LEAVE = "leave"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do, or to tell a person.

    :param system: "mongodb" or "postgresql"
    :param place: the collection or table
    :param name: the index; empty where the step is about the place
    :param reason: one line for a person
    """

    system: str
    place: str
    name: str
    action: Action
    reason: str


class Outcome(StrEnum):
    """What became of a step.

    Planned: a dry run. Refused: no rights, or not possible on this server. Busy: a lock was not got in time.
    """

    DONE = "done"
    PLANNED = "planned"
    REFUSED = "refused"
    BUSY = "busy"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """A step and what became of it.

    :param detail: one clear line, where there is more to say
    :param seconds: how long it took
    """

    step: Step
    outcome: Outcome
    detail: str = ""
    seconds: float = 0
