"""Users and their profiles, as Supabase has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from echotune.resources import read_sql
from echotune.sync.errors import UnfitValue
from echotune.sync.profile_documents import profile_document

USERS_A_BATCH = 500
TEXT_A_BATCH = 16 * 2**20
"""Bytes of text after which a batch ends."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A user's profile in Supabase.

    :param version: how often it changed; 0 where no change was ever counted
    :param due: whether MongoDB lacks a change
    :param document: its BSON without the time of writing; None where there is none
    :param problem: why it does not fit in MongoDB
    """

    user: UUID
    version: int
    due: bool
    document: bytes | None
    problem: str | None = None

    @property
    def is_gone(self) -> bool:
        """Whether MongoDB shall have no document."""
        return self.document is None and self.problem is None


def hold_profiles(connection: Connection[Any]) -> None:
    """Let no other way back run until the end of the transaction."""
    connection.execute(read_sql("profiles/lock.sql"))


def list_users(connection: Connection[Any], after: UUID | None, *, everyone: bool) -> list[UUID]:
    """The next users after an id: those who are due, or everyone who may have a profile."""
    statement = read_sql("profiles/all_users.sql" if everyone else "profiles/due_users.sql")
    return [user for (user,) in connection.execute(statement, {"after": after, "users": USERS_A_BATCH})]


def read_profiles(connection: Connection[Any], users: list[UUID]) -> list[Profile]:
    """The profiles of the first of these users: of at least one, and of as many as a batch may hold."""
    rows = connection.execute(read_sql("profiles/profiles.sql"), {"users": users, "bytes": TEXT_A_BATCH})
    return [_profile(*row) for row in rows]


def _profile(user: UUID, version: int, due: bool, has_profile: bool, told: str | None) -> Profile:
    if not has_profile:
        return Profile(user=user, version=version, due=due, document=None)
    try:
        document = profile_document(user, told)
    except UnfitValue as error:
        return Profile(user=user, version=version, due=due, document=None, problem=str(error))
    return Profile(user=user, version=version, due=due, document=document)


def unknown_ids(connection: Connection[Any], ids: Sequence[Any]) -> list[Any]:
    """Those of some documents' ids that are no user's."""
    users = [candidate for candidate in ids if isinstance(candidate, UUID)]
    strangers = [candidate for candidate in ids if not isinstance(candidate, UUID)]
    found = connection.execute(read_sql("profiles/unknown_users.sql"), {"users": users})
    return strangers + [user for (user,) in found]


def rejected_users(connection: Connection[Any], users: list[UUID]) -> set[UUID]:
    """Those of some users whose profile does not fit in MongoDB, as the last sync found."""
    return {user for (user,) in connection.execute(read_sql("profiles/rejected_users.sql"), {"users": users})}
