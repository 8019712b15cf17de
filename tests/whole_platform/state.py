"""What a chain of runs comes to: every document, row and index, by checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from echotune.history.store import HistoryStore
from tests.support.both_sides import expected_rows, synced_rows

OF_THE_WAY = frozenset(
    {"created_at", "updated_at", "fetched_at", "next_attempt_at", "attempts", "refreshed_at", "forgotten_at"}
)
"""When something was done and how often it was tried: that differs, and may."""

INDEXES = "select indexname, indexdef from pg_indexes where schemaname in ('public', 'echotune')"
SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Part:
    """One collection, table or list of indexes: the checksum of each member by what names it."""

    members: Mapping[str, str]

    @property
    def checksum(self) -> str:
        """Of all members."""
        return _checksum(sorted(self.members.items()))


State = dict[str, Part]


def state_of(store: HistoryStore, connection: Connection[Any]) -> State:
    """All parts by name; a table's rows as PostgreSQL has them, and as the documents say they must be."""
    collections = (
        *(store.plays, store.tracks, store.artists, store.albums, store.rejected_rows),
        *(store.archived_plays, store.listening_statistics, store.forgotten_users),
    )
    parts = {one.name: _part((document["_id"], document) for document in one.find()) for one in collections}
    for name, rows in synced_rows(connection).items():
        parts[f"rows of {name}"] = _part(_by_first_column(rows))
    parts["indexes of MongoDB"] = _part(
        (f"{name}.{index['name']}", {**index, "ns": None})
        for name in store.database.list_collection_names()
        for index in store.database[name].list_indexes()
    )
    parts["indexes of PostgreSQL"] = _part(connection.execute(INDEXES).fetchall())
    return parts


def unequal_sides(store: HistoryStore, connection: Connection[Any]) -> list[str]:
    """The tables whose rows are not what the documents come to."""
    expected, found = expected_rows(store), synced_rows(connection)
    return [
        f"{name}: {len(expected[name] - found[name])} rows are missing or other, "
        f"{len(found[name] - expected[name])} should not be there"
        for name in expected
        if expected[name] != found[name]
    ]


def differences(undisturbed: State, found: State) -> list[str]:
    """A sentence for each part that is not the same."""
    told = []
    for name in sorted(undisturbed.keys() | found.keys()):
        before, after = (state.get(name, Part(members={})).members for state in (undisturbed, found))
        missing, added = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
        changed = sorted(key for key in before.keys() & after.keys() if before[key] != after[key])
        for what, keys in (("missing", missing), ("not in the undisturbed run", added), ("other", changed)):
            if keys:
                told.append(f"{name}: {len(keys)} {what}, such as {', '.join(keys[:SHOWN])}")
    return told


def _by_first_column(rows: Iterable[tuple[Any, ...]]) -> Iterable[tuple[Any, list[tuple[Any, ...]]]]:
    """All rows of each first column: of a track's artists, for one, there are several."""
    grouped: dict[Any, list[tuple[Any, ...]]] = {}
    for row in sorted(rows, key=repr):
        grouped.setdefault(row[0], []).append(row)
    return grouped.items()


def _part(members: Iterable[tuple[Any, Any]]) -> Part:
    return Part(members={str(name): _checksum(_without_the_way(value)) for name, value in members})


def _without_the_way(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_the_way(value[name]) for name in sorted(value) if name not in OF_THE_WAY}
    return [_without_the_way(one) for one in value] if isinstance(value, list) else value


def _checksum(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()
