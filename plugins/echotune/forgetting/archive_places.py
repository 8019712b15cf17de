"""The archives: files that hold plays of the user, their records, and the notes of archived plays.

A file is of one user and year, and goes whole. Should one hold plays of others as well, it is written anew without the
user's: each step is noted in the record before it is made, so a run that was cut off anywhere is finished by the next.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import bson
import pyarrow as pa
import pyarrow.parquet as pq
from bson import ObjectId

from echotune.archive.archives import MAJORITY, Archive
from echotune.archive.errors import ArchiveError, ArchiveUnreachable
from echotune.archive.parquet import COLUMNS, read_documents, require_sha256, write_plays
from echotune.archive.paths import ArchivePath, OpenPath, address_of, written_file
from echotune.archive.plays import Play
from echotune.forgetting.mongo_places import whole_truth
from echotune.forgetting.person import Person
from echotune.forgetting.places import Counts
from echotune.history.store import HistoryStore
from echotune.sync.source import OPTIONS

log = logging.getLogger(__name__)

GROUP = 1_000
"""Plays that are read at once."""

USERNAME = COLUMNS.get_field_index("username")
LEVELS_ABOVE_FILE = 2
"""The folders of a file that are its user's own: the user's and the year's."""


@dataclass(frozen=True, kw_only=True)
class Held:
    """A file that holds something of the user.

    :param document: the archive's record
    :param plays: those of the user
    :param others: plays of other users
    """

    document: dict[str, Any]
    plays: int
    others: int

    @property
    def archive(self) -> Archive:
        """What its document in MongoDB says of it."""
        return Archive.of(self.document)


