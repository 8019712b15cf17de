"""Plays that are archived: they are in no collection of plays, and there all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bson.binary import Binary

from echotune.history.document import Document
from echotune.history.store import HistoryStore


class ArchivedIds:
    """Tells archived plays from new ones by ``archived_plays``: one small document each."""

    def __init__(self, store: HistoryStore) -> None:
        self._archives = store.archives
        self._plays = store.archived_plays

    def among(self, plays: Iterable[Document]) -> set[Binary]:
        """Return the ids of those that are archived. Where no play is, none of these is looked at."""
        newest = self._archives.find_one({"last": {"$exists": True}}, {"last": 1}, sort=[("last", -1)])
        if newest is None:
            return set()
        # A history of today, loaded every day, has nothing to look up.
        old = [play["_id"] for play in plays if play["timestamp"] <= newest["last"]]
        found: list[dict[str, Any]] = list(self._plays.find({"_id": {"$in": old}}, {"_id": 1})) if old else []
        return {Binary.from_uuid(play["_id"]) for play in found}

    def forget(self, plays: set[Binary]) -> None:
        """Let plays that are in the collection again count there and nowhere else."""
        if plays:
            self._plays.delete_many({"_id": {"$in": list(plays)}})
