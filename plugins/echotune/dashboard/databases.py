"""The databases behind the page, asked with little patience: a page that waits for minutes is no page."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import redis
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from psycopg import errors
from psycopg.rows import dict_row
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, NetworkTimeout, OperationFailure, PyMongoError

from echotune.dashboard.answers import NothingThereError, UnavailableError
from echotune.history.store import HistoryStore
from echotune.hooks.mongo import HistoryMongoHook
from echotune.hooks.redis import SharedRedisHook
from echotune.hooks.spotify import SpotifyHook
from echotune.hooks.supabase import SupabaseHook
from echotune.names import MONGO_CONNECTION, REDIS_CONNECTION, SUPABASE_CONNECTION
from echotune.resources import read_sql
from echotune.sync.transaction import sync_transaction

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3
SETTINGS = {MONGO_CONNECTION: "MONGODB_URI", SUPABASE_CONNECTION: "DATABASE_URL", REDIS_CONNECTION: "REDIS_URL"}
NOT_SET_UP = (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedObject, errors.InvalidParameterValue)
AUTHENTICATION_FAILED = 18


class Databases:
    """Opens what the panels read, by the names of the Airflow connections."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: tuple[str, MongoClient[dict[str, Any]]] | None = None

    @contextmanager
    def store(self) -> Iterator[HistoryStore]:
        """The collections in MongoDB.

        :raises UnavailableError: MongoDB does not answer, or refuses
        """
        try:
            hook = HistoryMongoHook()
            if not hook.connection.schema:
                raise UnavailableError(_told("MongoDB", "has no database named", MONGO_CONNECTION))
            client = self._client_of(hook)
            yield HistoryStore.of(client[hook.connection.schema], plays=hook.plays_collection)
        except (PyMongoError, AirflowException) as error:
            raise UnavailableError(_told("MongoDB", _mongo_trouble(error), MONGO_CONNECTION)) from error

    @contextmanager
    def supabase(self) -> Iterator[psycopg.Cursor[dict[str, Any]]]:
        """A cursor in a read-only transaction in PostgreSQL.

        :raises UnavailableError: PostgreSQL does not answer, or refuses
        :raises NothingThereError: the schema is not there yet
        """
        try:
            with (
                PatientlessSupabaseHook().get_conn() as connection,
                sync_transaction(connection),
                connection.cursor(row_factory=dict_row) as cursor,
            ):
                cursor.execute(read_sql("dashboard/begin_reading.sql"))
                yield cursor
        except NOT_SET_UP as error:
            raise NothingThereError(
                "PostgreSQL has no tables of EchoTune yet: run mongo_to_supabase_sync, which makes and fills them."
            ) from error
        except (psycopg.Error, AirflowException) as error:
            raise UnavailableError(_told("PostgreSQL", _postgres_trouble(error), SUPABASE_CONNECTION)) from error

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        """A client of Redis.

        :raises UnavailableError: it does not answer, or refuses
        """
        try:
            client = SharedRedisHook().get_client()
            client.get_connection_kwargs().update(socket_connect_timeout=CONNECT_SECONDS, socket_timeout=ANSWER_SECONDS)
            with client:
                yield client
        except (redis.RedisError, AirflowException) as error:
            raise UnavailableError(_told("Redis", "does not answer", REDIS_CONNECTION)) from error

    def is_simulated(self) -> bool:
        """Whether a simulator stands in for Spotify."""
        return SpotifyHook().is_simulated

    def _client_of(self, hook: HistoryMongoHook) -> MongoClient[dict[str, Any]]:
        """One client for all answers, as long as the connection in Airflow is the same."""
        hook.extras |= {
            "serverSelectionTimeoutMS": CONNECT_SECONDS * 1000,
            "connectTimeoutMS": CONNECT_SECONDS * 1000,
            "timeoutMS": ANSWER_SECONDS * 1000,
            "appname": "echotune-dashboard",
        }
        identity = repr((hook.uri, sorted(hook.extras.items(), key=str)))
        with self._lock:
            if self._client is None or self._client[0] != identity:
                if self._client is not None:
                    self._client[1].close()
                self._client = (identity, hook.get_conn())
            return self._client[1]


class PatientlessSupabaseHook(SupabaseHook):
    """The same connection, given up after two seconds."""

    def _create_connection(self, conn_args: dict[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
        return super()._create_connection(conn_args | {"connect_timeout": CONNECT_SECONDS})


def _told(system: str, trouble: str, connection: str) -> str:
    return f"{system} {trouble}: look at the Airflow connection {connection} ({SETTINGS[connection]})."


def _mongo_trouble(error: Exception) -> str:
    if isinstance(error, AirflowNotFoundException):
        return "is not set up"
    if isinstance(error, OperationFailure):
        return "refuses the user or the password" if error.code == AUTHENTICATION_FAILED else "refuses the question"
    if isinstance(error, NetworkTimeout) or getattr(error, "timeout", False):
        return f"does not answer within {ANSWER_SECONDS} s"
    return "has an address that cannot be used" if isinstance(error, ConfigurationError) else "does not answer"


def _postgres_trouble(error: Exception) -> str:
    if isinstance(error, AirflowNotFoundException):
        return "is not set up"
    if isinstance(error, errors.QueryCanceled):
        return f"does not answer within {ANSWER_SECONDS} s"
    return "refuses the question" if isinstance(error, psycopg.ProgrammingError) else "does not answer"
