"""The proof that ends a sync: both sides are compared, what differs is repaired and compared again, and all is kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from echotune.history.forgotten import ForgottenUsers
from echotune.reconciliation import NotReconciled
from echotune.sync.counts import SyncCounts
from echotune.sync.deletion_limit import DeletionLimit
from echotune.sync.reconciliations import Comparison, State, named, remember
from echotune.sync.repair import count_by_name, count_rows_of_duplicates, delete_unneeded_placeholders, repair
from echotune.sync.revisions import Revisions
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from echotune.sync.tables import table_named
from echotune.sync.verify import Verifier

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ReconcileReport:
    """What a proof found and did.

    :param states: how each table or month compared in the end
    :param repairs: what repairs wrote and deleted, by table
    """

    states: Sequence[tuple[Comparison, State]]
    repairs: Mapping[str, SyncCounts]

    def where(self, *states: State) -> list[str]:
        """The tables and months in these states."""
        return [str(comparison) for comparison, state in self.states if state in states]

    def summary(self) -> dict[str, Any]:
        """Counts, and the names of what was not simply equal."""
        return {
            "compared": len(self.states),
            "equal": len(self.where(State.EQUAL)),
            "repaired": self.where(State.REPAIRED),
            "changing": self.where(State.CHANGING),
            "differs": self.where(State.DIFFERS),
            "deleted": {table: counts.deleted for table, counts in self.repairs.items() if counts.deleted},
        }


def reconcile_sync(
    connection: Connection[Any], source: SyncSource, run_id: str, settings: SyncSettings
) -> ReconcileReport:
    """Compare all tables of the settings, repair what differs where they say so, and keep what was found.

    :param run_id: a run that is recorded (:func:`echotune.sync.runs.start_run`)
    :raises NotReconciled: tables or months differ in the end, or more rows are gone in MongoDB than may be deleted
    """
    by_documents = settings.verify_only or settings.full_refresh
    tables = [table_named(name) for name in settings.tables]
    forgotten = source.forgotten_users()
    verifier = Verifier(connection, source, tables, use_revisions=not by_documents)
    first = verifier.verify()
    differing = [comparison for comparison in first if not comparison.equal]
    for comparison in differing:
        log.warning("differs: %s", _numbers(comparison))
    if not differing or settings.verify_only or not settings.repair:
        return _close(connection, run_id, ReconcileReport(states=_states(source, first, first, forgotten), repairs={}))
    try:
        repairs = _repair(connection, source, first, settings.max_deleted_share)
    except NotReconciled:
        states = _states(source, first, first, forgotten)
        if forgotten.digests():
            # Rows of a forgotten user are on their way out: too many for a repair, and not this run's to delete.
            return _close(connection, run_id, ReconcileReport(states=states, repairs={}))
        remember(connection, run_id, states)
        raise
    last = [comparison if comparison.equal else verifier.verify_again(comparison) for comparison in first]
    return _close(connection, run_id, ReconcileReport(states=_states(source, first, last, forgotten), repairs=repairs))


def _repair(
    connection: Connection[Any], source: SyncSource, comparisons: Sequence[Comparison], max_deleted_share: float
) -> dict[str, SyncCounts]:
    """Repair what differs, those who refer to others first: so what they referred to can go.

    :raises NotReconciled: more rows are gone in MongoDB than may be deleted
    """
    no_loss = count_by_name(connection) + count_rows_of_duplicates(connection, source, comparisons)
    limit = DeletionLimit(max_deleted_share, comparisons, no_loss=no_loss)
    limit.check()
    repairs: dict[str, SyncCounts] = {}
    for comparison in reversed([comparison for comparison in comparisons if not comparison.equal]):
        counts = repair(connection, source, comparison, limit)
        repairs[comparison.table] = repairs.get(comparison.table, SyncCounts()) + counts
    if any(counts.deleted for counts in repairs.values()):
        delete_unneeded_placeholders(connection)
    return repairs


def _states(
    source: SyncSource, first: Sequence[Comparison], last: Sequence[Comparison], forgotten: ForgottenUsers
) -> list[tuple[Comparison, State]]:
    """How each table or month compared: where it differs and MongoDB changed meanwhile, nothing is said of it yet.

    Who forgets a user deletes on one side after the other, so MongoDB changes also where it no longer shows.
    """
    now = Revisions(source, {one.table: table_named(one.table) for one in last if not one.equal}.values())
    is_forgetting = bool(forgotten.digests())
    return [
        (after, _state(before, after, now, is_forgetting=is_forgetting))
        for before, after in zip(first, last, strict=True)
    ]


def _state(before: Comparison, after: Comparison, now: Revisions, *, is_forgetting: bool) -> State:
    if after.equal:
        return State.EQUAL if before.equal else State.REPAIRED
    revision = now.of(table_named(after.table)).get(after.month, "")
    return State.DIFFERS if revision == before.revision and not is_forgetting else State.CHANGING


def _close(connection: Connection[Any], run_id: str, report: ReconcileReport) -> ReconcileReport:
    """Keep what was found.

    :raises NotReconciled: something differs
    """
    remember(connection, run_id, report.states)
    if changing := report.where(State.CHANGING):
        log.warning("changed while it was compared, the next run compares it again: %s", named(changing))
    if differing := [comparison for comparison, state in report.states if state is State.DIFFERS]:
        tried = "still differ after the repair" if report.repairs else "differ and were not repaired"
        raise NotReconciled(f"MongoDB and PostgreSQL {tried}: {named([*map(_numbers, differing)])}")
    return report


def _numbers(comparison: Comparison) -> str:
    documents, rows = comparison.documents.rows, comparison.rows.rows
    if documents == rows:
        return f"{comparison} ({rows:,} rows on both sides, with other values)"
    return f"{comparison} ({documents:,} rows in MongoDB, {rows:,} in PostgreSQL)"
