"""Plays out of the collection and back: each is there or archived at any moment, never neither."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError
from pymongo.read_concern import ReadConcern

from echotune.archive.archives import MAJORITY
from echotune.archive.plays import Play
from echotune.history.store import HistoryStore

BATCH_PLAYS = 1_000
"""Plays of one transaction."""

DUPLICATE_KEY = 11000
ROUTER = "isdbgrid"

Raw = Collection[RawBSONDocument]
Done = TypeVar("Done")


def raw_plays(store: HistoryStore) -> Raw:
    """The plays as their bytes, as most of the servers have them."""
    options = store.plays.codec_options.with_options(document_class=RawBSONDocument)
    return store.plays.with_options(codec_options=options, write_concern=MAJORITY, read_concern=ReadConcern("majority"))


def documents_by_id(plays: Raw, ids: Sequence[UUID], session: ClientSession | None = None) -> dict[UUID, bytes]:
    """The bytes of those plays that are in the collection."""
    return {document["_id"]: bytes(document.raw) for document in plays.find({"_id": {"$in": ids}}, session=session)}


class Mover:
    """Moves batches of plays. Where the server has transactions, a batch moves whole or not at all.

    A server alone has none. There a play is noted as archived before it goes, and put back before the note goes:
    one that was cut off in between is in both places, and the next try completes it.
    """

    def __init__(self, store: HistoryStore, *, use_transactions: bool | None = None) -> None:
        self._client = store.database.client
        self._plays = raw_plays(store)
        self._archived = store.archived_plays.with_options(write_concern=MAJORITY)
        self._tracks = store.tracks
        self._use_transactions = has_transactions(store) if use_transactions is None else use_transactions

    def remove(self, archive: ObjectId, plays: Sequence[Play]) -> int:
        """Remove those plays that are, byte for byte, as the archive has them; return how many."""
        return self._whole(lambda session: self._remove(archive, plays, session)) if plays else 0

    def _remove(self, archive: ObjectId, plays: Sequence[Play], session: ClientSession | None) -> int:
        ids = [play.id for play in plays]
        found = documents_by_id(self._plays, ids, session)
        same = [play for play in plays if found.get(play.id) == play.document]
        if same:
            notes = [ReplaceOne({"_id": play.id}, play.stub(archive), upsert=True) for play in same]
            self._archived.bulk_write(notes, ordered=False, session=session)
            self._delete(same, session)
        if len(same) == len(found) and self._use_transactions:
            return len(same)
        # Whoever changed a play meanwhile keeps it: the next run archives it as it is then.
        kept = [play["_id"] for play in self._plays.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)]
        self._archived.delete_many({"_id": {"$in": kept}, "archive": archive}, session=session)
        return len(same) - len({play.id for play in same} & set(kept))

    def _delete(self, plays: Sequence[Play], session: ClientSession | None) -> None:
        """Delete plays that are what they were; in a transaction, somebody's change since it began undoes all of it."""
        if session:
            self._plays.delete_many({"_id": {"$in": [play.id for play in plays]}}, session=session)
        else:
            self._plays.bulk_write([_delete_exactly(play) for play in plays], ordered=False)

    def restore(self, archive: ObjectId, plays: Sequence[Play]) -> int:
        """Put back those plays that are archived here, byte for byte; return how many. What is there stays."""
        while True:
            try:
                return self._whole(lambda session: self._restore(archive, plays, session)) if plays else 0
            except BulkWriteError as error:
                # Somebody loaded one of them just now: it is there, so look again.
                if any(problem["code"] != DUPLICATE_KEY for problem in error.details["writeErrors"]):
                    raise

    def _restore(self, archive: ObjectId, plays: Sequence[Play], session: ClientSession | None) -> int:
        ids = [play.id for play in plays]
        notes = self._archived.find({"_id": {"$in": ids}, "archive": archive}, {"_id": 1}, session=session)
        archived = {note["_id"] for note in notes}
        if not archived:
            return 0
        there = documents_by_id(self._plays, list(archived), session)
        missing = [play for play in plays if play.id in archived and play.id not in there]
        if missing:
            self._plays.insert_many([RawBSONDocument(play.document) for play in missing], session=session)
            self._make_due({play.track_id for play in missing if play.track_id}, session)
        self._archived.delete_many({"_id": {"$in": list(archived)}, "archive": archive}, session=session)
        return len(missing)

    def _make_due(self, tracks: set[str], session: ClientSession | None) -> None:
        """Have what was learnt of tracks while their plays were away written into these."""
        learnt = [{f"enrichment.{kind}.status": "enriched"} for kind in ("audio_features", "catalog")]
        due = {"$currentDate": {"embedding_due": True}}
        self._tracks.update_many({"_id": {"$in": list(tracks)}, "$or": learnt}, due, session=session)

    def _whole(self, step: Callable[[ClientSession | None], Done]) -> Done:
        """Do a step in one transaction, again where it collides with another writer; without one where none is."""
        if not self._use_transactions:
            return step(None)
        with self._client.start_session() as session:
            return session.with_transaction(step, read_concern=ReadConcern("snapshot"), write_concern=MAJORITY)


def _delete_exactly(play: Play) -> DeleteOne:
    """Delete a play if it is what it was, in every byte that means something."""
    unchanged: Any = {"$eq": ["$$ROOT", {"$literal": RawBSONDocument(play.document)}]}
    return DeleteOne({"_id": play.id, "$expr": unchanged})


def has_transactions(store: HistoryStore) -> bool:
    """Whether the server is more than one alone: a replica set, or a sharded cluster."""
    hello = store.database.client.admin.command("hello")
    return "setName" in hello or hello.get("msg") == ROUTER
