"""MongoDB's indexes: the declaration, the difference to the server, and what is done about it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any

from pymongo import IndexModel
from pymongo.database import Database

from echotune.resources import read_mongo_json

log = logging.getLogger(__name__)

COMPARED_OPTIONS = (
    "unique",
    "sparse",
    "partialFilterExpression",
    "expireAfterSeconds",
    "collation",
    "default_language",
)
TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class MongoIndex:
    """A declared index.

    :param collection: the collection's name in the database
    :param keys: (field, direction) pairs; a direction is 1, -1 or "text"
    :param options: as createIndexes takes them
    :param serves: the query it is there for
    """

    collection: str
    name: str
    keys: tuple[tuple[str, int | str], ...]
    serves: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def model(self) -> IndexModel:
        return IndexModel(list(self.keys), name=self.name, **self.options)


class IndexAction(StrEnum):
    CREATE = "create"
    LEAVE = "leave"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True)
class IndexStep:
    """What to do about one declared index. One that differs from the server's is reported and left."""

    index: MongoIndex
    action: IndexAction

    def __str__(self) -> str:
        return f"{self.action:8} {self.index.collection}.{self.index.name}: {self.index.serves}"


def declared_indexes(*, plays: str) -> list[MongoIndex]:
    """Read include/mongo/indexes.json; ``plays`` is the name of the collection of plays in this deployment."""
    return [
        MongoIndex(
            collection=plays if declaration["collection"] == "plays" else declaration["collection"],
            name=declaration["name"],
            keys=tuple((name, direction) for name, direction in declaration["keys"]),
            options=declaration.get("options", {}),
            serves=declaration["serves"],
        )
        for declaration in read_mongo_json("indexes.json")
    ]


def plan_indexes(
    declared: Iterable[MongoIndex], live: Mapping[str, Mapping[str, Mapping[str, Any]]]
) -> list[IndexStep]:
    """Compare declared indexes with the server's.

    :param live: for each collection, its indexes by name as ``Collection.index_information`` gives them
    """
    return [IndexStep(index=index, action=_action(index, live.get(index.collection, {}))) for index in declared]


def _action(index: MongoIndex, live: Mapping[str, Mapping[str, Any]]) -> IndexAction:
    same_keys = next((found for found in live.values() if _keys(found) == sorted(index.keys, key=_is_text)), None)
    if same_keys is None:
        only_one = _is_text_index(index.keys) and any(_is_text_index(_keys(found)) for found in live.values())
        return IndexAction.DIFFERS if only_one or index.name in live else IndexAction.CREATE
    same_options = all(same_keys.get(option) == index.options.get(option) for option in COMPARED_OPTIONS)
    return IndexAction.LEAVE if same_options else IndexAction.DIFFERS


def _is_text(key: tuple[str, int | str]) -> tuple[bool, str]:
    """Text fields sort by name, as the server tells them; others keep their place."""
    return (key[1] == TEXT, key[0] if key[1] == TEXT else "")


def _is_text_index(keys: Iterable[tuple[str, int | str]]) -> bool:
    """A collection has one text index at the most."""
    return any(direction == TEXT for _, direction in keys)


def _keys(found: Mapping[str, Any]) -> list[tuple[str, int | str]]:
    """The keys of a live index; the server tells a text index as weights of fields."""
    plain = [(name, direction) for name, direction in found["key"] if name not in ("_fts", "_ftsx")]
    return plain + [(name, TEXT) for name in sorted(found.get("weights", {}))]


def ensure_indexes(
    database: Database[dict[str, Any]], declared: Sequence[MongoIndex], *, dry_run: bool = False
) -> list[IndexStep]:
    """Create the declared indexes that are missing, those of a collection in one pass over it; return the plan."""
    live = {name: database[name].index_information() for name in {index.collection for index in declared}}
    steps = plan_indexes(declared, live)
    missing = [step.index for step in steps if step.action is IndexAction.CREATE]
    if not dry_run:
        for collection, indexes in groupby(sorted(missing, key=_collection), key=_collection):
            started = time.monotonic()
            names = database[collection].create_indexes([index.model() for index in indexes])
            log.info("%s: %s made in %.1f s", collection, ", ".join(names), time.monotonic() - started)
    return steps


def _collection(index: MongoIndex) -> str:
    return index.collection
