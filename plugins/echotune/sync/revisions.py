"""What MongoDB says cheaply of its collections: other once a document changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from echotune.sync.source import SyncSource
from echotune.sync.tables import LISTENING_HISTORY, Table, rules_of
from echotune.sync.totals import Month


class Revisions:
    """The revisions of tables' documents by month: each collection is asked once, while the caller does other work."""

    def __init__(self, source: SyncSource, tables: Iterable[Table]) -> None:
        asked = {table.collection: table for table in map(_counted, tables)}
        pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="revisions")
        self._found = {name: pool.submit(source.revisions, table) for name, table in asked.items()}
        pool.shutdown(wait=False)

    def of(self, table: Table) -> Mapping[Month, str]:
        """Return them; they are others as well once the rules or the table's columns change."""
        rules = rules_of(table)
        return {month: f"{rules} {revision}" for month, revision in self._of_collection(table).items()}

    def _of_collection(self, table: Table) -> Mapping[Month, str]:
        found = self._found[_counted(table).collection].result()
        return found if _counted(table) is table else {None: _digest(*sorted(found.items(), key=str))}


def _counted(table: Table) -> Table:
    """The table whose documents tell of a table: the users are those of the plays."""
    return LISTENING_HISTORY if table.collection == "users" else table


def _digest(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:16]
