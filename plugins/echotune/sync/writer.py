"""One batch, written: all of it or nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from echotune.resources import read_sql
from echotune.sync.batches import REFUSED, Batch, FitDocument, RejectedDocument, month_of, reject, rows_of
from echotune.sync.counts import SyncCounts
from echotune.sync.staging import identifiers, stage
from echotune.sync.tables import Reference, Table, table_named
from echotune.sync.transaction import lock_writers

log = logging.getLogger(__name__)

PLAYED_AT = 1
"""The place of a play's time in its row."""


def write_batch(connection: Connection[Any], table: Table, batch: Batch) -> SyncCounts:
    """Write a batch within the caller's transaction; what PostgreSQL refuses is rejected, the rest written."""
    written, refused = _write_fit(connection, table, batch.fit)
    _clear_rejected(connection, table, batch.fit)
    rejected = [*batch.rejected, *refused]
    _keep_rejected(connection, table, rejected)
    return written + SyncCounts(documents=batch.documents, quarantined=len(rejected))


def _write_fit(
    connection: Connection[Any], table: Table, documents: Sequence[FitDocument]
) -> tuple[SyncCounts, list[RejectedDocument]]:
    """Write documents, and where PostgreSQL refuses one, each half of them by itself until it is found."""
    if not documents:
        return SyncCounts(), []
    try:
        with connection.transaction():
            return write_rows(connection, table, documents), []
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(documents) == 1:
            return SyncCounts(), [_refused(table, documents[0], error)]
    middle = len(documents) // 2
    first, first_refused = _write_fit(connection, table, documents[:middle])
    second, second_refused = _write_fit(connection, table, documents[middle:])
    return first + second, first_refused + second_refused


def write_rows(connection: Connection[Any], table: Table, documents: Sequence[FitDocument]) -> SyncCounts:
    """Make PostgreSQL's rows of documents those that the documents tell, and count what that took.

    :raises psycopg.DataError: PostgreSQL refuses a value
    :raises psycopg.IntegrityError: a row breaks a rule of the schema
    """
    rows = sum(len(document.rows) for document in documents)
    if not rows:
        lock_writers(connection)
        return SyncCounts(deleted=_delete_rows_of(connection, table, documents))
    stage(connection, table, rows_of(documents))
    lock_writers(connection)
    if table.owner_has_many:
        deleted = _delete_gone(connection, table, documents)
    else:
        deleted = _delete_rows_of(connection, table, [document for document in documents if not document.rows])
    with _planned_for_few_rows(connection):
        inserted = _count_new(connection, table, documents)
        for reference in table.references:
            _make_placeholders(connection, reference)
        if inserted == rows and not table.refers_to_itself:
            written = _insert(connection, table)
        else:
            written = _merge(connection, table, documents)
    # Placeholders of the table itself are new rows that MERGE finds there.
    updated = max(0, written - inserted)
    return SyncCounts(inserted=inserted, updated=updated, unchanged=rows - inserted - updated, deleted=deleted)


@contextmanager
def _planned_for_few_rows(connection: Connection[Any]) -> Iterator[None]:
    """Have staged rows looked up in a table. What is gone from it is looked up among staged rows, without this."""
    connection.execute(read_sql("sync/plan_for_few_rows.sql"))
    yield
    connection.execute(read_sql("sync/plan_as_usual.sql"))


def _count_new(connection: Connection[Any], table: Table, documents: Sequence[FitDocument]) -> int:
    statement = sql.SQL(read_sql("sync/count_new.sql"))
    found = statement.format(table=sql.Identifier(table.name), same_row=_same_row(table))
    return _number(connection, found, _times(table, documents))


def _make_placeholders(connection: Connection[Any], reference: Reference) -> None:
    parent = table_named(reference.table)
    columns, values = identifiers(reference.fills), identifiers(reference.fills.values())
    if parent.has_placeholders:
        columns, values = columns + sql.SQL(", placeholder"), values + sql.SQL(", true")
    statement = sql.SQL(read_sql("sync/make_placeholders.sql")).format(
        parent=sql.Identifier(parent.name),
        reference=sql.Identifier(reference.column),
        columns=columns,
        values=values,
        names=identifiers(dict.fromkeys(reference.fills.values())),
    )
    connection.execute(statement)


