"""The MongoDB collections of a listening history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions
from pymongo.collection import Collection
from pymongo.database import Database

Documents = Collection[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class HistoryStore:
    """The collections, with ids as standard UUIDs and times in UTC, whatever the client was opened with."""

    database: Database[dict[str, Any]]
    plays: Documents
    tracks: Documents
    artists: Documents
    albums: Documents
    rejected_rows: Documents
    load_runs: Documents
    enrichment_runs: Documents
    user_profiles: Documents
    archives: Documents
    archived_plays: Documents
    maintenance_runs: Documents
    index_usage: Documents
    listening_statistics: Documents
    ml_features: Documents
    forgotten_users: Documents

    @classmethod
    def of(cls, database: Database[dict[str, Any]], *, plays: str = "listening_history") -> HistoryStore:
        """The collections of a database, which give times with their zone and ids as ``UUID``.

        :param plays: what the collection of plays is called there
        """
        options: CodecOptions[dict[str, Any]] = CodecOptions(
            uuid_representation=UuidRepresentation.STANDARD, tz_aware=True
        )
        database = database.with_options(codec_options=options)
        return cls(
            database=database,
            plays=database[plays],
            tracks=database["tracks"],
            artists=database["artists"],
            albums=database["albums"],
            rejected_rows=database["rejected_rows"],
            load_runs=database["load_runs"],
            enrichment_runs=database["enrichment_runs"],
            user_profiles=database["user_profiles"],
            archives=database["archives"],
            archived_plays=database["archived_plays"],
            maintenance_runs=database["maintenance_runs"],
            index_usage=database["index_usage"],
            listening_statistics=database["listening_statistics"],
            ml_features=database["ml_features"],
            forgotten_users=database["forgotten_users"],
        )

    def server_time(self) -> datetime:
        """The time of the server, by which times are compared that several machines write."""
        found: datetime = self.database.command("hello", codec_options=self.database.codec_options)["localTime"]
        return found
