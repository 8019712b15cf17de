"""Carrying out one step on a MongoDB server. Every command can be given again, so a killed step is simply repeated."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from echotune.indexes.mongo_comparison import EXPIRY
from echotune.indexes.mongo_declaration import MongoIndex, ShardKey
from echotune.indexes.mongo_plan import MongoStep
from echotune.indexes.mongo_refusals import outcome_of
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action, Outcome

SECOND = 1000
FIRST_PAUSE_SECONDS = 0.2
NO_SUCH_COLLECTION = 26
NO_SUCH_INDEX = 27


class CommandError(Exception):
    """A command of a step ended with an error of the server."""

    def __init__(self, command: str, error: PyMongoError) -> None:
        super().__init__(str(error))
        self.command = command
        self.error = error


class Maker:
    """Makes, changes and drops indexes of one database.

    No command waits for a lock longer than it is told, as all that comes after waits with it.
    """

    def __init__(self, database: Database[dict[str, Any]], settings: MaintenanceSettings) -> None:
        self._database = database
        self._settings = settings

    def carry_out(self, planned: MongoStep) -> None:
        """Do what one step says.

        :raises CommandError: the server did not do it
        """
        step = planned.step
        if planned.shard_key:
            self._shard(planned.shard_key)
        elif step.action is Action.REBUILD and planned.creates:
            self._rebuild(planned, planned.creates)
        elif step.action is Action.REBUILD and planned.index:
            self._modify(step.place, step.name, {EXPIRY: planned.index.options[EXPIRY]})
        elif step.action in (Action.HIDE, Action.UNHIDE):
            self._modify(step.place, step.name, {"hidden": step.action is Action.HIDE})
        elif step.action in (Action.DROP, Action.CLEAN):
            self._drop(step.place, step.name)

    def create(self, indexes: Sequence[MongoIndex]) -> None:
        """Create indexes of one collection in one pass over it.

        :raises CommandError: the server did not do it
        """
        collection = indexes[0].collection
        self._try_lock(collection)
        limit = self._settings.statement_timeout_minutes * 60 * SECOND
        models = [index.model() for index in indexes]
        self._run(
            "createIndexes", lambda: self._database[collection].create_indexes(models, maxTimeMS=limit), attempts=1
        )

    def _rebuild(self, planned: MongoStep, index: MongoIndex) -> None:
        if planned.drops_first:
            for name in planned.replaces:
                self._drop(index.collection, name)
        self.create([index])
        if not planned.drops_first:
            for name in planned.replaces:
                self._drop(index.collection, name)

    def _try_lock(self, collection: str) -> None:
        """Take the lock that a new index begins with, and give it back: where it is not had, nobody waits for us.

        createIndexes itself has one limit of time only, for the lock and for the work.
        """
        try:
            self._command("collMod", collection)
        except CommandError as error:
            # The right to create indexes comes without that to change a collection.
            if outcome_of(error.error) is Outcome.BUSY:
                raise

    def _modify(self, collection: str, name: str, change: dict[str, Any]) -> None:
        self._command("collMod", collection, index={"name": name, **change})

    def _drop(self, collection: str, name: str) -> None:
        try:
            self._command("dropIndexes", collection, index=name)
        except CommandError as error:
            gone = isinstance(error.error, OperationFailure) and error.error.code in (NO_SUCH_COLLECTION, NO_SUCH_INDEX)
            if not gone:
                raise

    def _shard(self, key: ShardKey) -> None:
        """A collection with documents has to have the key's index before it is sharded by it."""
        administration = self._database.client.admin
        # Needless from 6.0 on, but it tells at once who has no right to go on.
        self._run("enableSharding", lambda: administration.command("enableSharding", self._database.name))
        self.create([key.index])
        name = f"{self._database.name}.{key.collection}"
        keys = dict(key.index.keys)
        self._run("shardCollection", lambda: administration.command("shardCollection", name, key=keys), attempts=1)

    def _command(self, command: str, collection: str, **parameters: Any) -> None:
        limit = self._settings.lock_timeout_milliseconds
        self._run(command, lambda: self._database.command(command, collection, maxTimeMS=limit, **parameters))

    def _run(self, command: str, send: Callable[[], object], *, attempts: int | None = None) -> None:
        """Send a command, again where it did not get its lock, with growing pauses."""
        left = attempts or self._settings.lock_attempts
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                send()
            except PyMongoError as error:
                left -= 1
                if outcome_of(error) is not Outcome.BUSY or not left:
                    raise CommandError(command, error) from error
                time.sleep(pause)
                pause *= 2
            else:
                return
