"""Who was forgotten: a mark without a name, by which writers in flight leave that user out.

A load, a sync or an archive that began before a user was forgotten still has rows of them in hand. It looks here before
and after it writes; what is begun after the forgetting ended brings the user back, because a person asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from pymongo import ReadPreference, WriteConcern

from echotune.history.load_runs import make_catalog_due
from echotune.history.store import Documents, HistoryStore

NAMES_KEPT = 65_536


@lru_cache(maxsize=NAMES_KEPT)
def digest_of(username: str) -> str:
    """The SHA-256 of a username, in hexadecimal: what is kept of someone who was forgotten."""
    return sha256(username.encode(errors="surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class ForgottenUsers:
    """Users who were forgotten since a time, or are being forgotten now.

    :param marks: the collection ``forgotten_users``
    :param since: when whoever asks began, by MongoDB's clock
    """

    marks: Documents
    since: datetime

    @classmethod
    def of(cls, store: HistoryStore, since: datetime | None = None) -> ForgottenUsers:
        """:param since: None: now"""
        # A secondary that lags behind would not know of somebody who was forgotten just now.
        marks = store.forgotten_users.with_options(read_preference=ReadPreference.PRIMARY)
        return cls(marks=marks, since=since or store.server_time())

    def digests(self) -> frozenset[str]:
        """Those known by now, as :func:`digest_of` tells them."""
        match = {"$or": [{"forgotten_at": {"$gte": self.since}}, {"under_way": True}]}
        return frozenset(mark["_id"] for mark in self.marks.find(match, {"_id": 1}))

    def includes(self, username: str) -> bool:
        """Whether a user is among them."""
        return bool(username) and digest_of(username) in self.digests()


def among(names: Iterable[str], digests: frozenset[str]) -> bool:
    """Whether one of some names is of a user who was forgotten."""
    return bool(digests) and any(digest_of(name) in digests for name in names)


def begin_forgetting(store: HistoryStore, username: str) -> None:
    """Have every writer leave a user out from now on, and the catalog counted anew by whoever counts it next."""
    _mark(store, username, {"forgotten_at": "$$NOW", "under_way": True})
    make_catalog_due(store)


def finish_forgetting(store: HistoryStore, username: str) -> None:
    """Let what begins from now on bring the user back."""
    _mark(store, username, {"forgotten_at": "$$NOW", "under_way": "$$REMOVE"})


def _mark(store: HistoryStore, username: str, fields: dict[str, object]) -> None:
    marks = store.forgotten_users.with_options(write_concern=WriteConcern("majority"))
    marks.update_one({"_id": digest_of(username)}, [{"$set": fields}], upsert=True)
