"""What runs left in ``maintenance_runs``: one document a run, the whole report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import ASCENDING

from echotune.history.store import HistoryStore
from echotune.indexes.steps import StepResult
from echotune.storage.assess import StorageReport
from echotune.storage.growth import PastSize
from echotune.storage.months import years_before
from echotune.storage.sizes import Size

YEARS_REMEMBERED = 1


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What earlier runs know.

    :param plans: the plan that was named last, by system
    :param past: what was measured, by system, the oldest first
    """

    plans: Mapping[str, str] = field(default_factory=dict)
    past: Mapping[str, Sequence[PastSize]] = field(default_factory=dict)


def remember(store: HistoryStore, *, now: datetime) -> Memory:
    """Read what the runs of the past year left."""
    since = {"finished_at": {"$gte": years_before(now, YEARS_REMEMBERED), "$lt": now}}
    plans: dict[str, str] = {}
    past: dict[str, list[PastSize]] = {}
    for run in store.maintenance_runs.find(since, {"finished_at": 1, "plans": 1, "storage": 1}).sort(
        "finished_at", ASCENDING
    ):
        plans |= run["plans"]
        for system, storage in run["storage"].items():
            size = PastSize(at=run["finished_at"], size=Size(**storage["total"]))
            past.setdefault(system, []).append(size)
    return Memory(plans=plans, past=past)


def keep_report(
    store: HistoryStore,
    run_id: str,
    summary: Mapping[str, Any],
    *,
    results: Sequence[StepResult],
    storage: Sequence[StorageReport],
    settings: Mapping[str, Any],
    plans: Mapping[str, str],
    now: datetime,
) -> None:
    """Keep the whole report of a run; a repeated one replaces it."""
    document = {
        "finished_at": now,
        **summary,
        "settings": dict(settings),
        "plans": dict(plans),
        "results": [_result(result) for result in results],
        "storage": {report.system: _storage(report) for report in storage},
    }
    store.maintenance_runs.replace_one({"_id": run_id}, document, upsert=True)


def _result(result: StepResult) -> dict[str, Any]:
    step = result.step
    return {
        "system": step.system,
        "place": step.place,
        "name": step.name,
        "action": step.action.value,
        "reason": step.reason,
        "outcome": result.outcome.value,
        "detail": result.detail,
        "seconds": result.seconds,
    }


def _storage(report: StorageReport) -> dict[str, Any]:
    measurement = report.measurement
    return {
        "used": report.used,
        "counts": report.counts.value,
        "limit": report.limit.bytes if report.limit else None,
        "level": report.level.value,
        "growth_a_month": report.growth.bytes_a_month if report.growth else None,
        "months_left": report.months_left,
        "archiving_frees": report.archiving.frees if report.archiving else None,
        "total": vars(measurement.total),
        "own": vars(measurement.own),
        "places": [{"place": place.place, "rows": place.rows, **vars(place.size)} for place in measurement.places],
        "notes": list(measurement.notes),
    }
