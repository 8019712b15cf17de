"""What the sync reads of the files: the documents of archived plays."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bson
from bson import ObjectId

from echotune.archive.archives import Archive, Archives
from echotune.archive.errors import ArchiveUnreachable
from echotune.archive.moving import BATCH_PLAYS
from echotune.archive.parquet import read_documents
from echotune.archive.paths import OpenPath
from echotune.history.store import HistoryStore
from echotune.sync.source import OPTIONS

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ArchiveFiles:
    """The files of a history's archives.

    :param open_path: gives the path of an address
    """

    store: HistoryStore
    open_path: OpenPath

    def documents(
        self, start: datetime, end: datetime, archives: Collection[ObjectId] | None = None
    ) -> Iterator[Document]:
        """The documents of archived plays between two times, of some archives or all.

        :raises ArchiveUnreachable: a file cannot be read
        """
        for archive in Archives(self.store).between(start, end):
            if archives is None or archive.id in archives:
                yield from self._documents(archive, start, end)

    def _documents(self, archive: Archive, start: datetime, end: datetime) -> Iterator[Document]:
        try:
            with self.open_path(archive.address).open("rb") as stream:
                for group in read_documents(stream, size=BATCH_PLAYS, start=start, end=end):
                    documents = [bson.decode(document, codec_options=OPTIONS) for document in group]
                    yield from self._archived(archive, [each for each in documents if start <= each["timestamp"] < end])
        except OSError as error:
            if self.store.archived_plays.find_one({"archive": archive.id}) is None:
                # Its user was forgotten meanwhile: no play is archived there any more.
                return
            raise ArchiveUnreachable(
                f"{archive.address} cannot be read ({error}): archived plays of it lack rows in PostgreSQL, "
                "and only the file has them"
            ) from error

    def _archived(self, archive: Archive, documents: list[Document]) -> Iterator[Document]:
        """Those that are archived in this file and nowhere else."""
        match = {"_id": {"$in": [document["_id"] for document in documents]}, "archive": archive.id}
        archived = {note["_id"] for note in self.store.archived_plays.find(match, {"_id": 1})}
        return (document for document in documents if document["_id"] in archived)
