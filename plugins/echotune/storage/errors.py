"""What can go wrong when storage is measured."""

from __future__ import annotations

import psycopg
from pymongo.errors import OperationFailure


class StorageError(Exception):
    """A setting cannot be meant; the message says what it may be."""


def one_line(error: Exception) -> str:
    """What a database or its driver said, without the pages that follow."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    if isinstance(error, OperationFailure) and error.details:
        return str(error.details.get("errmsg", error))
    # pymongo appends what it knows of every server, psycopg each address that it tried.
    return str(error).partition(", Timeout:")[0].partition(" (configured timeouts:")[0].partition("\n")[0]
