"""Tasks that fail: without a retry, and named for the summary of a run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context


@contextmanager
def fail_at_once_on(*errors: type[Exception]) -> Iterator[None]:
    """Fail the task at once on errors that a retry would meet just the same."""
    try:
        yield
    except errors as error:
        raise AirflowFailException(str(error)) from error


def failed_tasks(context: Context) -> list[str]:
    """The tasks of this run that failed themselves; a mapped one is named once."""
    run, task = context["run_id"], context["ti"]
    states = task.get_task_states(dag_id=task.dag_id, run_ids=[run])[run]
    return sorted({re.sub(r"_\d+$", "", name) for name, state in states.items() if state == "failed"})