def _delete_gone(connection: Connection[Any], table: Table, documents: Sequence[FitDocument]) -> int:
    statement = sql.SQL(read_sql("sync/delete_gone.sql")).format(
        table=sql.Identifier(table.name), owner=sql.Identifier(table.owner), same_row=_same_row(table)
    )
    return connection.execute(statement, {"owners": [document.owner for document in documents]}).rowcount


def _delete_rows_of(connection: Connection[Any], table: Table, documents: Sequence[FitDocument]) -> int:
    """Delete every row of documents that tell of none any more, such as a play that is a duplicate of another."""
    if not documents:
        return 0
    statement = sql.SQL(read_sql("sync/delete_rows_of.sql")).format(
        table=sql.Identifier(table.name), owner=sql.Identifier(table.owner)
    )
    return connection.execute(statement, {"owners": [document.owner for document in documents]}).rowcount


def _insert(connection: Connection[Any], table: Table) -> int:
    names = identifiers(column.name for column in table.columns)
    statement = sql.SQL(read_sql("sync/insert.sql")).format(table=sql.Identifier(table.name), columns=names)
    return connection.execute(statement).rowcount


def _merge(connection: Connection[Any], table: Table, documents: Sequence[FitDocument]) -> int:
    names = [column.name for column in table.columns]
    written = [name for name in names if name not in table.key]
    targets, wanted = identifiers(written), identifiers(written, of="staged")
    present = identifiers(written, of="target")
    if table.has_placeholders:
        targets, wanted = targets + sql.SQL(", placeholder"), wanted + sql.SQL(", false")
        present += sql.SQL(", target.placeholder")
    statement = sql.SQL(read_sql("sync/merge.sql")).format(
        table=sql.Identifier(table.name),
        same_row=_same_row(table),
        present=present,
        wanted=wanted,
        written=targets,
        columns=identifiers(names),
        values=identifiers(names, of="staged"),
    )
    return connection.execute(statement, _times(table, documents)).rowcount


def _same_row(table: Table) -> sql.Composed:
    """The condition that a row is the staged one; the times leave out the partitions of other years."""
    same = [sql.SQL("target.{name} = staged.{name}").format(name=sql.Identifier(name)) for name in table.key]
    if table.by_month:
        same.append(
            sql.SQL("target.played_at between {} and {}").format(sql.Placeholder("first"), sql.Placeholder("last"))
        )
    return sql.SQL(" and ").join(same)


def _times(table: Table, documents: Sequence[FitDocument]) -> dict[str, Any]:
    if not table.by_month:
        return {}
    times = [row[PLAYED_AT] for document in documents for row in document.rows]
    return {"first": min(times), "last": max(times)}


def _refused(table: Table, document: FitDocument, error: psycopg.Error) -> RejectedDocument:
    reason = str(error).strip().splitlines()[0] or type(error).__name__
    log.warning("%s %s: %s", table.name, document.id, reason)
    month = month_of(document.rows[0][PLAYED_AT]) if table.by_month else None
    return reject(table, document.id, document.owner, REFUSED + reason, month)


def _clear_rejected(connection: Connection[Any], table: Table, documents: Sequence[FitDocument]) -> None:
    """Forget that documents did not fit once."""
    if documents and _number(connection, read_sql("sync/any_rejected.sql"), {"table_name": table.name}):
        values = {"table_name": table.name, "row_ids": [document.owner for document in documents]}
        connection.execute(read_sql("sync/clear_rejected.sql"), values)


def _keep_rejected(connection: Connection[Any], table: Table, documents: Sequence[RejectedDocument]) -> None:
    if not documents:
        return
    each = list({document.name: document for document in documents}.values())
    values = {
        "table_name": table.name,
        "document_ids": [document.name for document in each],
        "row_ids": [document.row_id for document in each],
        "months": [document.month for document in each],
        "reasons": [document.reason for document in each],
    }
    connection.execute(read_sql("sync/reject.sql"), values)


def _number(connection: Connection[Any], statement: LiteralString | sql.Composed, values: Any = None) -> int:
    row = connection.execute(statement, values).fetchone()
    return int(row[0]) if row else 0
