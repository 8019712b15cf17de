"""The collection ``archives``: one document a file, with how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from bson import ObjectId
from pymongo import ReturnDocument, WriteConcern

from echotune.archive.errors import ArchiveError
from echotune.archive.paths import address_of
from echotune.history.store import Documents, HistoryStore

MAJORITY = WriteConcern("majority")


class State(StrEnum):
    """How far an archive is. From ``removing`` on, plays of it may be gone from the collection."""

    WRITING = "writing"
    WRITTEN = "written"
    CHECKED = "checked"
    DISCARDED = "discarded"
    REMOVING = "removing"
    REMOVED = "removed"
    RESTORING = "restoring"
    RESTORED = "restored"


BEGUN = (State.WRITING, State.WRITTEN, State.DISCARDED)
"""Nothing was removed by these: they are thrown away, and written anew."""

PROVED = (State.CHECKED, State.REMOVING)
"""These are good and not done."""

HOLDING = (State.REMOVING, State.REMOVED, State.RESTORING)
"""These may hold plays that are nowhere else."""


@dataclass(frozen=True, kw_only=True)
class Archive:
    """One file.

    :param address: where it is; a relative one starts at the project's folder
    :param before: what was older than this was archived
    :param rules: the rules by which rows were computed of its plays
    :param plays: how many it holds
    :param size: of the file, in bytes
    :param sha256: of the file, in hexadecimal
    :param first: the time of its first play
    :param removed: how many of its plays were removed from the collection
    :param removed_by: the run that was done with that
    :param restored: how many of its plays were put back
    :param restored_by: the run that was done with that
    """

    id: ObjectId
    username: str
    year: int
    address: str
    before: datetime
    rules: str
    state: State
    run_id: str
    plays: int = 0
    size: int = 0
    sha256: str = ""
    first: datetime | None = None
    last: datetime | None = None
    removed: int = 0
    removed_by: str = ""
    restored: int = 0
    restored_by: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read a document."""
        known = {field.name for field in fields(cls)} - {"id", "state"}
        values = {name: value for name, value in document.items() if name in known}
        return cls(id=document["_id"], state=State(document["state"]), **values)

    def __str__(self) -> str:
        return f"{self.username} {self.year}"


class Archives:
    """The archives of a history."""

    def __init__(self, store: HistoryStore) -> None:
        self._archives: Documents = store.archives.with_options(write_concern=MAJORITY)

    def begin(self, *, target: str, username: str, year: int, before: datetime, rules: str, run_id: str) -> Archive:
        """Record a file before it is written: one that nobody finished is found again."""
        identity, now = ObjectId(), datetime.now(UTC)
        document = {
            "_id": identity,
            "username": username,
            "year": year,
            "address": address_of(target, username, year, identity),
            "before": before,
            "rules": rules,
            "state": State.WRITING.value,
            "run_id": run_id,
            "created_at": now,
            "updated_at": now,
        }
        self._archives.insert_one(document)
        return Archive.of(document)

    def move(self, archive: Archive, state: State, **values: Any) -> Archive:
        """Note how far an archive is.

        :raises ArchiveError: it is no longer where it was: another run took it up
        """
        changes = {"state": state.value, "updated_at": datetime.now(UTC), **values}
        found = self._archives.find_one_and_update(
            {"_id": archive.id, "state": archive.state.value},
            {"$set": changes},
            return_document=ReturnDocument.AFTER,
        )
        if found is None:
            raise ArchiveError(f"another run took up the archive {archive.address}: let it end, and start again")
        return Archive.of(found)

    def forget(self, archive: Archive) -> None:
        """Forget an archive whose file is gone."""
        self._archives.delete_one({"_id": archive.id, "state": archive.state.value})

    def of_user_and_year(self, username: str, year: int, states: Sequence[State]) -> list[Archive]:
        """Archives in some states, oldest first."""
        return list(self._find({"username": username, "year": year, "state": {"$in": [*states]}}))

    def in_states(self, states: Sequence[State], **match: Any) -> list[Archive]:
        """All archives in some states, oldest first."""
        return list(self._find({"state": {"$in": [*states]}, **match}))

    def one(self, identity: ObjectId) -> Archive:
        """:raises ArchiveError: there is none"""
        for archive in self._find({"_id": identity}):
            return archive
        raise ArchiveError(f"there is no archive {identity}: it was thrown away meanwhile")

    def between(self, start: datetime, end: datetime) -> list[Archive]:
        """Archives that may hold plays of a time."""
        return list(self._find({"state": {"$in": [*HOLDING]}, "first": {"$lt": end}, "last": {"$gte": start}}))

    def _find(self, match: Mapping[str, Any]) -> Iterator[Archive]:
        return map(Archive.of, self._archives.find(match).sort("_id", 1))
