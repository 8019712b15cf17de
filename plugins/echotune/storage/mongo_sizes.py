"""The sizes of a MongoDB server. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pymongo import DESCENDING
from pymongo.database import Database
from pymongo.errors import OperationFailure

from echotune.history.store import HistoryStore
from echotune.storage.errors import one_line
from echotune.storage.months import MONTHS_A_YEAR, years_before
from echotune.storage.sizes import Measurement, PlaceSize, Plays, Size

SERVERS_OWN = {"admin", "config", "local"}
"""Databases of the server itself, which no plan counts."""

Documents = Database[dict[str, Any]]


def measure_mongodb(store: HistoryStore, *, archive_years: int, now: datetime) -> Measurement:
    """Measure the database, the server's others, and the plays.

    :param archive_years: plays older than that count as old
    """
    notes: list[str] = []
    return Measurement(
        system="mongodb",
        places=tuple(sorted(_places(store.database, notes), key=lambda place: -place.size.disk)),
        own=_database_size(store.database),
        others=Size.total(_others(store.database, notes)),
        plays=_plays(store, years_before(now, archive_years)),
        notes=tuple(notes),
    )


def _database_size(database: Documents) -> Size:
    found = database.command("dbStats")
    indexes = int(found["indexSize"])
    return Size(data=int(found["dataSize"]) + indexes, disk=int(found["storageSize"]) + indexes, indexes=indexes)


def _places(database: Documents, notes: list[str]) -> Iterator[PlaceSize]:
    collections = database.list_collection_names(filter={"type": "collection"}, authorizedCollections=True)
    for name in sorted(collections):
        try:
            yield _place(database, name)
        except OperationFailure as error:
            notes.append(f"the size of {name} cannot be read: {one_line(error)}")


def _place(database: Documents, name: str) -> PlaceSize:
    # One document a shard.
    parts = [part["storageStats"] for part in database[name].aggregate([{"$collStats": {"storageStats": {}}}])]
    return PlaceSize(
        place=name,
        rows=sum(int(part["count"]) for part in parts),
        size=Size.total(
            Size(
                data=int(part["size"]) + int(part["totalIndexSize"]),
                disk=int(part["storageSize"]) + int(part["totalIndexSize"]),
                indexes=int(part["totalIndexSize"]),
            )
            for part in parts
        ),
    )


def _others(database: Documents, notes: list[str]) -> Iterator[Size]:
    try:
        names = [found["name"] for found in database.client.list_databases(nameOnly=True)]
    except OperationFailure as error:
        notes.append(f"the sizes of the server's other databases cannot be read: {one_line(error)}")
        return
    for name in sorted(set(names) - SERVERS_OWN - {database.name}):
        try:
            yield _database_size(database.client[name])
        except OperationFailure as error:
            notes.append(f"the size of the database {name} cannot be read: {one_line(error)}")


def _plays(store: HistoryStore, old_before: datetime) -> Plays | None:
    found = list(store.plays.find({}, {"timestamp": 1}).sort("timestamp", DESCENDING).limit(1))
    if not found:
        return None
    newest: datetime = found[0]["timestamp"]
    in_a_year = store.plays.count_documents({"timestamp": {"$gt": years_before(newest, 1)}})
    return Plays(
        place=store.plays.name,
        a_month=in_a_year / MONTHS_A_YEAR,
        newest=newest,
        old=store.plays.count_documents({"timestamp": {"$lt": old_before}}),
        old_before=old_before,
    )
