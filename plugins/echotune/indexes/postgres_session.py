"""Statements of maintenance, given so that nobody waits long for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import Connection, errors, sql

from echotune.indexes.settings import MaintenanceSettings
from echotune.resources import read_sql

Statement = sql.Composed | sql.SQL

FIRST_PAUSE_SECONDS = 0.2
PATIENCE = 120
"""So many times as long may a statement wait behind which no reader and no writer waits."""


class MaintenanceSession:
    """Gives statements on a connection, each with limits to what it waits for.

    Behind a pooler the limits of a session would be another one's: there they are set within transactions only, and
    what is built concurrently, for which nobody waits, has those of the database.
    """

    def __init__(self, connection: Connection[Any], settings: MaintenanceSettings) -> None:
        self.connection = connection
        self._settings = settings
        row = connection.execute("select pg_backend_pid()").fetchone()
        self._pooled = not row or row[0] != connection.info.backend_pid

    def concurrently(self, statement: Statement, *, after_failure: Statement | None = None) -> None:
        """Give a statement that must be outside of a transaction, and that blocks neither readers nor writers.

        :param after_failure: removes what a broken off one left
        """

        if not self._pooled:
            self._limit(in_transaction=False, patience=PATIENCE)
        try:
            # Tried once: building again what waited in vain at its end costs more than the next run.
            self.connection.execute(statement)
        except psycopg.Error:
            if after_failure and not self.connection.closed:
                self.connection.execute(after_failure)
            raise

    def briefly(self, statements: Sequence[Statement]) -> None:
        """Give statements in one transaction, which gives up rather than keep others waiting."""

        def give() -> None:
            with self.connection.transaction():
                self._limit(in_transaction=True)
                for statement in statements:
                    self.connection.execute(statement)

        self._patiently(give)

    def holders(self, table: str) -> list[str]:
        """Who holds or awaits locks of a table."""
        rows = self.connection.execute(read_sql("indexes/holders.sql"), {"table_name": table}).fetchall()
        return [holder for (holder,) in rows]

    def _limit(self, *, in_transaction: bool, patience: int = 1) -> None:
        limits = {
            "lock_timeout": f"{self._settings.lock_timeout_milliseconds * patience}ms",
            "statement_timeout": f"{self._settings.statement_timeout_minutes}min",
            "in_transaction": in_transaction,
        }
        self.connection.execute(read_sql("indexes/limits.sql"), limits)

    def _patiently(self, give: Callable[[], None]) -> None:
        """Try again where a lock was not got, after growing pauses."""
        pause = FIRST_PAUSE_SECONDS
        for _ in range(self._settings.lock_attempts - 1):
            try:
                return give()
            except errors.LockNotAvailable:
                time.sleep(pause)
                pause *= 2
        return give()
