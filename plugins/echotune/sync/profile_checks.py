"""What must be true after the way back: every profile is in MongoDB as it is in Supabase, and no other."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bson.raw_bson import RawBSONDocument
from psycopg import Connection
from pymongo.collection import Collection

from echotune.history.store import HistoryStore
from echotune.reconciliation import Check
from echotune.sync.profile_collection import equal_profiles, list_profile_ids, profile_collection
from echotune.sync.profile_reader import Profile, hold_profiles, list_users, read_profiles, rejected_users, unknown_ids
from echotune.sync.transaction import sync_transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A batch of users, up to one.

    :param profiles: profiles that MongoDB shall have
    :param equal: those it has
    :param superfluous: documents of users without a profile
    """

    last: UUID
    profiles: int
    equal: int
    superfluous: int


def verify_profiles(connection: Connection[Any], store: HistoryStore) -> list[Check]:
    """Compare everyone's profile, but those that changed since the last sync and those that were rejected.

    The users whose profiles differ are named in the log.
    """
    collection = profile_collection(store)
    profiles, equal, superfluous, after = 0, 0, 0, None
    while compared := _compare_batch(connection, collection, after):
        after = compared.last
        profiles += compared.profiles
        equal += compared.equal
        superfluous += compared.superfluous
    return [
        Check(what="profiles that are in MongoDB as in Supabase", expected=profiles, found=equal),
        Check(what="documents in MongoDB of users without a profile", expected=0, found=superfluous),
        Check(what="documents in MongoDB of no user", expected=0, found=_count_unknown(connection, collection)),
    ]


def _compare_batch(
    connection: Connection[Any], collection: Collection[RawBSONDocument], after: UUID | None
) -> Compared | None:
    with sync_transaction(connection):
        hold_profiles(connection)
        users = list_users(connection, after, everyone=True)
        if not users:
            return None
        profiles = read_profiles(connection, users)
        settled = _settled(profiles, rejected_users(connection, users))
        documents = {profile.user: profile.document for profile in settled if profile.document is not None}
        equal = equal_profiles(collection, documents)
        gone = [profile.user for profile in settled if profile.is_gone]
        superfluous = collection.count_documents({"_id": {"$in": gone}})
    for user in sorted(documents.keys() - equal):
        log.warning("the profile of user %s is not in MongoDB as it is in Supabase", user)
    return Compared(last=profiles[-1].user, profiles=len(documents), equal=len(equal), superfluous=superfluous)


def _settled(profiles: Sequence[Profile], rejected: set[UUID]) -> list[Profile]:
    """The profiles that the last sync brought to MongoDB."""
    return [profile for profile in profiles if not profile.due and profile.user not in rejected]


def _count_unknown(connection: Connection[Any], collection: Collection[RawBSONDocument]) -> int:
    unknown = 0
    for ids in list_profile_ids(collection):
        with sync_transaction(connection):
            hold_profiles(connection)
            unknown += len(unknown_ids(connection, ids))
    return unknown
