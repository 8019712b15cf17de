"""How much may be deleted before somebody is asked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from echotune.reconciliation import NotReconciled
from echotune.sync.reconciliations import Comparison, named
from echotune.sync.tables import table_named

PERCENT = 100


class DeletionLimit:
    """The rows of each table that may be deleted in a run: a share of those it has.

    :param share: of 0 to 1
    :param comparisons: which say how many rows there are
    :param no_loss: how many of each table may go besides. What is known by its name only: enrichment learns who that
        is, and its document and row go when others with the Spotify id are there. And plays that were marked as
        duplicates since they were copied
    """

    def __init__(self, share: float, comparisons: Sequence[Comparison], *, no_loss: Mapping[str, int]) -> None:
        self._share = share
        self._comparisons = comparisons
        self._rows: Counter[str] = Counter()
        for comparison in comparisons:
            self._rows[comparison.table] += comparison.rows.rows
        self._deleted: Counter[str] = Counter()
        self._no_loss = no_loss

    def check(self) -> None:
        """Look before anything is deleted whether what is surely too much fits the limit.

        :raises NotReconciled: it does not
        """
        for table in self._rows:
            more = [
                comparison
                for comparison in self._comparisons
                if comparison.table == table and comparison.rows.rows > comparison.documents.rows
            ]
            gone = sum(comparison.rows.rows - comparison.documents.rows for comparison in more)
            gone -= min(gone, self._no_loss.get(table, 0))
            if table_named(table).removes:
                self.allow(table, gone, where=named([*map(str, more)]))

    def allow(self, table: str, rows: int, *, where: str) -> None:
        """Allow to delete rows, besides those that were deleted before.

        :raises NotReconciled: these are too many; the caller deletes none
        """
        gone, present = self._deleted[table] + rows, self._rows[table]
        if gone <= self._share * present:
            return
        share = gone / max(gone, present)
        enough = math.ceil(share * PERCENT) / PERCENT
        raise NotReconciled(
            f"{gone:,} of the {present:,} rows of {table} have no document in MongoDB ({where}): {share:.1%}, and "
            f"max_deleted_share allows {self._share:.1%}. None of these was deleted. Look what became of the "
            f"documents; if they are meant to be gone, run again with max_deleted_share {enough} or more"
        )

    def count(self, table: str, rows: int) -> None:
        """Count rows that were deleted."""
        self._deleted[table] += rows
