"""What MongoDB has of a user, but for the archives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pymongo import ReadPreference, WriteConcern

from echotune.forgetting.person import Person
from echotune.forgetting.places import Counts
from echotune.history.catalog import refresh_catalog
from echotune.history.reconcile import check_catalog
from echotune.history.rejected_owner import is_of, may_be_of
from echotune.history.store import Documents, HistoryStore

IDS_A_DELETE = 1_000


def whole_truth(collection: Documents) -> Documents:
    """A collection as the primary has it, written to most of the servers: a proof rests on no late copy."""
    return collection.with_options(read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority"))


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Documents of a collection that a filter finds."""

    name: str
    collection: Documents
    match: dict[str, Any]

    def count(self) -> Counts:
        return {self.name: whole_truth(self.collection).count_documents(self.match)}

    def remove(self) -> None:
        whole_truth(self.collection).delete_many(self.match)


@dataclass(frozen=True, kw_only=True)
class RejectedRows:
    """Rows of the user that did not load."""

    store: HistoryStore
    person: Person

    def count(self) -> Counts:
        return {"rejected rows": sum(1 for _ in self._found())}

    def remove(self) -> None:
        ids: list[Any] = []
        for document in self._found():
            ids.append(document["_id"])
            if len(ids) == IDS_A_DELETE:
                self._delete(ids)
                ids = []
        self._delete(ids)

    def files(self) -> list[str]:
        """The SHA-256 of the files they came from."""
        return sorted({found["source"]["sha256"] for found in self._found() if "sha256" in found.get("source", {})})

    def _found(self) -> Iterator[dict[str, Any]]:
        name = self.person.username
        rows = whole_truth(self.store.rejected_rows).find(
            may_be_of(name), {"username": 1, "raw": 1, "source.sha256": 1}
        )
        return (row for row in rows if is_of(name, row))

    def _delete(self, ids: list[Any]) -> None:
        if ids:
            whole_truth(self.store.rejected_rows).delete_many({"_id": {"$in": ids}})


def plays(store: HistoryStore, person: Person) -> Matched:
    """The user's plays."""
    return Matched(name="plays", collection=store.plays, match={"user.username": person.username})


def profile(store: HistoryStore, person: Person) -> Matched:
    """The user's preferences and playlists, as they came from PostgreSQL."""
    match = {"$or": [{"_id": person.row_id}, {"user.spotify_user_id": person.username}]}
    return Matched(name="profile", collection=store.user_profiles, match=match)


def statistics(store: HistoryStore, person: Person) -> Matched:
    """What was computed of the user's plays."""
    return Matched(name="statistics", collection=store.listening_statistics, match={"_id": person.username})


@dataclass(frozen=True, kw_only=True)
class LoadRecords:
    """Records of loads that count rows of the user.

    Of a file that has rows of the user every record goes, also of its other chunks: what they say no longer adds up,
    and the next load of the file looks at each row again. They go before the plays, which tell which files these are.

    :param archived_files: the SHA-256 of the files that archived plays came from
    """

    store: HistoryStore
    person: Person
    archived_files: tuple[str, ...] = ()

    def count(self) -> Counts:
        return {"load records": whole_truth(self.store.load_runs).count_documents(self._match())}

    def remove(self) -> None:
        whole_truth(self.store.load_runs).delete_many(self._match())

    def _match(self) -> dict[str, Any]:
        files = {"kind": {"$in": ["file", "chunk"]}, "source.sha256": {"$in": self._files()}}
        name = self.person.username
        return {"$or": [{"settings.username": name}, {"username": name}, files]}

    def _files(self) -> list[str]:
        loaded = whole_truth(self.store.plays).distinct("source.sha256", {"user.username": self.person.username})
        rejected = RejectedRows(store=self.store, person=self.person).files()
        return sorted({*loaded, *rejected, *self.archived_files})


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Tracks, artists and albums: they count plays, and stay when nobody plays them any more."""

    store: HistoryStore

    def count(self) -> Counts:
        check = check_catalog(self.store)
        # A load in flight has plays that are not counted yet; those counted and not there are who was forgotten.
        return {"plays counted in tracks and gone": max(0, check.found - check.expected)}

    def remove(self) -> None:
        refresh_catalog(self.store)
