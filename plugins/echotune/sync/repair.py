"""What makes a table, or a month of it, equal again: its documents are written anew, and rows without one go."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from psycopg import Connection, sql

from echotune.resources import read_sql
from echotune.sync.batches import batches_of
from echotune.sync.counts import SyncCounts
from echotune.sync.deletion_limit import DeletionLimit
from echotune.sync.document_side import fit_rows
from echotune.sync.forgotten import LeavingOut
from echotune.sync.read_ahead import read_ahead
from echotune.sync.reconciliations import Comparison
from echotune.sync.row_side import count_rows_of, in_month
from echotune.sync.source import WHOLE, Order, Part, SyncSource
from echotune.sync.staging import identifiers, stage
from echotune.sync.tables import TABLES, Document, Reference, Row, Table, table_named
from echotune.sync.totals import NOTHING
from echotune.sync.transaction import sync_transaction, writing_transaction
from echotune.sync.writer import write_batch

log = logging.getLogger(__name__)


def repair(connection: Connection[Any], source: SyncSource, comparison: Comparison, limit: DeletionLimit) -> SyncCounts:
    """Write the documents of a table or month anew, and delete its rows that have none.

    :raises NotReconciled: more rows would be deleted than the limit allows; none of them is
    """
    table = table_named(comparison.table)
    part: Part = comparison.month if table.by_month else WHOLE
    counts = _write_documents(connection, source, table, part)
    if table.removes and not (table.by_month and comparison.month is None):
        counts += _delete_gone(connection, source, comparison, limit)
    log.warning("%s: repaired: %s", comparison, counts)
    return counts


def _write_documents(connection: Connection[Any], source: SyncSource, table: Table, part: Part) -> SyncCounts:
    if table.by_month and part is not None and part != WHOLE:
        with sync_transaction(connection):
            years = {"first_year": part.year, "last_year": part.year}
            connection.execute(read_sql("sync/ensure_partitions.sql"), years)
    leaving_out = LeavingOut(users=source.forgotten_users())
    # What MongoDB has comes last: a play that came back counts as it is there.
    counts = SyncCounts()
    for documents in (_archived_documents(connection, source, table, part), source.all_documents(table, part)):
        for batch in read_ahead(batches_of(table, documents, Order.CHANGE)):
            with writing_transaction(connection):
                counts += write_batch(connection, table, leaving_out.without(table, batch))
    return counts


def _archived_documents(
    connection: Connection[Any], source: SyncSource, table: Table, part: Part
) -> Iterable[Document]:
    """The archived plays of a part where any of their rows is missing or wrong: files may be costly to read."""
    archived = source.archived(table, part)
    ids = [row[0] for row in archived.row_keys()] if archived else []
    if not archived or not ids:
        return ()
    wanted = sum(archived.totals().values(), start=NOTHING)
    return () if count_rows_of(connection, table, ids) == wanted else archived.documents()


def _delete_gone(
    connection: Connection[Any], source: SyncSource, comparison: Comparison, limit: DeletionLimit
) -> SyncCounts:
    """Delete rows that no document tells of; those that other rows refer to become placeholders.

    The documents are read while no other writer can bring rows of later ones.
    """
    table, month = table_named(comparison.table), comparison.month
    part: Part = month if table.by_month else WHOLE
    with writing_transaction(connection):
        # A secondary that lags behind lacks documents that are not gone.
        _stage_keys(connection, table, source.on_primary(), part)
        values = {"table_name": table.name, "month": month}
        gone = connection.execute(_find_gone(table), values).rowcount
        if not gone:
            return SyncCounts()
        counted = gone - _count_gone_by_name(connection, table)
        limit.allow(table.name, counted, where=str(comparison))
        connection.execute(_delete(table), values)
        if table.has_placeholders:
            connection.execute(_empty(table))
    limit.count(table.name, counted)
    return SyncCounts(deleted=gone)


def delete_unneeded_placeholders(connection: Connection[Any]) -> int:
    """Delete placeholders that no row refers to any more; return how many there were."""
    deleted = 0
    with writing_transaction(connection):
        for table in reversed(TABLES):
            if table.has_placeholders:
                statement = sql.SQL(read_sql("reconcile/delete_placeholders.sql")).format(
                    table=sql.Identifier(table.name), referred=_referred(table)
                )
                deleted += connection.execute(statement).rowcount
    return deleted


def count_rows_of_duplicates(
    connection: Connection[Any], source: SyncSource, comparisons: Iterable[Comparison]
) -> Counter[str]:
    """Count by table, where there are more rows than documents tell of, those of plays that are marked by now."""
    counts: Counter[str] = Counter()
    for comparison in comparisons:
        table = table_named(comparison.table)
        if table.by_month and comparison.rows.rows > comparison.documents.rows:
            marked = source.duplicates(table, comparison.month)
            counts[table.name] += count_rows_of(connection, table, marked).rows
    return counts


def count_by_name(connection: Connection[Any]) -> Counter[str]:
    """Count the rows of each table that are known by their name only."""
    counts: Counter[str] = Counter()
    with sync_transaction(connection):
        for table in TABLES:
            if table.has_placeholders:
                statement = sql.SQL(read_sql("reconcile/count_by_name.sql"))
                counts[table.name] = _number(connection, statement.format(table=sql.Identifier(table.name)))
    return counts


def _count_gone_by_name(connection: Connection[Any], table: Table) -> int:
    if not table.has_placeholders:
        return 0
    statement = sql.SQL(read_sql("reconcile/count_gone_by_name.sql"))
    same_row = _same_key(table, "gone", "found")
    return _number(connection, statement.format(table=sql.Identifier(table.name), same_row=same_row))


def _number(connection: Connection[Any], statement: sql.Composed) -> int:
    row = connection.execute(statement).fetchone()
    return int(row[0]) if row else 0


def _stage_keys(connection: Connection[Any], table: Table, source: SyncSource, part: Part) -> None:
    keys = replace(table, columns=table.columns[: len(table.key)], staged_only=())
    stage(connection, keys, _keys(table, source, part))


def _keys(table: Table, source: SyncSource, part: Part) -> Iterator[Row]:
    """The keys of documents and archived plays; these twice, so that one on its way in or out is seen."""
    archived = source.archived(table, part)
    yield from archived.row_keys() if archived else ()
    yield from _keys_of_documents(table, source, part)
    yield from archived.row_keys() if archived else ()


def _keys_of_documents(table: Table, source: SyncSource, part: Part) -> Iterator[Row]:
    for rows in fit_rows(table, source.all_documents(table, part), ()):
        for row in rows:
            yield row[: len(table.key)]


def _find_gone(table: Table) -> sql.Composed:
    return sql.SQL(read_sql("reconcile/find_gone.sql")).format(
        table=sql.Identifier(table.name),
        owner=sql.Identifier(table.owner),
        key=identifiers(table.key, of="found"),
        same_row=_same_key(table, "staged", "found"),
        documented=sql.SQL("not found.placeholder" if table.has_placeholders else "true"),
        in_month=in_month() if table.by_month else sql.SQL("true"),
    )


def _delete(table: Table) -> sql.Composed:
    return sql.SQL(read_sql("reconcile/delete_gone.sql")).format(
        table=sql.Identifier(table.name),
        same_row=_same_key(table, "gone", "found"),
        in_month=in_month() if table.by_month else sql.SQL("true"),
        referred=_referred(table),
    )


def _empty(table: Table) -> sql.Composed:
    """Leave of what could not be deleted what a placeholder has."""
    kept = {name for _, reference in _references_to(table) for name in reference.fills}
    emptied = [column.name for column in table.columns if column.name not in kept]
    return sql.SQL(read_sql("reconcile/make_placeholders.sql")).format(
        table=sql.Identifier(table.name),
        emptied=identifiers(emptied),
        nothing=sql.SQL(", ").join(sql.NULL for _ in emptied),
        same_row=_same_key(table, "gone", "found"),
    )


def _referred(table: Table) -> sql.Composable:
    """Whether rows of other documents refer to a row ``found``."""
    conditions = [
        sql.SQL("exists (select from {child} as child where child.{column} = found.id)").format(
            child=sql.Identifier("public", child.name), column=sql.Identifier(reference.column)
        )
        for child, reference in _references_to(table)
    ]
    return sql.SQL(" or ").join(conditions) if conditions else sql.SQL("false")


def _references_to(table: Table) -> Iterable[tuple[Table, Reference]]:
    """The references of other documents' rows to a table; rows of the same document go with it."""
    return [
        (child, reference)
        for child in TABLES
        for reference in child.references
        if reference.table == table.name and reference.column != child.owner
    ]


def _same_key(table: Table, one: str, other: str) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(one, name), sql.Identifier(other, name)) for name in table.key
    )
