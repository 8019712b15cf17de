"""What a person reads at the end of a maintenance run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from echotune.indexes.steps import Action, Outcome, StepResult
from echotune.run_summary import left_in_summary
from echotune.storage.assess import Level, StorageReport
from echotune.storage.columns import in_columns
from echotune.storage.quantities import bytes_text
from echotune.storage.sizes import PlaceSize

FEWEST_BYTES = 100_000
"""Smaller places are added up in the table."""
WORTH_TELLING = 0.05
"""Seconds below which a step's time is not shown."""
LONG = 120
"""Months after which "full in" says nothing any more."""
QUIET = {Action.LEAVE, Action.REPORT}
"""Actions that change nothing."""
WENT_WELL = {Outcome.DONE, Outcome.PLANNED}
DONE = {
    Action.CREATE: "created",
    Action.REBUILD: "rebuilt",
    Action.HIDE: "hidden",
    Action.UNHIDE: "shown again",
    Action.DROP: "dropped",
    Action.SHARD: "sharded",
    Action.ATTACH: "attached",
    Action.CLEAN: "cleaned up",
    Action.REINDEX: "reindexed",
    Action.ANALYZE: "analysed",
    Action.PARTITION: "partitioned",
}


@dataclass(frozen=True, kw_only=True)
class MaintenanceOutcome:
    """What is known of a run at its end.

    :param dry_run: whether the run was to change nothing
    :param results: what became of each step, of the systems whose plan was made
    :param storage: of the systems that were measured
    :param problems: what failed, a line for each task
    """

    dry_run: bool
    results: Sequence[StepResult]
    storage: Sequence[StorageReport]
    problems: Sequence[str] = ()


def summarise(outcome: MaintenanceOutcome) -> dict[str, Any]:
    """The summary of a run: lines for a person, counts for a program, warnings, and what fails the run."""
    failed = [_failure(result) for result in outcome.results if result.outcome is Outcome.FAILED]
    problems = [*outcome.problems, *failed]
    warnings = [line for report in outcome.storage if (line := _warning(report))]
    text = [_headline(outcome), *_below(step_lines(outcome.results))]
    if outcome.storage:
        text += ["", *_storage_lines(outcome.storage), "", *_place_lines(outcome.storage)]
        text += [f"Note on {report.system}: {note}." for report in outcome.storage for note in report.measurement.notes]
    text += [f"Warning: {warning}" for warning in warnings]
    text += [f"To mend: {problem}" for problem in problems]
    return {
        "text": text,
        **left_in_summary([_steps_left(outcome.results), (len(warnings), f"{'. '.join(warnings)}.")]),
        "dry_run": outcome.dry_run,
        "counts": _counts(outcome.results),
        "storage_levels": {report.system: report.level.value for report in outcome.storage},
        "warnings": warnings,
        "problems": problems,
    }


def _below(lines: Sequence[str]) -> list[str]:
    return ["", *lines] if lines else []


def _counts(results: Sequence[StepResult]) -> dict[str, dict[str, int]]:
    """Steps by action and outcome."""
    counts: dict[str, dict[str, int]] = {}
    for (action, outcome), number in Counter(
        (result.step.action.value, result.outcome.value) for result in results
    ).items():
        counts.setdefault(action, {})[outcome] = number
    return counts


def _undone(results: Sequence[StepResult]) -> Counter[str]:
    """The steps that were to change something and did not, by their outcome."""
    return Counter(
        result.outcome.value
        for result in results
        if result.step.action not in QUIET and result.outcome not in WENT_WELL
    )


def _steps_left(results: Sequence[StepResult]) -> tuple[int, str]:
    undone = _undone(results)
    told = ", ".join(f"{number:,} {what}" for what, number in undone.items())
    return undone.total(), f"Steps not done: {told}."


def _headline(outcome: MaintenanceOutcome) -> str:
    left = sum(result.step.action is Action.LEAVE for result in outcome.results)
    work = [result for result in outcome.results if result.step.action not in QUIET]
    done = Counter(result.step.action for result in work if result.outcome in WENT_WELL)
    parts = [
        f"{number:,} {f'to {action.value}' if outcome.dry_run else DONE[action]}" for action, number in done.items()
    ]
    parts += [f"{number:,} {what}" for what, number in _undone(outcome.results).items()]
    beginning = "Dry run, nothing was changed. " if outcome.dry_run else ""
    as_declared = f"{left:,} {'index is' if left == 1 else 'indexes are'} as declared"
    if not parts:
        return f"{beginning}Nothing to do: {as_declared}." if outcome.results else f"{beginning}No index was looked at."
    told = "; ".join([as_declared] * bool(left) + [", ".join(parts)])
    return f"{beginning}{told[0].upper()}{told[1:]}."


