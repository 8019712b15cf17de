"""What a MongoDB server says when it does not do a thing, told in one line."""

from __future__ import annotations

from typing import Any

from pymongo.errors import NotPrimaryError, OperationFailure, PyMongoError

from echotune.indexes.steps import Outcome

UNAUTHORIZED = 13
NO_SUCH_COMMAND = (59, 115, 8000, 20, 238, 323)
"""CommandNotFound, CommandNotSupported, AtlasError, IllegalOperation, NotImplemented, APIStrictError."""
NOT_PRIMARY = (10107, 13435, 189, 11602)
BUSY = (50, 24, 46, 112, 117, 12587)
"""MaxTimeMSExpired, LockTimeout, LockBusy, WriteConflict, ConflictingOperationInProgress, and an index build."""
LONGEST_MESSAGE = 200
ROLES = {
    "$indexStats": "clusterMonitor on admin",
    "find on config.collections": "clusterMonitor on admin",
    "collMod": "dbAdmin",
    "enableSharding": "clusterManager on admin",
    "shardCollection": "clusterManager on admin",
}
"""The role that gives a right, where it is not readWrite."""


def code_of(error: PyMongoError) -> int | None:
    """The server's number of an error."""
    if isinstance(error, OperationFailure):
        return error.code
    details: Any = getattr(error, "details", None)
    return details.get("code") if isinstance(details, dict) else None


def outcome_of(error: PyMongoError) -> Outcome:
    """What became of a step that ended with this error."""
    code = code_of(error)
    if isinstance(error, NotPrimaryError) or code in (UNAUTHORIZED, *NO_SUCH_COMMAND, *NOT_PRIMARY):
        return Outcome.REFUSED
    return Outcome.BUSY if code in BUSY else Outcome.FAILED


def told_refusal(error: PyMongoError, command: str) -> str:
    """One line for a person: what was refused and what would help.

    :param command: what was asked for
    """
    code = code_of(error)
    if code == UNAUTHORIZED:
        return f"this user may not {command}: the role {ROLES.get(command, 'readWrite')} gives the right"
    if isinstance(error, NotPrimaryError) or code in NOT_PRIMARY:
        return f"this server is no primary and does not {command}: connect to the whole replica set"
    if code in NO_SUCH_COMMAND:
        return f"this server does not know or does not allow {command}: {_message(error)}"
    if code in BUSY:
        return f"{command} did not get its lock in time: {_message(error)}"
    return f"{command} failed: {_message(error)}"


def _message(error: PyMongoError) -> str:
    details: Any = getattr(error, "details", None) or {}
    message = str(details.get("errmsg", error)).partition("\n")[0]
    # Before that an index build tells the identities of what it worked on.
    message = message.rpartition(" :: caused by :: ")[2]
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"
