"""The connection to MongoDB."""

from __future__ import annotations

from typing import Any

from airflow.providers.mongo.hooks.mongo import MongoHook
from airflow.sdk.exceptions import AirflowException
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.names import DEFAULT_COLLECTION, MONGO_CONNECTION


class HistoryMongoHook(MongoHook):
    """Airflow's MongoHook, which also knows the collections of a listening history.

    The connection's schema is the database; ``history_collection`` in its extra is the collection of plays.

    :param mongo_conn_id: the Airflow connection
    """

    default_conn_name = MONGO_CONNECTION

    def __init__(self, mongo_conn_id: str = default_conn_name, *args: Any, **kwargs: Any) -> None:
        super().__init__(mongo_conn_id, *args, **kwargs)
        self.plays_collection: str = self.extras.pop("history_collection", DEFAULT_COLLECTION)
        self.extras.setdefault("appname", "echotune")

    def get_store(self) -> HistoryStore:
        """Return the collections of the connection's database."""
        if not self.connection.schema:
            raise AirflowException(
                f"connection {self.mongo_conn_id} names no database: set its schema, or MONGODB_DATABASE"
            )
        client: MongoClient[dict[str, Any]] = self.get_conn()
        return HistoryStore.of(client[self.connection.schema], plays=self.plays_collection)
