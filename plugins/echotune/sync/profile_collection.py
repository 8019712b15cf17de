"""The collection ``user_profiles`` as the way back reads and writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from bson.raw_bson import RawBSONDocument
from pymongo import ReadPreference, ReplaceOne, WriteConcern
from pymongo.collection import Collection

from echotune.history.store import HistoryStore
from echotune.sync.profile_documents import OPTIONS

IDS_A_BATCH = 500


def profile_collection(store: HistoryStore) -> Collection[RawBSONDocument]:
    """The collection, with documents as bytes.

    What a secondary says may be old, and what one node alone has may be lost: neither may be taken for written.
    """
    options = OPTIONS.with_options(document_class=RawBSONDocument)
    return store.user_profiles.with_options(
        codec_options=options,
        read_preference=ReadPreference.PRIMARY,
        write_concern=WriteConcern("majority"),
    )


def equal_profiles(profiles: Collection[RawBSONDocument], documents: Mapping[UUID, bytes]) -> set[UUID]:
    """The users whose document is, byte by byte, what it shall be; the time of writing does not count."""
    found = profiles.find({"_id": {"$in": [*documents]}}, {"updated_at": 0})
    return {document["_id"] for document in found if document.raw == documents[document["_id"]]}


def replace_profiles(profiles: Collection[RawBSONDocument], documents: Mapping[UUID, bytes]) -> None:
    """Write whole documents, so that no reader sees a part of one."""
    if not documents:
        return
    # Told by the server, whose clock says of all documents when they were written.
    now: datetime = profiles.database.command("hello")["localTime"]
    operations: list[Any] = [
        ReplaceOne({"_id": user}, {**RawBSONDocument(document), "updated_at": now}, upsert=True)
        for user, document in documents.items()
    ]
    profiles.bulk_write(operations, ordered=False)


def remove_profiles(profiles: Collection[RawBSONDocument], ids: Sequence[Any]) -> int:
    """Remove documents by their ids; return how many were there."""
    return profiles.delete_many({"_id": {"$in": ids}}).deleted_count if ids else 0


def list_profile_ids(profiles: Collection[RawBSONDocument]) -> Iterator[list[Any]]:
    """The ids of all documents, in batches."""
    batch: list[Any] = []
    for document in profiles.find({}, {"_id": 1}, sort=[("_id", 1)]):
        batch.append(document["_id"])
        if len(batch) == IDS_A_BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
