"""What a person reads at the end of a run over the listeners' accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from echotune.history.counts import LoadCounts
from echotune.run_summary import left_in_summary

LOAD, PLAYLISTS = "load_plays", "bring_playlists"
NOBODY = "Nobody gave an authorization yet: run `make authorize` for each listener."

Result = Mapping[str, Any]
"""What a task returned of one listener: counts, or why it waits (``postponed``), or what to mend (``problem``)."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to.

    :param listeners: those it was for
    :param loaded: of their plays, in any order; of a listener whose task failed there may be none
    :param playlists: likewise
    :param catalog: how many documents of tracks, artists and albums are new
    :param failed: the tasks that failed
    """

    listeners: Sequence[str]
    loaded: Sequence[Result]
    playlists: Sequence[Result]
    catalog: Mapping[str, int]
    failed: Sequence[str]


def summarise(outcome: Outcome) -> dict[str, Any]:
    """The summary of a run: sentences for a person, counts for a program."""
    counts = LoadCounts.total(LoadCounts(**result["counts"]) for result in outcome.loaded if "counts" in result)
    gaps = [result["gap"] for result in outcome.loaded if result.get("gap")]
    waiting = [result["postponed"] for result in (*outcome.loaded, *outcome.playlists) if "postponed" in result]
    problems = list(_problems(outcome))
    left = [
        (len(gaps), "; ".join(gaps) + "."),
        (len(waiting), "Left to the next run: " + "; ".join(waiting) + "."),
        (counts.rejected, f"{counts.rejected:,} items are no plays: collection rejected_rows says why."),
    ]
    lines = [_headline(outcome, counts), *map(_plays_line, outcome.loaded), *map(_playlists_line, outcome.playlists)]
    if any(outcome.catalog.values()):
        lines.append("New in the catalog: " + ", ".join(f"{count:,} {name}" for name, count in outcome.catalog.items()))
    lines += [sentence for number, sentence in left if number]
    lines += [f"To mend: {problem}" for problem in problems]
    return {
        "text": [line for line in lines if line],
        **left_in_summary(left),
        "counts": asdict(counts),
        "playlists": _playlist_totals(outcome.playlists),
        "gaps": len(gaps),
        "catalog": dict(outcome.catalog),
        "problems": problems,
    }


def _headline(outcome: Outcome, counts: LoadCounts) -> str:
    if not outcome.listeners:
        return NOBODY if not outcome.failed else "No listener was asked for anything."
    return f"{counts.inserted:,} new plays of {len(outcome.listeners):,} listener(s)."


def _plays_line(result: Result) -> str:
    if "counts" not in result:
        return ""
    counts = LoadCounts(**result["counts"])
    rejected = f", {counts.rejected:,} rejected" if counts.rejected else ""
    return f"{result['username']}: {counts.inserted:,} new plays, {counts.already_there:,} known{rejected}"


def _playlists_line(result: Result) -> str:
    if "counts" not in result:
        return ""
    told = result["counts"]
    gone = f", {told['gone']:,} gone at Spotify and kept" if told["gone"] else ""
    changes = f"{told['inserted']:,} new, {told['updated']:,} changed"
    return f"{result['username']}: {told['told']:,} playlists ({changes}{gone})"


def _playlist_totals(results: Sequence[Result]) -> dict[str, int]:
    counts = [result["counts"] for result in results if "counts" in result]
    return {name: sum(one[name] for one in counts) for name in ("told", "inserted", "updated", "gone", "unreadable")}


def _problems(outcome: Outcome) -> Iterator[str]:
    """What a person has to mend: in the tasks' own words, or where these have none, which task failed."""
    told = [result["problem"] for result in (*outcome.loaded, *outcome.playlists) if "problem" in result]
    yield from told
    asked = set(outcome.listeners)
    for task, results in ((LOAD, outcome.loaded), (PLAYLISTS, outcome.playlists)):
        unheard = asked - {result["username"] for result in results}
        if task in outcome.failed:
            yield from (f"{username}: {task} failed, see its log" for username in sorted(unheard))
        # Whose account has a problem was not asked for playlists.
        asked -= {result["username"] for result in results if "problem" in result}
    yield from (f"{task} failed, see its log" for task in outcome.failed if task not in (LOAD, PLAYLISTS))
