"""What a MongoDB server has: its kind, its indexes, its shard keys. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from echotune.indexes.mongo_comparison import OLD_SIGNATURE, SIGNATURE, LiveIndex
from echotune.indexes.mongo_declaration import Keys, MongoIndex
from echotune.indexes.mongo_refusals import told_refusal

WIRE_VERSION_5_0 = 13
NO_SUCH_COLLECTION = 26
BYTES_A_GIGABYTE = 10**9


class ServerKind(StrEnum):
    """What answers at the other end."""

    STANDALONE = "standalone"
    REPLICA_SET = "replica set"
    SHARDED = "sharded"


@dataclass(frozen=True, kw_only=True)
class Server:
    """What there is.

    :param indexes: those of the collections that have declared ones
    :param signature: the options that tell two indexes over the same keys apart
    :param hosts: the members of a replica set that queries can go to, each ``host:port``
    :param shard_keys: by collection, where it is sharded
    :param gigabytes: of the documents, by collection, in 10**9 bytes; known of a sharded cluster only
    :param unread: why the indexes of a collection are not known, by its name
    """

    kind: ServerKind = ServerKind.STANDALONE
    indexes: tuple[LiveIndex, ...] = ()
    signature: tuple[str, ...] = SIGNATURE
    hosts: tuple[str, ...] = ()
    shard_keys: Mapping[str, Keys] = field(default_factory=dict)
    gigabytes: Mapping[str, float] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)

    def of(self, collection: str) -> list[LiveIndex]:
        """The indexes of a collection."""
        return [index for index in self.indexes if index.collection == collection]


def read_server(database: Database[dict[str, Any]], declared: Iterable[MongoIndex]) -> Server:
    """Look at the collections that have declared indexes."""
    hello = database.client.admin.command("hello")
    collections = sorted({index.collection for index in declared})
    unread: dict[str, str] = {}
    kind = _kind(hello)
    sharded = kind is ServerKind.SHARDED
    return Server(
        kind=kind,
        indexes=tuple(index for name in collections for index in _indexes(database, name, unread)),
        signature=SIGNATURE if hello["maxWireVersion"] >= WIRE_VERSION_5_0 else OLD_SIGNATURE,
        hosts=(*hello.get("hosts", ()), *hello.get("passives", ())),
        shard_keys=_shard_keys(database, collections, unread) if sharded else {},
        gigabytes=_gigabytes(database, collections, unread) if sharded else {},
        unread=unread,
    )


def _kind(hello: Mapping[str, Any]) -> ServerKind:
    if hello.get("msg") == "isdbgrid":
        return ServerKind.SHARDED
    return ServerKind.REPLICA_SET if "setName" in hello else ServerKind.STANDALONE


def _indexes(database: Database[dict[str, Any]], collection: str, unread: dict[str, str]) -> list[LiveIndex]:
    try:
        return [LiveIndex.of(collection, found) for found in database[collection].list_indexes()]
    except OperationFailure as error:
        if error.code == NO_SUCH_COLLECTION:
            return []
        unread[collection] = told_refusal(error, "listIndexes")
        return []


def _shard_keys(database: Database[dict[str, Any]], collections: list[str], unread: dict[str, str]) -> dict[str, Keys]:
    """By collection; where they cannot be read, every collection counts as unread: its indexes may be shard keys."""
    wanted = {f"{database.name}.{name}": name for name in collections}
    # From 8.0 on a collection that is not sharded may be listed as well.
    query = {"_id": {"$in": list(wanted)}, "unsplittable": {"$ne": True}, "dropped": {"$ne": True}}
    try:
        return {
            wanted[found["_id"]]: tuple(found["key"].items())
            for found in database.client["config"]["collections"].find(query, {"key": 1})
        }
    except OperationFailure as error:
        unread.update(dict.fromkeys(collections, told_refusal(error, "find on config.collections")))
        return {}


def _gigabytes(database: Database[dict[str, Any]], collections: list[str], unread: dict[str, str]) -> dict[str, float]:
    sizes = {}
    for name in collections:
        try:
            # One document a shard.
            parts = list(database[name].aggregate([{"$collStats": {"storageStats": {}}}]))
        except OperationFailure as error:
            if error.code != NO_SUCH_COLLECTION:
                unread.setdefault(name, told_refusal(error, "collStats"))
            continue
        sizes[name] = sum(part["storageStats"]["size"] for part in parts) / BYTES_A_GIGABYTE
    return sizes
