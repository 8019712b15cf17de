"""The maintenance of PostgreSQL's indexes: look, plan, carry out."""

from __future__ import annotations

import logging
import time
from typing import Any

import psycopg
from psycopg import Connection, errors, sql

from echotune.indexes.postgres import declared_indexes
from echotune.indexes.postgres_builder import IndexBuilder
from echotune.indexes.postgres_plan import PostgresStep, plan_postgresql
from echotune.indexes.postgres_session import MaintenanceSession
from echotune.indexes.postgres_state import read_state
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action, Outcome, StepResult
from echotune.resources import read_sql

log = logging.getLogger(__name__)


def maintain_postgresql(connection: Connection[Any], settings: MaintenanceSettings) -> list[StepResult]:
    """Make the indexes what is declared, and statistics and partitions what they should be; tell what became of it.

    What the server refuses, or what is busy, ends its own step only.

    :param connection: outside of any transaction; best direct, as what is built concurrently has limits only there
    :raises psycopg.OperationalError: the server cannot be reached any more
    """
    declared = declared_indexes()
    plan = plan_postgresql(declared, read_state(connection, declared, settings), settings)
    if settings.dry_run:
        return [StepResult(step=one.step, outcome=Outcome.PLANNED) for one in plan]
    session = MaintenanceSession(connection, settings)
    return [_carry_out(one, session) for one in plan]


def _carry_out(planned: PostgresStep, session: MaintenanceSession) -> StepResult:
    started = time.monotonic()
    outcome, detail = Outcome.DONE, ""
    try:
        _do(planned, session)
    except psycopg.Error as error:
        if session.connection.closed:
            raise
        outcome, detail = _told(error, planned, session)
    step = planned.step
    if step.action not in (Action.LEAVE, Action.REPORT):
        log.info("%s %s.%s: %s %s", step.action, step.place, step.name, outcome, detail)
    return StepResult(step=step, outcome=outcome, detail=detail, seconds=time.monotonic() - started)


def _do(planned: PostgresStep, session: MaintenanceSession) -> None:
    step, builder = planned.step, IndexBuilder(session)
    if planned.index and step.action in (Action.CREATE, Action.ATTACH):
        builder.create(planned.index)
    elif planned.index and step.action is Action.REBUILD:
        builder.rebuild(planned.index)
    elif step.action is Action.CLEAN:
        builder.drop(planned.schema, step.name)
    elif step.action is Action.REINDEX:
        reindex = sql.SQL("reindex index concurrently {}").format(sql.Identifier(planned.schema, step.name))
        session.concurrently(reindex)
    elif step.action is Action.ANALYZE:
        session.briefly([sql.SQL("analyze {}").format(sql.Identifier(planned.schema, step.place))])
    elif step.action is Action.PARTITION:
        session.briefly([sql.SQL(read_sql("schema/partitions_ahead.sql"))])


def _told(error: psycopg.Error, planned: PostgresStep, session: MaintenanceSession) -> tuple[Outcome, str]:
    said = error.diag.message_primary or str(error).partition("\n")[0]
    if isinstance(error, errors.LockNotAvailable):
        holders = session.holders(f"{planned.schema}.{planned.step.place}")
        return (
            Outcome.BUSY,
            f"the lock was not got in time; held by {', '.join(holders) or 'sessions that ended since'}",
        )
    if isinstance(error, errors.InsufficientPrivilege):
        return Outcome.REFUSED, f"{said}: sign in as the owner of the table"
    if isinstance(error, errors.QueryCanceled):
        return Outcome.FAILED, f"{said}: a longer statement_timeout_minutes may help"
    return Outcome.FAILED, said
