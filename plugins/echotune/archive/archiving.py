"""One user's year into a file: written, read back and compared with MongoDB, and only then removed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from echotune.archive.archives import BEGUN, PROVED, Archive, Archives, State
from echotune.archive.errors import ArchiveError, ArchiveUnreachable
from echotune.archive.moving import BATCH_PLAYS, Mover, documents_by_id, raw_plays
from echotune.archive.parquet import read_documents, require_sha256, write_plays
from echotune.archive.paths import OpenPath, written_file
from echotune.archive.plan import ArchiveSlice, plays_of_slice
from echotune.archive.plays import Play, fit_plays
from echotune.history.forgotten import ForgottenUsers
from echotune.history.store import HistoryStore
from echotune.sync.archived import RULES

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ArchivedSlice:
    """What became of a user's year.

    :param files: how many files plays were removed by, and their size in bytes
    :param plays: plays in these files
    :param removed: plays that are no longer in MongoDB
    :param unfit: plays that the sync could not copy, which stay in MongoDB
    """

    username: str
    year: int
    files: int = 0
    size: int = 0
    plays: int = 0
    removed: int = 0
    unfit: int = 0

    @property
    def changed(self) -> int:
        """Plays that stay in MongoDB because they changed while they were archived."""
        return self.plays - self.removed


@dataclass(kw_only=True)
class Archiver:
    """Archives slices below a target.

    :param target: the folder or address of the files
    :param open_path: gives the path of an address
    :param run_id: the run that does it
    :param batch_plays: plays that are removed at once
    """

    store: HistoryStore
    target: str
    open_path: OpenPath
    run_id: str
    batch_plays: int = BATCH_PLAYS
    mover: Mover = field(init=False)
    archives: Archives = field(init=False)
    _begun: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.mover = Mover(self.store)
        self.archives = Archives(self.store)

    def archive(self, slice_: ArchiveSlice, before: datetime) -> ArchivedSlice:
        """Finish what earlier runs left of a user's year, then archive its plays that are older than that.

        :raises ArchiveError: a file is not what was written, or cannot be written; nothing more is removed then
        """
        forgotten, unfit = ForgottenUsers.of(self.store), list[bytes]()
        try:
            done = [*self._finish(slice_), *self._write_and_remove(slice_, before, unfit)]
        except ArchiveError:
            if not forgotten.includes(slice_.username):
                raise
            # Whoever forgets a user takes the user's files and their records from under the hands of others.
            self._throw_away(slice_)
            return ArchivedSlice(username=slice_.username, year=slice_.year)
        return ArchivedSlice(
            username=slice_.username,
            year=slice_.year,
            files=len(done),
            size=sum(archive.size for archive in done),
            plays=sum(archive.plays for archive in done),
            removed=sum(archive.removed for archive in done),
            unfit=len(unfit),
        )

    def _finish(self, slice_: ArchiveSlice) -> list[Archive]:
        for archive in self.archives.of_user_and_year(slice_.username, slice_.year, BEGUN):
            self._discard(archive)
        proved = self.archives.of_user_and_year(slice_.username, slice_.year, PROVED)
        return [self._remove(archive) for archive in proved]

    def _throw_away(self, slice_: ArchiveSlice) -> None:
        """Remove what this run may have written of a user who was forgotten meanwhile."""
        log.warning("the year %s of a user is not archived: the user was forgotten meanwhile", slice_.year)
        for address in self._begun:
            self.open_path(address).unlink(missing_ok=True)

    def _discard(self, archive: Archive) -> None:
        """Throw away a file by which nothing was removed."""
        discarded = self.archives.move(archive, State.DISCARDED)
        self.open_path(archive.address).unlink(missing_ok=True)
        self.archives.forget(discarded)

    def _write_and_remove(self, slice_: ArchiveSlice, before: datetime, unfit: list[bytes]) -> Iterator[Archive]:
        documents = plays_of_slice(raw_plays(self.store), slice_, before)
        plays = fit_plays((bytes(document.raw) for document in documents), unfit)
        first = next(plays, None)
        if first is not None:
            archive = self._write(slice_, before, _all(first, plays))
            yield self._remove(self._check(archive))

    def _write(self, slice_: ArchiveSlice, before: datetime, plays: Iterator[Play]) -> Archive:
        archive = self.archives.begin(
            target=self.target,
            username=slice_.username,
            year=slice_.year,
            before=before,
            rules=RULES,
            run_id=self.run_id,
        )
        self._begun = [archive.address]
        about = {"archive": str(archive.id), "username": archive.username, "year": str(archive.year)}
        try:
            with written_file(self.open_path(archive.address)) as stream:
                written = write_plays(stream, plays, about)
        except OSError as error:
            raise ArchiveUnreachable(f"{archive.address} cannot be written ({error}): nothing was removed") from error
        log.info("%s: %s plays in %s bytes, %s", archive, f"{written.plays:,}", f"{written.size:,}", archive.address)
        return self.archives.move(archive, State.WRITTEN, **vars(written))

    def _check(self, archive: Archive) -> Archive:
        """Read a file back whole and compare it with MongoDB as it is now.

        :raises ArchiveError: it is not what was written, or holds plays that MongoDB never had
        """
        number = unchanged = 0
        for plays in self._read(archive):
            found = documents_by_id(raw_plays(self.store), [play.id for play in plays])
            unchanged += sum(found.get(play.id) == play.document for play in plays)
            number += len(plays)
        if number != archive.plays:
            raise ArchiveError(f"{archive.address} holds {number:,} plays, not {archive.plays:,}: nothing was removed")
        log.info("%s: read back: %s plays, %s as MongoDB has them", archive, f"{number:,}", f"{unchanged:,}")
        return self.archives.move(archive, State.CHECKED)

    def _remove(self, archive: Archive) -> Archive:
        """Remove what the file holds, each play only if it is what was read back just now."""
        removing = archive if archive.state is State.REMOVING else self.archives.move(archive, State.REMOVING)
        started = datetime.now(UTC)
        for plays in self._read(removing):
            self.mover.remove(removing.id, plays)
        removed = self.store.archived_plays.count_documents(
            {"played_at": {"$gte": removing.first, "$lte": removing.last}, "archive": removing.id}
        )
        log.info("%s: %s plays removed in %s", removing, f"{removed:,}", datetime.now(UTC) - started)
        return self.archives.move(removing, State.REMOVED, removed=removed, removed_by=self.run_id)

    def _read(self, archive: Archive) -> Iterator[list[Play]]:
        return read_plays(archive, self.open_path, self.batch_plays)


def read_plays(archive: Archive, open_path: OpenPath, size: int) -> Iterator[list[Play]]:
    """The plays of an archive's file, ``size`` at a time, which is first compared with what was written.

    :raises ArchiveError: it is not the same, or cannot be read
    """
    path = open_path(archive.address)
    try:
        with path.open("rb") as stream:
            require_sha256(stream, archive.sha256, archive.address)
        with path.open("rb") as stream:
            for documents in read_documents(stream, size=size):
                yield [Play.of(document) for document in documents]
    except OSError as error:
        raise ArchiveUnreachable(f"{archive.address} cannot be read: {error}") from error


def _all(first: Play, others: Iterator[Play]) -> Iterator[Play]:
    yield first
    yield from others
