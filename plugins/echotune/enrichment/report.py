"""What a person reads at the end of an enrichment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from echotune.enrichment.progress import Progress
from echotune.enrichment.runs import total
from echotune.enrichment.settings import Subject
from echotune.run_summary import left_in_summary

TITLES = {
    Subject.AUDIO_FEATURES: "Audio features of tracks",
    Subject.TRACKS: "Catalog of tracks",
    Subject.ARTISTS: "Catalog of artists",
    Subject.ALBUMS: "Catalog of albums",
}


def summarise(
    workers: Sequence[Progress], left: Mapping[str, int], embedded: Mapping[str, int], calls_today: int | None
) -> dict[str, Any]:
    """The summary of a run: sentences for a person, counts for a program.

    :param workers: how far each worker came
    :param left: what is due at the end, by subject
    :param embedded: ``tracks`` and ``plays`` that were brought up to date
    :param calls_today: calls to Spotify in the past 24 hours by all workers; None where nobody counts them
    """
    calls = total(worker.calls for worker in workers)
    counts = {
        subject.value: _counts([worker for worker in workers if worker.what == subject], left[subject])
        for subject in Subject
        if subject in left
    }
    go_on_at = max((worker.go_on_at for worker in workers if worker.go_on_at), default=None)
    stopped = sorted({worker.stopped for worker in workers if worker.stopped})
    problems = sorted({problem for worker in workers for problem in worker.problems})
    lines = [_subject_line(Subject(subject), count) for subject, count in counts.items()]
    lines.append(_calls_line(calls, sum(worker.waited_seconds for worker in workers), calls_today))
    lines.append(f"Plays: {embedded.get('plays', 0):,} of {embedded.get('tracks', 0):,} tracks brought up to date.")
    due = sum(left.values())
    told_left = _left_line(due, stopped, go_on_at)
    lines += [told_left, *(f"To mend: {problem}" for problem in problems)]
    return {
        "text": lines,
        **left_in_summary([(due, told_left)]),
        "counts": counts,
        "calls": dict(calls),
        "embedded": dict(embedded),
        "stopped": stopped,
        "go_on_at": go_on_at.isoformat() if go_on_at else None,
        "problems": problems,
    }


def _counts(workers: Sequence[Progress], left: int) -> dict[str, Any]:
    return {
        "enriched_by": dict(total(worker.enriched_by for worker in workers)),
        "not_found": sum(worker.not_found for worker in workers),
        "unavailable": sum(worker.unavailable for worker in workers),
        "errors": sum(worker.errors for worker in workers),
        "cached": sum(worker.cached for worker in workers),
        "left": left,
    }


def _subject_line(subject: Subject, count: Mapping[str, Any]) -> str:
    enriched = count["enriched_by"]
    sources = ", ".join(f"{number:,} from {provider}" for provider, number in sorted(enriched.items()))
    told = [f"{sum(enriched.values()):,} enriched" + (f" ({sources})" if sources else "")]
    told += [f"{count[name]:,} {text}" for name, text in _OTHERS.items() if count[name]]
    return f"{TITLES[subject]}: {', '.join(told)}; {count['left']:,} left."


_OTHERS = {
    "not_found": "not found",
    "unavailable": "that no provider has",
    "errors": "answered wrongly, to be asked again",
    "cached": "of these known from the cache",
}


def _calls_line(calls: Mapping[str, int], waited_seconds: float, calls_today: int | None) -> str:
    made = ", ".join(f"{count:,} to {service}" for service, count in sorted(calls.items())) or "none"
    waited = f"; waited {waited_seconds:,.0f} s for leave to call" if waited_seconds >= 1 else ""
    today = f"; {calls_today:,} to Spotify in the past 24 hours" if calls_today else ""
    return f"Calls: {made}{waited}{today}."


def _left_line(left: int, stopped: Sequence[str], go_on_at: datetime | None) -> str:
    if not left:
        return "Nothing is left."
    when = f" after {go_on_at:%Y-%m-%d %H:%M} UTC" if go_on_at else ""
    why = f" ({'; '.join(stopped)})" if stopped else ""
    are_left = "1 is left" if left == 1 else f"{left:,} are left"
    return f"{are_left}{why}: the next run goes on{when}."
