"""What the summary of every run says, whichever DAG it is of: sentences, and how much work is left.

The task ``summary`` of each DAG returns ``{"text": [str, …], "left": int, "left_text": str | None, …}``. Reports write
``left`` and ``left_text`` with ``left_in_summary``; pages and notifications read all three with ``RunSummary.of``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SUMMARY_TASK = "summary"
"""The task of each DAG that returns the summary of the run."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """What is read from any summary.

    :param text: sentences for a person
    :param left: things that a finished run did not do and a person or a later run has to: rows, tracks, months, steps
    :param left_text: what they are; None where nothing is left
    """

    text: tuple[str, ...] = ()
    left: int = 0
    left_text: str | None = None

    @classmethod
    def of(cls, returned: object) -> RunSummary:
        """Read what a task ``summary`` returned; a run that came to none has nothing to tell."""
        if not isinstance(returned, Mapping):
            return cls()
        lines = returned.get("text") or ()
        return cls(
            text=tuple(str(line) for line in lines),
            left=int(returned.get("left") or 0),
            left_text=returned.get("left_text") or None,
        )


def left_in_summary(parts: Iterable[tuple[int, str]]) -> dict[str, Any]:
    """The fields of a summary that say what is left.

    :param parts: how many things of a kind are left, and a sentence on them; none of a kind is not told
    """
    told = [(number, sentence) for number, sentence in parts if number]
    return {
        "left": sum(number for number, _ in told),
        "left_text": " ".join(sentence for _, sentence in told) or None,
    }
