"""A user is forgotten: noted, removed from place after place, and searched for until nothing is found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis
from psycopg import Connection

from echotune.archive.paths import OpenPath
from echotune.forgetting.archive_places import Archived
from echotune.forgetting.errors import SomethingIsLeft
from echotune.forgetting.feature_files import FeatureFiles
from echotune.forgetting.mongo_places import Catalog, LoadRecords, RejectedRows, plays, profile, statistics
from echotune.forgetting.person import Person
from echotune.forgetting.places import Counts, Place
from echotune.forgetting.postgres_places import Accounts, Synced
from echotune.forgetting.redis_place import RedisEntries
from echotune.history.forgotten import begin_forgetting, finish_forgetting
from echotune.history.store import HistoryStore

log = logging.getLogger(__name__)

ROUNDS = 5
SECONDS_BETWEEN_ROUNDS = 5.0
"""For a writer in flight to end what it has in hand."""


@dataclass(frozen=True, kw_only=True)
class Systems:
    """Where a user can be.

    :param connection: to PostgreSQL; None where there is none
    :param client: of Redis, answering in bytes; None where there is none
    :param open_path: gives the path of an archive's address
    """

    store: HistoryStore
    connection: Connection[Any] | None
    client: redis.Redis | None
    open_path: OpenPath


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What there is of a user.

    :param files: the loaded files that have rows of the user; they are not ours to change
    """

    counts: Counts
    files: Sequence[str]
    accounts: Accounts


@dataclass(kw_only=True)
class Forgetting:
    """Forgets one user. Every step may be done again, by this run after a crash or by another one.

    The order is by what tells of what: plays say which files' records count them and whose rejections are the user's,
    so both go before the plays; PostgreSQL follows MongoDB, as the sync does.
    """

    systems: Systems
    person: Person
    wait: Callable[[float], None] = time.sleep
    archived: Archived = field(init=False)
    synced: Synced | None = field(init=False)

    def __post_init__(self) -> None:
        store, connection = self.systems.store, self.systems.connection
        self.archived = Archived(store=store, person=self.person, open_path=self.systems.open_path)
        its_profile = profile(store, self.person)
        self.synced = (
            None
            if connection is None
            else Synced(connection=connection, store=store, person=self.person, profile=its_profile)
        )

    def look(self) -> Looked:
        """Count the user everywhere; nothing is written."""
        return Looked(
            counts=self.search(),
            files=self._files(),
            accounts=self.synced.accounts() if self.synced else Accounts(),
        )

    def search(self) -> Counts:
        """How much of the user is in each place now."""
        return {name: number for place in self._places() for name, number in place.count().items()}

    def remove(self) -> None:
        """Remove the user from every place once. Catalog and ml_features come last: they count what is left."""
        begin_forgetting(self.systems.store, self.person.username)
        for place in self._places():
            if place is self.archived and self.synced:
                # Before the notes and the plays go: they tell which rejected documents are the user's.
                self.synced.remove_rejections()
            place.remove()
            log.info("%s: done", type(place).__name__)

    def search_until_gone(self, *, rounds: int = ROUNDS, seconds: float = SECONDS_BETWEEN_ROUNDS) -> Counts:
        """Search every place, and remove again what a writer in flight brought back meanwhile.

        :raises SomethingIsLeft: a place has something after the last round; it is named with the number
        """
        for number in range(rounds + 1):
            found = self.search()
            if not any(found.values()):
                break
            if number == rounds:
                raise SomethingIsLeft(f"after {rounds} rounds there is still: {named(found)}. See who writes it")
            log.warning("Found, and removed again: %s", named(found))
            self.wait(seconds)
            self.remove()
        finish_forgetting(self.systems.store, self.person.username)
        return found

    def _places(self) -> list[Place]:
        """Every place, in the order in which the user goes."""
        store, person = self.systems.store, self.person
        records = LoadRecords(store=store, person=person, archived_files=self.archived.files())
        mongo: list[Place] = [records, RejectedRows(store=store, person=person), self.archived, plays(store, person)]
        after: list[Place] = [self.synced] if self.synced else [profile(store, person)]
        redis_entries = RedisEntries(client=self.systems.client, person=person)
        features = FeatureFiles(store=store, person=person, open_path=self.systems.open_path)
        return [*mongo, *after, statistics(store, person), redis_entries, Catalog(store=store), features]

    def _files(self) -> list[str]:
        """The names of the files that the user's rows came from."""
        store, name = self.systems.store, {"user.username": self.person.username}
        return sorted(store.plays.distinct("source.file", name))


def named(counts: Mapping[str, int]) -> str:
    """Places that have something, with how much."""
    return ", ".join(f"{number:,} in {place}" for place, number in counts.items() if number)
