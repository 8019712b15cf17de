"""MongoDB's indexes and shard keys as include/mongo declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import IndexModel

from echotune.resources import read_mongo_json

Keys = tuple[tuple[str, int | str], ...]
"""(field, direction) pairs; a direction is 1, -1, "text", "hashed" and the like."""


@dataclass(frozen=True, kw_only=True)
class MongoIndex:
    """A declared index.

    :param collection: the collection's name in the database
    :param options: as createIndexes takes them
    :param serves: the query it is there for
    """

    collection: str
    name: str
    keys: Keys
    serves: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def model(self) -> IndexModel:
        """As pymongo creates it."""
        return IndexModel(list(self.keys), name=self.name, **self.options)


@dataclass(frozen=True, kw_only=True)
class ShardKey:
    """What a collection is sharded by where it is, and why."""

    collection: str
    index: MongoIndex
    reason: str


def declared_indexes(*, plays: str) -> list[MongoIndex]:
    """Read include/mongo/indexes.json; ``plays`` is the name of the collection of plays in this deployment."""
    return [
        MongoIndex(
            collection=_collection_named(declaration, plays),
            name=declaration["name"],
            keys=_keys(declaration),
            options=declaration.get("options", {}),
            serves=declaration["serves"],
        )
        for declaration in read_mongo_json("indexes.json")
    ]


def declared_shard_keys(*, plays: str) -> list[ShardKey]:
    """Read include/mongo/sharding.json."""
    return [
        ShardKey(
            collection=_collection_named(declaration, plays),
            index=MongoIndex(
                collection=_collection_named(declaration, plays),
                name=declaration["name"],
                keys=_keys(declaration),
                serves="the shard key",
            ),
            reason=declaration["reason"],
        )
        for declaration in read_mongo_json("sharding.json")
    ]


def _collection_named(declaration: Mapping[str, Any], plays: str) -> str:
    return plays if declaration["collection"] == "plays" else str(declaration["collection"])


def _keys(declaration: Mapping[str, Any]) -> Keys:
    return tuple((name, direction) for name, direction in declaration["keys"])
