"""What PostgreSQL has of a user: plays, the user with all that hangs on it, and what the sync noted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection

from echotune.forgetting.mongo_places import Matched, whole_truth
from echotune.forgetting.person import Person
from echotune.forgetting.places import Counts
from echotune.history.store import HistoryStore
from echotune.resources import read_sql
from echotune.sync.profile_reader import hold_profiles
from echotune.sync.source import OPTIONS, Position
from echotune.sync.tables import LISTENING_HISTORY, document_row_id
from echotune.sync.transaction import lock_writers

ROWS_A_DELETE = 20_000
"""Rows of one transaction: the sync's writers wait for each, and give up after half a minute."""

NAMES = ("plays", "playlists", "preferences", "users", "profile changes")


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """What a person has to look at.

    :param sign_ins: whether somebody signs in as the user; the account itself is not ours
    :param namesakes: rows of no Spotify user that bear the name, which their own user chose
    """

    sign_ins: int = 0
    namesakes: int = 0


@dataclass(frozen=True, kw_only=True)
class Synced:
    """The user's rows.

    The lock of the sync's writers is held while rows go: who writes later knows that the user is forgotten. The profile
    in MongoDB goes under the lock of its way back, so nobody finds it without its user.

    :param connection: with the rights of the tables' owner, as migrations have
    :param profile: the user's profile in MongoDB
    """

    connection: Connection[Any]
    store: HistoryStore
    person: Person
    profile: Matched

    def count(self) -> Counts:
        if not self._is_there():
            return self.profile.count()
        with self._transaction():
            counts = self._row("forgetting/count_user.sql")
            rejections = self._number("forgetting/count_rejections.sql", plays=self._rejected_plays())
        named = {f"PostgreSQL {name}": number for name, number in zip(NAMES, counts, strict=True)}
        told = {"PostgreSQL rejections": rejections, "PostgreSQL positions": len(list(self._positions()))}
        return {**named, **told, **self.profile.count()}

    def remove(self) -> None:
        if not self._is_there():
            self.profile.remove()
            return
        while self._delete_plays() == ROWS_A_DELETE:
            pass
        with self._transaction():
            lock_writers(self.connection)
            hold_profiles(self.connection)
            self._execute("forgetting/delete_plays.sql", rows=None)
            self._execute("forgetting/delete_user.sql")
            self._execute("forgetting/delete_profile_changes.sql")
            self._execute("forgetting/delete_rejections.sql", plays=self._rejected_plays())
            self.profile.remove()
        for run_id, number, position in self._positions():
            with self._transaction():
                values = {"run_id": run_id, "slice": number, "position": position}
                self.connection.execute(read_sql("forgetting/forget_position.sql"), values)

    def remove_rejections(self) -> None:
        """Remove what the sync noted of the user's plays, while MongoDB still tells which these are."""
        if self._is_there():
            with self._transaction():
                self._execute("forgetting/delete_rejections.sql", plays=self._rejected_plays())

    def accounts(self) -> Accounts:
        """What hangs on no Spotify user."""
        if not self._is_there():
            return Accounts()
        with self._transaction():
            sign_ins, namesakes = self._row("forgetting/accounts.sql")
        return Accounts(sign_ins=sign_ins, namesakes=namesakes)

    def _delete_plays(self) -> int:
        with self._transaction():
            lock_writers(self.connection)
            return self._execute("forgetting/delete_plays.sql", rows=ROWS_A_DELETE)

    def _rejected_plays(self) -> list[UUID]:
        """The rejected plays that are the user's, and those that are nobody's any more."""
        found = self.connection.execute(read_sql("forgetting/rejected_plays.sql")).fetchall()
        rejected = {row_id for (row_id,) in found}
        return sorted(rejected - self._plays_of_others(rejected)) if rejected else []

    def _plays_of_others(self, rows: set[UUID]) -> set[UUID]:
        others = {"user.username": {"$ne": self.person.username}}
        plays = whole_truth(self.store.plays.with_options(codec_options=OPTIONS))
        known = {each["_id"] for each in plays.find({"_id": {"$in": [*rows]}} | others, {"_id": 1})}
        # An _id that is no UUID has a row id all the same: rare, so they are looked at one by one.
        odd = plays.find({"_id": {"$not": {"$type": "binData"}}} | others, {"_id": 1})
        known |= {document_row_id(LISTENING_HISTORY, each) for each in odd}
        notes = whole_truth(self.store.archived_plays)
        return known | {each["_id"] for each in notes.find({"_id": {"$in": [*rows - known]}}, {"_id": 1})}

    def _positions(self) -> Iterator[tuple[str, int, str]]:
        """The places of slices of user names that are the user."""
        with self._transaction():
            found = self.connection.execute(read_sql("forgetting/positions.sql")).fetchall()
        for run_id, number, position in found:
            if Position.read(position).id == self.person.username:
                yield run_id, number, position

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self.connection.transaction():
            self.connection.execute(read_sql("forgetting/begin_transaction.sql"))
            yield

    def _is_there(self) -> bool:
        return bool(self._row("forgetting/is_there.sql")[0])

    def _execute(self, statement: LiteralString, **values: Any) -> int:
        known = {"user_id": self.person.row_id, "username": self.person.text}
        return self.connection.execute(read_sql(statement), known | values).rowcount

    def _number(self, statement: LiteralString, **values: Any) -> int:
        return int(self._row(statement, **values)[0])

    def _row(self, statement: LiteralString, **values: Any) -> Sequence[Any]:
        known = {"user_id": self.person.row_id, "username": self.person.text}
        return self.connection.execute(read_sql(statement), known | values).fetchone() or ()
