"""Preferences and playlists on their way back: from Supabase, where applications write them, to MongoDB.

Triggers count the changes of each user's profile (include/sql/migrations/0007_profile_changes.sql). A profile is due
while its count is ahead of the one that was last written. A batch is one transaction: counts and profiles are read as
of one moment, the documents that differ are written, then the counts are stored. Stopped anywhere, the batch is done
again and comes to the same; what is committed meanwhile raises the count and is due again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from bson.raw_bson import RawBSONDocument
from psycopg import Connection
from pymongo.collection import Collection

from echotune.history.store import HistoryStore
from echotune.resources import read_sql
from echotune.sync.profile_collection import (
    equal_profiles,
    list_profile_ids,
    profile_collection,
    remove_profiles,
    replace_profiles,
)
from echotune.sync.profile_reader import Profile, hold_profiles, list_users, read_profiles, unknown_ids
from echotune.sync.transaction import sync_transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ProfileCounts:
    """What became of the profiles that were due.

    :param read: profiles read, also of users who have none any more
    :param written: documents made or replaced
    :param unchanged: documents that were right already
    :param deleted: documents removed: of users who are gone or left neither preferences nor playlists
    :param rejected: profiles that do not fit; MongoDB keeps what it had of them
    """

    read: int = 0
    written: int = 0
    unchanged: int = 0
    deleted: int = 0
    rejected: int = 0

    def __add__(self, other: ProfileCounts) -> ProfileCounts:
        mine, theirs = asdict(self), asdict(other)
        return ProfileCounts(**{name: mine[name] + theirs[name] for name in mine})


def sync_profiles(connection: Connection[Any], store: HistoryStore, *, full_refresh: bool = False) -> ProfileCounts:
    """Bring MongoDB's ``user_profiles`` up to date. Safe to stop and to start again at any point.

    :param full_refresh: compare everyone's profile, whether it changed or not, and remove the documents of unknown
        users: what somebody changed in MongoDB is put right
    """
    profiles = profile_collection(store)
    counts, after = ProfileCounts(), None
    while batch := _sync_batch(connection, profiles, after, everyone=full_refresh):
        after, done = batch
        counts += done
    if full_refresh:
        counts += ProfileCounts(deleted=_remove_unknown(connection, profiles))
    log.info("profiles: %s", ", ".join(f"{count:,} {name}" for name, count in asdict(counts).items()))
    return counts


def _sync_batch(
    connection: Connection[Any], collection: Collection[RawBSONDocument], after: UUID | None, *, everyone: bool
) -> tuple[UUID, ProfileCounts] | None:
    """Sync the next users; return the last one, or None where there is no one left."""
    with sync_transaction(connection):
        hold_profiles(connection)
        users = list_users(connection, after, everyone=everyone)
        if not users:
            return None
        profiles = read_profiles(connection, users)
        counts = _write(collection, profiles)
        _record(connection, profiles)
    return profiles[-1].user, counts


def _write(collection: Collection[RawBSONDocument], profiles: Sequence[Profile]) -> ProfileCounts:
    documents = {profile.user: profile.document for profile in profiles if profile.document is not None}
    equal = equal_profiles(collection, documents)
    differing = {user: document for user, document in documents.items() if user not in equal}
    replace_profiles(collection, differing)
    return ProfileCounts(
        read=len(profiles),
        written=len(differing),
        unchanged=len(equal),
        deleted=remove_profiles(collection, [profile.user for profile in profiles if profile.is_gone]),
        rejected=sum(profile.problem is not None for profile in profiles),
    )


def _record(connection: Connection[Any], profiles: Sequence[Profile]) -> None:
    """Store what MongoDB has now, and what it cannot have."""
    problems = {profile.user: profile.problem for profile in profiles if profile.problem is not None}
    for user, problem in problems.items():
        log.warning("the profile of user %s does not fit in MongoDB: %s", user, problem)
    fitting = [profile.user for profile in profiles if profile.user not in problems]
    connection.execute(read_sql("profiles/accept.sql"), {"users": fitting})
    connection.execute(read_sql("profiles/reject.sql"), {"users": [*problems], "reasons": [*problems.values()]})
    connection.execute(read_sql("profiles/mark_synced.sql"), _versions(profiles))
    connection.execute(read_sql("profiles/forget.sql"), _versions([profile for profile in profiles if profile.is_gone]))


def _versions(profiles: Sequence[Profile]) -> dict[str, list[Any]]:
    return {
        "users": [profile.user for profile in profiles],
        "versions": [profile.version for profile in profiles],
    }


def _remove_unknown(connection: Connection[Any], collection: Collection[RawBSONDocument]) -> int:
    removed = 0
    for ids in list_profile_ids(collection):
        with sync_transaction(connection):
            hold_profiles(connection)
            removed += remove_profiles(collection, unknown_ids(connection, ids))
    return removed
