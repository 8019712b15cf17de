"""The transactions in which everything of the sync happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from echotune.resources import read_sql


@contextmanager
def sync_transaction(connection: Connection[Any]) -> Iterator[None]:
    """A transaction with the rights of the role echotune_sync, which waits and works only so long.

    Nothing is set for the session: the connection may lead through a pooler in transaction mode.
    """
    with connection.transaction():
        connection.execute(read_sql("sync/begin_transaction.sql"))
        yield


@contextmanager
def writing_transaction(connection: Connection[Any]) -> Iterator[None]:
    """The same for one writer of synced rows at a time."""
    with sync_transaction(connection):
        lock_writers(connection)
        yield


def lock_writers(connection: Connection[Any]) -> None:
    """Wait until no other transaction writes synced rows; who does so after this one waits for its end."""
    connection.execute(read_sql("sync/lock_writers.sql"))
