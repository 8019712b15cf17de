"""Databases that are there for one measurement."""

from __future__ import annotations

import secrets
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient


class Database:
    """A database with a random name, dropped at the end."""

    def __init__(self, uri: str) -> None:
        self.name = f"echotune_benchmark_{secrets.token_hex(4)}"
        self._uri = uri
        self._client = MongoClient[dict[str, Any]](uri)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.drop_database(self.name)
        self._client.close()

    def encoded_plays(self) -> list[RawBSONDocument]:
        """Return the plays as MongoDB encoded them."""
        with MongoClient[RawBSONDocument](self._uri, document_class=RawBSONDocument) as client:
            return list(client[self.name]["listening_history"].find())
