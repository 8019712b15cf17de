"""What the database knows of a run at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from echotune.resources import read_sql
from echotune.sync.counts import SyncCounts
from echotune.sync.report import Proof
from echotune.sync.transaction import sync_transaction


@dataclass(frozen=True, kw_only=True)
class Records:
    """The records of a run.

    :param tables: what it did, by table
    :param proofs: how the two sides compared
    :param rejected: documents that do not fit, by table, of this run and of earlier ones
    :param unfinished: slices that were planned and are not done
    """

    tables: Mapping[str, SyncCounts]
    proofs: Sequence[Proof]
    rejected: Mapping[str, int]
    unfinished: int


def records_of(connection: Connection[Any], run_id: str) -> Records:
    """Read what a run did and what was proved."""
    run = {"run_id": run_id}
    with sync_transaction(connection), connection.cursor(row_factory=dict_row) as cursor:
        tables = cursor.execute(read_sql("report/table_counts.sql"), run).fetchall()
        proofs = cursor.execute(read_sql("report/proofs.sql"), run).fetchall()
        rejected = cursor.execute(read_sql("report/rejected.sql")).fetchall()
        unfinished = cursor.execute(read_sql("report/unfinished.sql"), run).fetchall()
    return Records(
        tables={row.pop("table_name"): SyncCounts(**row) for row in tables},
        proofs=[Proof(**row) for row in proofs],
        rejected={row["table_name"]: row["documents"] for row in rejected},
        unfinished=unfinished[0]["slices"],
    )
