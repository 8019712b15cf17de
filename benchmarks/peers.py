"""Other ways to load the same file, as they are met in the field: what the backfill is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, MongoClient

from echotune.history.columns import COLUMNS

INSERT_ROWS = 5_000


def load_row_by_row(uri: str, database: str, path: str) -> None:
    """The usual loader: pandas reads the file, iterrows makes a nested document a row, one bulk_write sends all."""
    frame = pd.read_csv(Path(path), dtype=str, keep_default_na=False)
    operations = []
    for _, row in frame.iterrows():
        document: dict[str, Any] = {}
        for column in COLUMNS:
            if row[column.name] and not column.personal:
                section, _, field = column.path.rpartition(".")
                target = document.setdefault(section, {}) if section else document
                target[field] = column.type.parse(row[column.name])
        operations.append(InsertOne(document))
    with MongoClient[dict[str, Any]](uri) as client:
        client[database]["plays"].bulk_write(operations, ordered=False)


def insert_encoded(uri: str, database: str, documents: list[RawBSONDocument]) -> None:
    """The limit: documents that are encoded already, sent as they are."""
    with MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as client:
        plays = client[database]["plays"]
        for start in range(0, len(documents), INSERT_ROWS):
            plays.insert_many(documents[start : start + INSERT_ROWS], ordered=False)
