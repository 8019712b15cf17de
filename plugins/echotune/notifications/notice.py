"""What is told of a run that ended, in the words of every way to tell it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from echotune.notifications.wording import without_personal_data
from echotune.run_summary import RunSummary

MOST_LINES = 40
"""Lines of a summary; the rest is on the page that the notice links to."""


@dataclass(frozen=True, kw_only=True)
class FailedTask:
    """A task that failed.

    :param error: its error's first line; None where it ended without one, as a killed process does
    """

    task_id: str
    error: str | None = None

    def __str__(self) -> str:
        return f"{self.task_id} failed: {self.error or 'it left no error, see the end of its log'}"


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A run that failed, or that ended with work left.

    :param state: ``failed`` or ``success``
    :param failed: the tasks that failed themselves
    :param url: where Airflow shows the run
    """

    dag_id: str
    run_id: str
    state: str
    url: str
    failed: tuple[FailedTask, ...] = ()
    summary: RunSummary = field(default_factory=RunSummary)

    @property
    def headline(self) -> str:
        """One line: which run, and what is the matter."""
        run = f"{self.dag_id} ({self.run_id})"
        if self.state != "success":
            why = "; ".join(dict.fromkeys(map(str, self.failed))) or "no task failed itself, see its page"
            return f"EchoTune: the run of {run} failed: {without_personal_data(why)}"
        return f"EchoTune: the run of {run} ended with work left: {without_personal_data(self.summary.left_text or '')}"

    @property
    def subject(self) -> str:
        """The headline in a few words."""
        return f"EchoTune: {self.dag_id} {'ended with work left' if self.state == 'success' else 'failed'}"

    @property
    def lines(self) -> list[str]:
        """The sentences of the run's summary."""
        told = [without_personal_data(line) for line in self.summary.text]
        return told if len(told) <= MOST_LINES else [*told[:MOST_LINES], f"… {len(told) - MOST_LINES} more lines"]

    def as_document(self) -> dict[str, Any]:
        """The fields of a webhook's message; ``text`` is what Slack and its like show."""
        return {
            "text": f"{self.headline}\n{self.url}",
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "state": self.state,
            "left": self.summary.left,
            "failed_tasks": [
                asdict(task) | {"error": without_personal_data(task.error) if task.error else None}
                for task in self.failed
            ],
            "summary": self.lines,
            "url": self.url,
        }
