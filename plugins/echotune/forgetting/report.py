"""The proof, for a person: how much there was in each place, how much there is, and what only a person can remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from echotune.run_summary import left_in_summary

TITLE = ("place", "before", "after")

ALWAYS_LEFT = (
    "What Airflow and its logs know of past runs, this one's params among them: local/run airflow db clean "
    "--clean-before-timestamp NOW --tables dag_run,task_instance,xcom,rendered_task_instance_fields,log --yes, "
    "and the files of logs.",
    "Backups of MongoDB, PostgreSQL and Redis, and copies of the archive's files, until they are overwritten.",
)
LISTENER = "The connection of the listener, which no task can delete: make authorize REMOVE=<user>."
SIGN_IN = "The account by which the user signed in: delete it in Supabase under Authentication, Users."


def summarise(
    before: Mapping[str, int],
    after: Mapping[str, int] | None,
    *,
    files: int,
    left: Sequence[str],
    problems: Sequence[str],
    dry_run: bool,
) -> dict[str, Any]:
    """The summary of a run: a table, and what is left to the person.

    :param after: None where nothing was removed, or the search did not end
    :param files: how many files were loaded that have rows of the user
    :param left: what this run found that only a person can remove
    """
    lines = [_headline(before, after, dry_run=dry_run), *_table(before, after)]
    mine = [*_files_left(files), *left]
    told = [*mine, *ALWAYS_LEFT]
    if not dry_run:
        lines += ["Left to you:", *(f"- {line}" for line in told)]
    lines += [f"To mend: {problem}" for problem in problems]
    return {
        "text": lines,
        **left_in_summary([] if dry_run else [(1, line) for line in mine]),
        "counts": {"before": dict(before), "after": dict(after or {})},
        "problems": list(problems),
        "dry_run": dry_run,
    }


def _headline(before: Mapping[str, int], after: Mapping[str, int] | None, *, dry_run: bool) -> str:
    places = sum(number > 0 for number in before.values())
    if dry_run:
        return f"Dry run: nothing was touched. The user is in {places} of {len(before)} places."
    if after is None:
        return "The user is not forgotten: the run ended before everything was removed and searched again."
    if not places:
        return f"Nothing was there of the user, and a search of {len(after)} places finds nothing."
    return f"Forgotten: the user was in {places} of {len(before)} places, and a search finds nothing in any."


def _table(before: Mapping[str, int], after: Mapping[str, int] | None) -> list[str]:
    rows = [
        (name, f"{number:,}", "-" if after is None else f"{after.get(name, 0):,}") for name, number in before.items()
    ]
    widths = [max(len(row[column]) for row in [TITLE, *rows]) for column in range(len(TITLE))]
    return [f"{place:<{widths[0]}}  {first:>{widths[1]}}  {last:>{widths[2]}}" for place, first, last in [TITLE, *rows]]


def _files_left(files: int) -> list[str]:
    if not files:
        return []
    number = "1 file" if files == 1 else f"{files:,} files"
    return [f"Rows of the user in {number} that were loaded; the next load of them brings the user back."]
