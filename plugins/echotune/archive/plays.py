"""A play on its way into a file, or back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import bson
from bson import Int64, ObjectId

from echotune.sync.archived import as_read
from echotune.sync.checksums import row_checksum
from echotune.sync.columns import Document, Row
from echotune.sync.errors import UnfitValue
from echotune.sync.source import OPTIONS
from echotune.sync.tables import LISTENING_HISTORY

checksum_of = row_checksum(LISTENING_HISTORY.columns)
PLACES = {column.name: place for place, column in enumerate(LISTENING_HISTORY.staged)}


@dataclass(frozen=True, slots=True)
class Play:
    """A play, as MongoDB has it and as its row in PostgreSQL.

    :param document: its bytes in MongoDB
    :param row: as the sync shapes it
    """

    document: bytes
    row: Row

    @classmethod
    def of(cls, document: bytes) -> Self:
        """Read a play.

        :raises UnfitValue: the play has no row
        """
        (row,) = LISTENING_HISTORY.rows(as_read(bson.decode(document, codec_options=OPTIONS)))
        return cls(document, row)

    @property
    def id(self) -> UUID:
        """The id of the document and of its row."""
        identity: UUID = self.row[0]
        return identity

    @property
    def played_at(self) -> datetime:
        """When the play ended, in UTC."""
        moment: datetime = self.row[1]
        return moment

    @property
    def track_id(self) -> str | None:
        """Spotify's id of the track, where the play names one."""
        track: str | None = self["track_spotify_id"]
        return track

    def __getitem__(self, column: str) -> Any:
        return self.row[PLACES[column]]

    def stub(self, archive: ObjectId) -> Document:
        """What stays of it in ``archived_plays``: what the loader, the sync and the catalog need to know it by."""
        stub = {
            "_id": self.id,
            "archive": archive,
            "played_at": self.played_at,
            "row_checksum": Int64(checksum_of(self.row)),
        }
        return stub | {"track": self.track_id} if self.track_id else stub


def fit_plays(documents: Iterable[bytes], unfit: list[bytes]) -> Iterator[Play]:
    """Read plays; those that have no row are put into ``unfit``."""
    for document in documents:
        try:
            yield Play.of(document)
        except UnfitValue:
            unfit.append(document)
