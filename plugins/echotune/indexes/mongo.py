"""MongoDB's declared indexes, and making those that are missing."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pymongo.database import Database

from echotune.indexes.mongo_declaration import MongoIndex, declared_indexes
from echotune.indexes.mongo_plan import plan_declared
from echotune.indexes.mongo_server import read_server
from echotune.indexes.settings import IndexesError
from echotune.indexes.steps import Step

__all__ = ["MongoIndex", "declared_indexes", "ensure_indexes"]

log = logging.getLogger(__name__)


def ensure_indexes(
    database: Database[dict[str, Any]], declared: Sequence[MongoIndex], *, dry_run: bool = False
) -> list[Step]:
    """Create the declared indexes that are missing, those of a collection in one pass over it.

    Returns the steps of the declared indexes. What else they want is told, and left to the maintenance.

    :raises IndexesError: the server does not tell which indexes it has
    """
    server = read_server(database, declared)
    if server.unread:
        raise IndexesError("; ".join(f"{name}: {reason}" for name, reason in server.unread.items()))
    plan = plan_declared(declared, server)
    if not dry_run:
        missing = sorted((one.creates for one in plan if one.creates and not one.replaces), key=_collection)
        for collection, indexes in groupby(missing, key=_collection):
            started = time.monotonic()
            names = database[collection].create_indexes([index.model() for index in indexes])
            log.info("%s: %s made in %.1f s", collection, ", ".join(names), time.monotonic() - started)
    return [one.step for one in plan]


def _collection(index: MongoIndex) -> str:
    return index.collection
