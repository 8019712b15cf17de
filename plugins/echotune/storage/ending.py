"""The end of a maintenance run: what was done and measured becomes a report, which is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import PyMongoError

from echotune.history.store import HistoryStore
from echotune.indexes.steps import StepResult
from echotune.storage.assess import StorageReport, assess
from echotune.storage.errors import StorageError, one_line
from echotune.storage.plans import limit_named, read_plans
from echotune.storage.records import Memory, keep_report, remember
from echotune.storage.report import MaintenanceOutcome, summarise
from echotune.storage.sizes import Measurement


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What the tasks of a run left.

    :param run_id: the report's id: a repeated report replaces the first
    :param results: what became of each step
    :param measurements: of the systems that were measured
    :param problems: what failed, a line each
    :param settings: of the run, to be kept with the report
    :param plans: the plan that a person named, by system; empty: as last time
    """

    run_id: str
    now: datetime
    dry_run: bool
    results: Sequence[StepResult]
    measurements: Sequence[Measurement]
    problems: Sequence[str]
    settings: Mapping[str, Any]
    plans: Mapping[str, str]


def report_run(open_store: Callable[[], HistoryStore], ending: Ending) -> dict[str, Any]:
    """Return the summary of a run, and keep the report.

    Where MongoDB cannot be reached or written, the summary says so, and tells the rest.

    :param open_store: opens the collections; it may raise what pymongo raises, or StorageError
    """
    memory, plans, not_kept = Memory(), ending.plans, ""
    try:
        store = open_store()
        memory = remember(store, now=ending.now)
        plans = {system: named or memory.plans.get(system, "") for system, named in ending.plans.items()}
    except (PyMongoError, StorageError) as error:
        not_kept = one_line(error)
    storage = [_assessed(measurement, plans, memory, ending.now) for measurement in ending.measurements]
    summary = summarise(
        MaintenanceOutcome(dry_run=ending.dry_run, results=ending.results, storage=storage, problems=ending.problems)
    )
    if not not_kept:
        try:
            keep_report(
                store,
                ending.run_id,
                summary,
                results=ending.results,
                storage=storage,
                settings=ending.settings,
                plans=plans,
                now=ending.now,
            )
        except PyMongoError as error:
            not_kept = one_line(error)
    if not_kept:
        summary["text"].append(f"This report is not kept in maintenance_runs: {not_kept}")
    return summary


def _assessed(measurement: Measurement, plans: Mapping[str, str], memory: Memory, now: datetime) -> StorageReport:
    """A measurement, held against the plan and the past."""
    system = measurement.system
    return assess(
        measurement,
        limit=limit_named(plans.get(system, ""), system, read_plans()),
        past=memory.past.get(system, ()),
        plans=read_plans(),
        now=now,
    )
