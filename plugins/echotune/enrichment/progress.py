"""How far a worker is: kept in ``enrichment_runs``, so that it can be watched, and goes on after a wait or a crash."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from echotune.history.store import Documents

log = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 5.0


@dataclass(kw_only=True)
class Progress:
    """What one worker has done in one run, over all its tries.

    :param id: names run, task and worker
    :param what: what is enriched, such as ``audio features of tracks``
    :param left: documents that were due when it was counted last, those of other workers included
    :param enriched_by: documents that got values, by provider
    :param calls: calls made, by service
    :param waited_seconds: time spent waiting for leave to call
    :param problems: what a person has to mend, each once
    """

    id: str
    run: str
    what: str
    left: int = 0
    enriched_by: dict[str, int] = field(default_factory=dict)
    not_found: int = 0
    unavailable: int = 0
    errors: int = 0
    cached: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    waited_seconds: float = 0
    problems: list[str] = field(default_factory=list)
    stopped: str = ""
    go_on_at: datetime | None = None

    @property
    def done(self) -> int:
        """Documents that were settled, whatever came of them."""
        return sum(self.enriched_by.values()) + self.not_found + self.unavailable + self.errors

    def add_problem(self, problem: str) -> None:
        """Note what a person has to mend."""
        if problem not in self.problems:
            self.problems.append(problem)
            log.warning("%s", problem)

    def as_document(self) -> dict[str, Any]:
        """The fields as they are kept and returned by the task."""
        return {
            "run": self.run,
            "what": self.what,
            "done": self.done,
            "left": self.left,
            "enriched_by": dict(self.enriched_by),
            "not_found": self.not_found,
            "unavailable": self.unavailable,
            "errors": self.errors,
            "cached": self.cached,
            "calls": dict(self.calls),
            "waited_seconds": round(self.waited_seconds, 1),
            "problems": list(self.problems),
            "stopped": self.stopped,
            "go_on_at": self.go_on_at,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The reverse of ``as_document``."""
        values = {name: document[name] for name in cls.__dataclass_fields__ if name in document and name != "id"}
        return cls(id=document["_id"], **values)

    def __str__(self) -> str:
        calls = ", ".join(f"{count:,} to {service}" for service, count in sorted(self.calls.items())) or "none"
        return (
            f"{self.what}: {self.done:,} done, {self.left:,} left, calls: {calls}, waited {self.waited_seconds:,.0f} s"
        )


class ProgressKeeper:
    """Writes a worker's progress to the log and to ``enrichment_runs``, every few seconds and at the end."""

    def __init__(self, runs: Documents, progress: Progress) -> None:
        self._runs = runs
        self.progress = progress
        self._reported_at = time.monotonic()

    @classmethod
    def resume(cls, runs: Documents, *, identity: str, run: str, what: str) -> Self:
        """Go on from what an earlier try kept, or begin."""
        kept = runs.find_one({"_id": identity})
        progress = Progress.from_document(kept) if kept else Progress(id=identity, run=run, what=what)
        progress.stopped, progress.go_on_at, progress.problems = "", None, []
        return cls(runs, progress)

    @property
    def is_report_due(self) -> bool:
        """Whether the last report is some seconds old."""
        return time.monotonic() - self._reported_at >= SECONDS_BETWEEN_REPORTS

    def report(self) -> None:
        """Write the progress now."""
        self._reported_at = time.monotonic()
        log.info("%s", self.progress)
        self._runs.update_one(
            {"_id": self.progress.id},
            {
                "$set": self.progress.as_document(),
                "$setOnInsert": {"kind": "worker"},
                "$currentDate": {"updated_at": True},
            },
            upsert=True,
        )
