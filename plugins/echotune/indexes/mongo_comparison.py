"""When two indexes of MongoDB are the same, may stand side by side, or one makes the other needless."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from echotune.indexes.mongo_declaration import Keys, MongoIndex

TEXT = "text"
COLLATION = "collation"
EXPIRY = "expireAfterSeconds"
SIGNATURE = ("unique", "sparse", "partialFilterExpression", COLLATION, "wildcardProjection")
"""Options that tell indexes over the same keys apart: a server from 5.0 on takes both."""
OLD_SIGNATURE = (COLLATION,)
"""Those of an older server."""
COMPARED = (*SIGNATURE, EXPIRY, "default_language")
ID_KEYS: Keys = (("_id", 1),)


@dataclass(frozen=True, kw_only=True)
class LiveIndex:
    """An index of a server.

    :param keys: the fields of a text index come last, sorted: a server does not tell their order
    :param options: as listIndexes tells them
    """

    collection: str
    name: str
    keys: Keys
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, collection: str, found: Mapping[str, Any]) -> LiveIndex:
        """Read a document of listIndexes."""
        options = {name: value for name, value in found.items() if name not in ("v", "key", "name", "ns")}
        # A text index is told as the weights of its fields.
        plain = [(name, direction) for name, direction in found["key"].items() if name not in ("_fts", "_ftsx")]
        text = [(name, TEXT) for name in sorted(found.get("weights", {}))]
        return cls(collection=collection, name=found["name"], keys=(*plain, *text), options=options)

    @property
    def hidden(self) -> bool:
        """Whether no query uses it."""
        return bool(self.options.get("hidden"))

    @property
    def is_text(self) -> bool:
        """Whether it is a text index, of which a collection has one at the most."""
        return is_text(self.keys)


def is_text(keys: Keys) -> bool:
    """Whether these are the keys of a text index."""
    return any(direction == TEXT for _, direction in keys)


def comparable(keys: Keys) -> Keys:
    """Keys as a server tells them."""
    plain = tuple(key for key in keys if key[1] != TEXT)
    return (*plain, *sorted(key for key in keys if key[1] == TEXT))


def same_keys(live: LiveIndex, index: MongoIndex) -> bool:
    """Whether both are over the same fields in the same order and direction."""
    return live.keys == comparable(index.keys)


def same_options(live: LiveIndex, index: MongoIndex, names: tuple[str, ...] = COMPARED) -> bool:
    """Whether what is declared is what the server has; whether it is hidden is no part of it."""
    weights = not is_text(index.keys) or names is not COMPARED or _weights(live, index)
    return weights and all(_same(name, live.options.get(name), index.options.get(name)) for name in names)


def _same(name: str, live: Any, declared: Any) -> bool:
    if name == COLLATION and live and declared:
        # The server fills in what was not said.
        return all(live.get(part) == value for part, value in declared.items())
    # False is the same as nothing said; an expiry after 0 seconds is not.
    return bool((None if live is False else live) == (None if declared is False else declared))


def _weights(live: LiveIndex, index: MongoIndex) -> bool:
    declared = index.options.get("weights", {})
    return all(weight == declared.get(name, 1) for name, weight in live.options.get("weights", {}).items())


def belongs_to(live: LiveIndex, index: MongoIndex) -> bool:
    """Whether an index has a name that maintenance gives to this one: its own, or that with a number behind it."""
    return bool(re.fullmatch(rf"{re.escape(index.name)}(_\d+)?", live.name))


def why_never_dropped(live: LiveIndex, shard_key: Keys | None) -> str:
    """What an index does besides serving queries; empty where nothing."""
    if live.options.get("unique"):
        return "it is unique"
    if live.options.get(EXPIRY) is not None:
        return "it removes old documents (TTL)"
    if shard_key and live.keys[: len(shard_key)] == shard_key:
        return "it is the shard key's"
    return ""


def makes_needless(long: LiveIndex, short: LiveIndex) -> bool:
    """Whether every query that the short one serves is served by the long one: it begins with the same keys.

    Never where the short one has an effect or holds fewer documents of its own, or the long one misses documents.
    """
    plain = all(not short.options.get(name) for name in ("unique", "sparse", "partialFilterExpression"))
    if not plain or EXPIRY in short.options or short.keys == ID_KEYS or len(long.keys) <= len(short.keys):
        return False
    whole = not any(long.options.get(name) for name in ("sparse", "partialFilterExpression", "hidden"))
    same_order = long.options.get(COLLATION) == short.options.get(COLLATION)
    return whole and same_order and _begins_with(long.keys, short.keys)


def _begins_with(long: Keys, short: Keys) -> bool:
    """An index is read from both ends, so all directions the other way round are as good."""
    beginning = long[: len(short)]
    if not all(isinstance(direction, int) for _, direction in (*beginning, *short)):
        return False
    turned = tuple((name, -direction) for name, direction in short if isinstance(direction, int))
    return beginning in (short, turned)
