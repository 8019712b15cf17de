"""What a person reads at the end of a load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from echotune.history.counts import LoadCounts
from echotune.history.plan import FilePlan
from echotune.run_summary import left_in_summary

UNMARKED = "unmarked"
"""Under this name, beside the rules, stands how many marks were taken away."""

TITLES = {
    "rows": "rows in the file",
    "inserted": "inserted",
    "already_there": "already there",
    "repeats": "exact repeats",
    "rejected": "rejected",
    "other_users": "of other users",
    "forgotten": "left out: of users who were forgotten since the load began",
}


def file_line(plan: FilePlan, counts: LoadCounts) -> str:
    """One line on what became of the rows of a file."""
    numbers = {name: value for name, value in asdict(counts).items() if name in TITLES}
    told = ", ".join(f"{value:,} {TITLES[name]}" for name, value in numbers.items() if value or name == "rows")
    skipped = f"; {plan.done_chunks} chunk(s) known to be done, not read again" if plan.done_chunks else ""
    return f"{plan.file.name}: {told}{skipped}"


def headline(counts: LoadCounts, *, dry_run: bool) -> str:
    """One sentence on the whole load."""
    if dry_run:
        return f"Dry run: nothing was written. {counts.inserted:,} of {counts.rows:,} plays would be new."
    if not counts.inserted:
        loading = counts.rows - counts.rejected - counts.forgotten
        return f"Nothing new: the plays of all {loading:,} rows that load were there already."
    return f"{counts.inserted:,} new plays from {counts.rows:,} rows."


def duplicates_line(duplicates: Mapping[str, int]) -> str:
    """How many plays are the same as another, by the rule that says so; empty where nothing changed."""
    marked = {rule: count for rule, count in duplicates.items() if rule != UNMARKED}
    told = []
    if marked:
        rules = ", ".join(f"{count:,} by {rule}" for rule, count in sorted(marked.items()))
        told.append(f"{sum(marked.values()):,} plays are told by another source already and count once ({rules}).")
    if unmarked := duplicates.get(UNMARKED):
        told.append(f"{unmarked:,} plays count by themselves again.")
    return " ".join(told)


def what_is_left(counts: LoadCounts) -> str:
    """What the load did not do, and where to look; empty where nothing is left."""
    if not counts.rejected:
        return ""
    return (
        f"{counts.rejected:,} rows did not load: collection rejected_rows holds each with file, row, column and reason."
    )


def summarise(
    files: Sequence[tuple[FilePlan, LoadCounts]],
    duplicates: Mapping[str, int],
    catalog: Mapping[str, int],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """The summary of a load: sentences for a person, counts for a program."""
    total = LoadCounts.total(counts for _, counts in files)
    lines = [headline(total, dry_run=dry_run), *(file_line(plan, counts) for plan, counts in files)]
    if marked := duplicates_line(duplicates):
        lines.append(marked)
    if catalog:
        lines.append("New in the catalog: " + ", ".join(f"{count:,} {name}" for name, count in catalog.items()))
    if left := what_is_left(total):
        lines.append(left)
    return {
        "text": lines,
        # What a dry run leaves is what it was to leave.
        **left_in_summary([] if dry_run else [(total.rejected, left)]),
        "counts": asdict(total),
        "duplicates": dict(duplicates),
        "catalog": dict(catalog),
        "dry_run": dry_run,
    }