def step_lines(results: Sequence[StepResult]) -> list[str]:
    """A line for each step but those that leave an index as it is."""
    rows = [
        (
            "" if _only_told(result) else result.outcome.value,
            result.step.action.value,
            result.step.system,
            result.step.place,
            result.step.name,
            f"{result.seconds:,.1f}" if result.seconds >= WORTH_TELLING else "",
            ": ".join(part for part in (result.step.reason, result.detail) if part),
        )
        for result in results
        if result.step.action is not Action.LEAVE
    ]
    if not rows:
        return []
    header = ("outcome", "action", "system", "place", "index", "seconds", "why")
    return in_columns(header, rows, right=("seconds",))


def _only_told(result: StepResult) -> bool:
    """Whether a step is nothing but its line."""
    return result.step.action is Action.REPORT and result.outcome in WENT_WELL


def _storage_lines(storage: Sequence[StorageReport]) -> list[str]:
    header = ("system", "used", "limit", "share", "growth a month", "full in")
    rows = [
        (
            report.system,
            bytes_text(report.used),
            str(report.limit or "none named"),
            f"{report.share:.0%}" if report.share is not None else "",
            bytes_text(report.growth.bytes_a_month) if report.growth else "unknown",
            _full_in(report),
        )
        for report in storage
    ]
    remarks = [f"{report.system}: {remark}." for report in storage for remark in _remarks(report)]
    return [*in_columns(header, rows, right=("used", "share", "growth a month")), *remarks]


def _full_in(report: StorageReport) -> str:
    months = report.months_left
    if months is None:
        return ""
    return _months(months) if months <= LONG else f"over {LONG // 12} years"


def _months(months: float) -> str:
    if months < 1:
        return "less than a month"
    return f"{months:,.0f} {'month' if round(months) == 1 else 'months'}"


def _remarks(report: StorageReport) -> list[str]:
    """What the numbers rest on."""
    remarks = []
    if report.growth:
        remarks.append(f"growth is {report.growth.basis}")
    if others := report.measurement.others.counted(report.counts):
        remarks.append(f"{bytes_text(others)} of it other databases of the server")
    if report.archiving:
        remarks.append(f"archiving {_archiving(report)}")
    return remarks


def _archiving(report: StorageReport) -> str:
    archiving = report.archiving
    if archiving is None:
        return ""
    return (
        f"{archiving.plays:,} plays before {archiving.before:%Y-%m-%d} would free about {bytes_text(archiving.frees)}"
    )


def _place_lines(storage: Sequence[StorageReport]) -> list[str]:
    header = ("system", "place", "rows", "data", "indexes", "together")
    rows = [_place_row(report, place) for report in storage for place in _shown(report)]
    return in_columns(header, rows, right=header[2:]) if rows else []


def _shown(report: StorageReport) -> list[PlaceSize]:
    return [place for place in report.measurement.places if place.size.counted(report.counts) >= FEWEST_BYTES]


def _place_row(report: StorageReport, place: PlaceSize) -> tuple[str, ...]:
    together = place.size.counted(report.counts)
    rows = "unknown" if place.rows is None else f"{place.rows:,}"
    data, indexes = together - place.size.indexes, place.size.indexes
    return (report.system, place.place, rows, bytes_text(data), bytes_text(indexes), bytes_text(together))


def _warning(report: StorageReport) -> str:
    """One line where a limit is near, with what to do; else nothing."""
    limit = report.limit
    if limit is None or report.share is None or report.level is Level.FINE:
        return ""
    parts = [f"{report.system} uses {report.share:.0%} of {limit}"]
    if full_in := _full_in(report):
        parts.append(f"full in {full_in}")
    sentences = [", ".join(parts)]
    if limit.plan:
        sentences.append(f"When it is full, {limit.plan.when_full}")
    if report.archiving:
        sentences.append(f"Archiving {_archiving(report)}")
    if report.larger_plan:
        sentences.append(f"The next larger plan is {report.larger_plan} (read {report.larger_plan.read})")
    return ". ".join(sentences)


def _failure(result: StepResult) -> str:
    step = result.step
    return f"{step.action.value} {step.name} on {step.place} ({step.system}) failed: {result.detail}"
