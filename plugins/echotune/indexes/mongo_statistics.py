"""How often each index was used, by $indexStats of every server. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pymongo
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_preferences import Nearest, Primary, Secondary
from pymongo.server_selectors import Selection

from echotune.indexes.mongo_comparison import LiveIndex
from echotune.indexes.mongo_refusals import told_refusal
from echotune.indexes.mongo_server import Server, ServerKind
from echotune.indexes.mongo_usage import Count, Look, hosts_missing

MEMBER_SECONDS = 5
"""How long a member may take to answer."""
STATISTICS: list[dict[str, Any]] = [{"$indexStats": {}}]
PRIMARIES = "the shards' primaries"
SECONDARIES = "the shards' secondaries"

Counts = dict[tuple[str, str], dict[str, Count]]


class OnMember(Nearest):
    """Reads from one member of a replica set, over the client's own connections, credentials and certificates."""

    def __init__(self, host: str) -> None:
        super().__init__()
        name, _, port = host.rpartition(":")
        self.address = (name.strip("[]").lower(), int(port))

    def __call__(self, selection: Selection) -> Selection:
        """Leave only that member to choose from."""
        chosen = [one for one in selection.server_descriptions if one.address == self.address]
        return super().__call__(selection.with_server_descriptions(chosen))


def look(database: Database[dict[str, Any]], server: Server, indexes: Sequence[LiveIndex]) -> Look:
    """Ask each member of a replica set, or the one server; of a sharded cluster one or two members of each shard.

    :param indexes: those whose use is wanted; for none nobody is asked
    """
    collections = sorted({index.collection for index in indexes})
    if not collections:
        return Look()
    counts: Counts = {}
    answered: list[str] = []
    refusals: list[str] = []
    for name, preference in _members(server):
        try:
            with pymongo.timeout(MEMBER_SECONDS):
                if all(_add(counts, database, collection, preference) for collection in collections):
                    answered.append(name)
        except OperationFailure as error:
            refusals.append(told_refusal(error, "$indexStats"))
        except PyMongoError:
            # Told below: it is missing among those that answered.
            continue
    if refusals:
        return Look(unknown=refusals[0])
    # A sharded cluster need not have secondaries.
    wanted = [name for name, _ in _members(server) if name != SECONDARIES]
    return Look(counts=counts, unknown=hosts_missing(wanted, answered))


def _members(server: Server) -> list[tuple[str, Primary | Nearest | Secondary]]:
    """Whom to ask, and how they are reached."""
    if server.kind is ServerKind.SHARDED:
        return [(PRIMARIES, Primary()), (SECONDARIES, Secondary())]
    if server.kind is ServerKind.REPLICA_SET:
        return [(host, OnMember(host)) for host in server.hosts]
    return [("the server", Primary())]


def _add(counts: Counts, database: Database[dict[str, Any]], collection: str, preference: Any) -> bool:
    """Add what one member says of a collection; tell whether it was that member."""
    cursor = database[collection].with_options(read_preference=preference).aggregate(STATISTICS)
    found: Mapping[str, Any]
    for found in cursor:
        accesses = found["accesses"]
        count = Count(since=accesses["since"], operations=int(accesses["ops"]))
        counts.setdefault((collection, found["name"]), {})[found["host"]] = count
    # A direct connection goes to its own server whatever is preferred.
    return not isinstance(preference, OnMember) or cursor.address == preference.address