@dataclass(kw_only=True)
class Archived:
    """What is archived of the user.

    :param open_path: gives the path of an address
    """

    store: HistoryStore
    person: Person
    open_path: OpenPath
    _gone: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._records = whole_truth(self.store.archives).with_options(write_concern=MAJORITY)
        self._notes = whole_truth(self.store.archived_plays).with_options(write_concern=MAJORITY)

    def count(self) -> Counts:
        held = list(self._held())
        return {
            "archive files": len(held) + sum(1 for each in self._gone if self._is_there(each)),
            "plays in archive files": sum(each.plays for each in held),
            "archived plays": sum(self._count_notes(each) for each in held) + self._count_orphans(),
        }

    def remove(self) -> None:
        for address in self._gone:
            self._unlink(address)
        for held in list(self._held()):
            if not held.others and (held.plays or held.archive.username == self.person.username):
                self._remove(held)
            elif held.plays or held.archive.username == self.person.username:
                self._rewrite(held)
            else:
                self._tidy(held.document)
        self._remove_orphans()

    def files(self) -> tuple[str, ...]:
        """The SHA-256 of the files from which the user's archived plays were loaded."""
        found = {
            document.get("source", {}).get("sha256")
            for held in self._held()
            if held.plays
            for documents in self._documents(held.archive)
            for document in documents
            if self._is_of_person(document)
        }
        return tuple(sorted(sha256 for sha256 in found if sha256))

    def _held(self) -> Iterator[Held]:
        for document in list(self._records.find({}).sort("_id", 1)):
            archive = Archive.of(document)
            is_own = archive.username == self.person.username
            plays, others = self._look(archive, is_own=is_own)
            if plays or is_own or "replaced" in document or "replacing" in document:
                yield Held(document=document, plays=plays, others=others)

    def _look(self, archive: Archive, *, is_own: bool) -> tuple[int, int]:
        """Count plays of the user and of others in a file; none in one that is not there or not yet written."""
        try:
            with self.open_path(archive.address).open("rb") as stream:
                return _count_users(stream, self.person.username)
        except FileNotFoundError:
            return 0, 0
        except pa.ArrowInvalid:
            # Cut off while it was written, so nothing rests on it; whose it is, its record says.
            return 0, 0
        except OSError as error:
            raise ArchiveUnreachable(
                f"an archive cannot be read, so nobody knows whose plays it has: {error}"
            ) from error

    def _count_notes(self, held: Held) -> int:
        if not held.others:
            return self._notes.count_documents({"archive": held.archive.id})
        ids = self._ids_of_person(held.archive)
        return self._notes.count_documents({"_id": {"$in": ids}, "archive": held.archive.id})

    def _remove(self, held: Held) -> None:
        """Remove a file with its record. The record goes last: it is by what the file is found."""
        archive = held.archive
        self._notes.delete_many({"archive": archive.id})
        for address in _addresses(held.document):
            self._unlink(address)
        self._records.delete_one({"_id": archive.id})
        log.info("An archive of the year %s is gone, with %s plays", archive.year, f"{held.plays:,}")

    def _rewrite(self, held: Held) -> None:
        """Put a file without the user's plays in the place of one that has others' as well."""
        archive = held.archive
        # Without a note a play in a file means nothing, so both are true at any moment.
        self._notes.delete_many({"_id": {"$in": self._ids_of_person(archive)}, "archive": archive.id})
        self._tidy(held.document)
        owner = archive.username
        if owner == self.person.username:
            owner = next(self._others(archive))["username"]
        address = address_of(archive.address.rsplit("/", 3)[0], owner, archive.year, ObjectId())
        self._set(archive, {"replacing": address})
        with self.open_path(archive.address).open("rb") as stream:
            require_sha256(stream, archive.sha256, archive.address)
        about = {"archive": str(archive.id), "username": owner, "year": str(archive.year)}
        with written_file(self.open_path(address)) as stream:
            written = write_plays(stream, self._others(archive), about)
        with self.open_path(address).open("rb") as stream:
            require_sha256(stream, written.sha256, address)
        with self.open_path(address).open("rb") as stream:
            if _count_users(stream, self.person.username) != (0, held.others):
                raise ArchiveError(f"{address} does not hold the other users' plays: the old file stays as it is")
        removed = self._notes.count_documents({"archive": archive.id}) if archive.removed else 0
        swapped = {**vars(written), "username": owner, "address": address, "removed": removed}
        swapped["replaced"] = archive.address
        self._set(archive, swapped, {"replacing": ""})
        self._tidy(swapped | {"_id": archive.id})

    def _set(self, archive: Archive, values: dict[str, Any], unset: dict[str, str] | None = None) -> None:
        changes: dict[str, Any] = {"$set": values | {"updated_at": datetime.now(UTC)}}
        found = self._records.update_one(
            {"_id": archive.id, "state": archive.state.value, "address": archive.address},
            changes | ({"$unset": unset} if unset else {}),
        )
        if not found.matched_count:
            raise ArchiveError(f"another run took up the archive {archive.address}: let it end, and start again")

    def _tidy(self, document: dict[str, Any]) -> None:
        """Remove what a rewriting left, now or cut off earlier: a file not yet in use, or no longer."""
        for name in ("replacing", "replaced"):
            if name in document:
                self._unlink(document[name])
                self._records.update_one({"_id": document["_id"], name: document[name]}, {"$unset": {name: ""}})

    def _unlink(self, address: str) -> None:
        path = self.open_path(address)
        path.unlink(missing_ok=True)
        self._gone.add(address)
        _remove_empty_folders(path)

    def _is_there(self, address: str) -> bool:
        try:
            with self.open_path(address).open("rb"):
                return True
        except FileNotFoundError:
            return False

    def _count_orphans(self) -> int:
        """Notes of archives that are gone: a play was moved into one while its user was forgotten."""
        return self._notes.count_documents(self._orphaned())

    def _remove_orphans(self) -> None:
        self._notes.delete_many(self._orphaned())

    def _orphaned(self) -> dict[str, Any]:
        noted = self._notes.distinct("archive")
        known = set(self._records.distinct("_id", {"_id": {"$in": noted}}))
        return {"archive": {"$in": [archive for archive in noted if archive not in known]}}

    def _others(self, archive: Archive) -> Iterator[Play]:
        for documents in self._documents(archive):
            yield from (Play.of(each.raw) for each in documents if not self._is_of_person(each))

    def _ids_of_person(self, archive: Archive) -> list[UUID]:
        found = (
            each["_id"] for documents in self._documents(archive) for each in documents if self._is_of_person(each)
        )
        return list(found)

    def _is_of_person(self, document: Any) -> bool:
        return bool(document.get("user", {}).get("username") == self.person.username)

    def _documents(self, archive: Archive) -> Iterator[list[Document]]:
        with suppress(FileNotFoundError), self.open_path(archive.address).open("rb") as stream:
            for group in read_documents(stream, size=GROUP):
                yield [Document(bson.decode(raw, codec_options=OPTIONS), raw) for raw in group]


class Document(dict[str, Any]):
    """A play's document, with its bytes."""

    def __init__(self, values: dict[str, Any], raw: bytes) -> None:
        super().__init__(values)
        self.raw = raw


def _count_users(stream: Any, username: str) -> tuple[int, int]:
    """Count the plays of a user and of others. A group whose names all lie to one side is not read."""
    file = pq.ParquetFile(stream)
    plays = 0
    for group in range(file.num_row_groups):
        names = file.metadata.row_group(group).column(USERNAME).statistics
        if names is None or not names.has_min_max or names.min <= username <= names.max:
            column = file.read_row_group(group, columns=["username"]).column(0)
            plays += sum(name == username for name in column.to_pylist())
    return plays, file.metadata.num_rows - plays


def _addresses(document: dict[str, Any]) -> list[str]:
    return [document[name] for name in ("replacing", "replaced", "address") if name in document]


def _remove_empty_folders(path: ArchivePath) -> None:
    """Remove the folders of the user that hold nothing any more: their name is the user's."""
    if isinstance(path, Path):
        for folder in [*path.parents][:LEVELS_ABOVE_FILE]:
            with suppress(OSError):
                folder.rmdir()
