"""A sync in a process of its own, to be killed: ``python -m tests.support.sync_process DATABASE RUN``.

It syncs a database of MONGODB_URI to the PostgreSQL of DATABASE_URL.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from pymongo import MongoClient

from echotune.history.store import HistoryStore
from tests.support.supabase import connect
from tests.support.syncing import sync_all

BATCH = 6
"""Documents a batch, so that a small history has several."""


def main(database: str, run_id: str) -> None:
    with (
        MongoClient[dict[str, Any]](os.environ["MONGODB_URI"]) as client,
        connect(os.environ["DATABASE_URL"]) as connection,
    ):
        sync_all(connection, HistoryStore.of(client[database]), run_id=run_id, batch_documents=BATCH)


if __name__ == "__main__":
    main(*sys.argv[1:])
