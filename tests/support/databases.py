"""Databases of tests: made under a random name, read whole, dropped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import bson
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from echotune.history.store import HistoryStore

Document = dict[str, Any]

OPTIONS: CodecOptions[Document] = CodecOptions(uuid_representation=UuidRepresentation.STANDARD, tz_aware=True)
TIMES_OF_WRITING = ("created_at", "updated_at")


@contextmanager
def fresh_database(client: MongoClient[Document]) -> Iterator[Database[Document]]:
    name = f"test_{uuid4().hex}"
    try:
        yield client[name]
    finally:
        client.drop_database(name)


@contextmanager
def fresh_store(client: MongoClient[Document]) -> Iterator[HistoryStore]:
    with fresh_database(client) as database:
        yield HistoryStore.of(database)


@contextmanager
def dags_store(client: MongoClient[Document]) -> Iterator[HistoryStore]:
    """The collections that the stack's DAGs write to, empty before and after."""
    store = HistoryStore.of(client[os.environ["MONGODB_DATABASE"]], plays=os.environ["MONGODB_COLLECTION"])
    client.drop_database(store.database)
    yield store
    client.drop_database(store.database)


def contents(collection: Collection[Document], *, without: tuple[str, ...] = ()) -> dict[Any, Document]:
    """Every document by id, without some fields."""
    hidden = dict.fromkeys(without, 0)
    return {document["_id"]: document for document in collection.find({}, hidden or None)}


def documents(store: HistoryStore) -> dict[str, list[Document]]:
    """Every document, by collection."""
    return {name: list(store.database[name].find()) for name in store.database.list_collection_names()}


def put_back(store: HistoryStore, before: Mapping[str, list[Document]]) -> None:
    """Have the documents there that were there before, and no others."""
    for name in store.database.list_collection_names():
        store.database[name].delete_many({})
        if before.get(name):
            store.database[name].insert_many(before[name])


def plays_of(store: HistoryStore) -> dict[Any, Document]:
    """Every play by id, without the times of writing: what any load of the same rows must come to."""
    return contents(store.plays, without=TIMES_OF_WRITING)


def checksum(store: HistoryStore) -> tuple[int, str]:
    """Number and SHA-256 of all plays in the order of their ids, without the times of writing."""
    digest = hashlib.sha256()
    count = 0
    for document in store.plays.find({}, dict.fromkeys(TIMES_OF_WRITING, 0)).sort("_id", 1):
        digest.update(bson.encode(in_order(document), codec_options=OPTIONS))
        count += 1
    return count, digest.hexdigest()


def in_order(value: Any) -> Any:
    """The same document with its fields sorted: their order is no content."""
    if isinstance(value, Mapping):
        return {name: in_order(value[name]) for name in sorted(value)}
    return value


def everything(database: Database[Document]) -> dict[str, bytes]:
    """The bytes of all documents of all collections, by collection."""
    return {
        name: b"".join(
            bson.encode(document, codec_options=OPTIONS)
            for document in database.get_collection(name, codec_options=OPTIONS).find().sort("_id", 1)
        )
        for name in database.list_collection_names()
    }
