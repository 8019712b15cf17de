"""Failing without a retry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowFailException


@contextmanager
def fail_at_once_on(*errors: type[Exception]) -> Iterator[None]:
    """Fail the task at once on errors that a retry would meet just the same."""
    try:
        yield
    except errors as error:
        raise AirflowFailException(str(error)) from error
