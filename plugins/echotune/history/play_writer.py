"""Plays into the collection: each inserted once, whoever brings it and however often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bson.binary import Binary
from pymongo import ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from echotune.history.archived import ArchivedIds
from echotune.history.counts import LoadCounts
from echotune.history.document import Document
from echotune.history.store import HistoryStore

DUPLICATE_KEY = 11000

CountsByUser = dict[str, LoadCounts]
"""What became of rows, by username; under none those of other users, and those that are broken as a whole."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a play in the collection came from."""

    sha256: str
    row: int


ARCHIVED = Source(sha256="", row=0)
"""Where an archived play came from is not looked up: it is told as one that is already there."""


def user_of(play: Document) -> str:
    """The username of a play."""
    username: str = play["user"]["username"]
    return username


class PlayWriter:
    """Writes the plays of one file; a play that is there already keeps all that was written to it since.

    The server takes ten times as long to refuse a play as to insert it. So, once one was refused, the writer asks
    which of the next plays are there before it sends any.

    :param sha256: of the file whose plays these are
    :param expect_known: whether some are likely to be there (the chunk was begun before)
    :param dry_run: look, and write nothing; the plays seen are remembered, in about 300 bytes each
    """

    def __init__(self, store: HistoryStore, *, sha256: str, expect_known: bool, dry_run: bool) -> None:
        self._plays = store.plays
        self._archived = ArchivedIds(store)
        self._sha256 = sha256
        self._expect_known = expect_known or dry_run
        self._dry_run = dry_run
        self._foretold: dict[Binary, Source] = {}

    def write(self, documents: Mapping[Binary, Document]) -> LoadCounts:
        """Insert the plays that are not there; return what became of them. An archived play is there."""
        return LoadCounts.total(self.write_by_user(documents).values())

    def write_by_user(self, documents: Mapping[Binary, Document]) -> CountsByUser:
        """The same, and return what became of each user's."""
        archived = dict.fromkeys(self._archived.among(documents.values()), ARCHIVED)
        known = self._known(documents) if self._expect_known else {}
        if self._dry_run:
            known |= self._foretell(documents)
        there = known or archived
        new = [play for identity, play in documents.items() if not there or identity not in known | archived]
        refused = [] if self._dry_run else self._insert(new)
        if refused:
            known |= self._known(refused)
        if not self._dry_run:
            self._own(new, known)
        self._expect_known = bool(known) or self._dry_run
        return self._account(documents, archived | known)

    def _known(self, identities: Iterable[Binary]) -> dict[Binary, Source]:
        found = self._plays.find({"_id": {"$in": list(identities)}}, {"source.sha256": 1, "source.row": 1})
        return {
            Binary.from_uuid(play["_id"]): Source(sha256=play["source"]["sha256"], row=play["source"]["row"])
            for play in found
        }

    def _foretell(self, documents: Mapping[Binary, Document]) -> dict[Binary, Source]:
        """Remember plays as if they were written; return those that earlier rows would have written."""
        repeated = {identity: self._foretold[identity] for identity in documents if identity in self._foretold}
        for identity, document in documents.items():
            self._foretold.setdefault(identity, Source(sha256=self._sha256, row=document["source"]["row"]))
        return repeated

    def _insert(self, documents: list[Document]) -> list[Binary]:
        """Insert plays; return the ids of those that were there already, from another writer."""
        if not documents:
            return []
        try:
            self._plays.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            problems = error.details["writeErrors"]
            if error.details["writeConcernErrors"] or any(problem["code"] != DUPLICATE_KEY for problem in problems):
                raise
            return [documents[problem["index"]]["_id"] for problem in problems]
        return []

    def _own(self, inserted: Iterable[Document], known: Mapping[Binary, Source]) -> None:
        """Have plays that were inserted count as plays, also where they were archived in this very moment."""
        self._archived.forget(self._archived.among(play for play in inserted if play["_id"] not in known))

    def _account(self, documents: Mapping[Binary, Document], known: Mapping[Binary, Source]) -> CountsByUser:
        repeats: Counter[str] = Counter()
        earlier = []
        for identity, source in known.items():
            row = documents[identity]["source"]["row"]
            if source.sha256 == self._sha256 and source.row != row:
                repeats[user_of(documents[identity])] += 1
                if source.row > row:
                    earlier.append(documents[identity])
        self._take_over(earlier)
        plays, there = Counter(map(user_of, documents.values())), Counter(user_of(documents[each]) for each in known)
        return {
            user: LoadCounts(
                inserted=number - there[user], already_there=there[user] - repeats[user], repeats=repeats[user]
            )
            for user, number in plays.items()
        }

    def _take_over(self, documents: list[Document]) -> None:
        """Let the first of the rows that repeat each other be the play's source, in whichever order chunks load.

        A play that nothing was written to since becomes what that row says. Of any other, only the source changes:
        whoever writes to a play sets its updated_at.
        """
        if not documents or self._dry_run:
            return
        changes: list[ReplaceOne[Document] | UpdateOne] = []
        for document in documents:
            later = {
                "_id": document["_id"],
                "source.sha256": self._sha256,
                "source.row": {"$gt": document["source"]["row"]},
            }
            untouched = {"$expr": {"$eq": ["$created_at", "$updated_at"]}}
            changes.append(ReplaceOne(later | untouched, document))
            changes.append(UpdateOne(later, {"$set": {"source": document["source"]}}))
        self._plays.bulk_write(changes, ordered=True)
