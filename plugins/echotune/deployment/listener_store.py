"""Listeners' authorizations in Airflow's own database, written by its own models: encrypted, and never shown."""

from __future__ import annotations

import json
from typing import Any

from airflow.models.connection import Connection
from airflow.models.crypto import get_fernet
from airflow.models.variable import Variable
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.utils.session import create_session
from sqlalchemy import select

from echotune.names import LISTENERS_VARIABLE, SPOTIFY_CONNECTION, listener_connection, rotated_token_variable

WRITTEN_BY = "Written by make authorize"


class AuthorizationError(Exception):
    """There is no authorization; the message says why and what to do."""


def application() -> tuple[str, dict[str, Any]]:
    """The application's id, and where Spotify is when not in its usual place: from the connection to Spotify.

    :raises AuthorizationError: there is no such connection
    """
    try:
        connection = Connection.get_connection_from_secrets(SPOTIFY_CONNECTION)
    except AirflowNotFoundException:
        connection = None
    if connection is None or not connection.login:
        raise AuthorizationError("Airflow knows no application: set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET first")
    return connection.login.strip(), connection.extra_dejson


def require_encryption() -> None:
    """:raises AuthorizationError: Airflow has no key, and so would keep tokens readable"""
    if not get_fernet().is_encrypted:
        raise AuthorizationError("Airflow has no key to encrypt with: set AIRFLOW__CORE__FERNET_KEY first")


def keep(username: str, refresh_token: str) -> None:
    """Keep an authorization; what became of an earlier one is forgotten."""
    conn_id = listener_connection(username)
    with create_session() as session:
        connection = session.scalar(select(Connection).where(Connection.conn_id == conn_id))
        if connection is None:
            connection = Connection(conn_id=conn_id)
            session.add(connection)
        connection.conn_type, connection.login, connection.description = "generic", username, WRITTEN_BY
        connection.set_password(refresh_token)
        Variable.delete(rotated_token_variable(username), session=session)
    _write_listeners({*read_listeners(), username})


def forget(username: str) -> bool:
    """Take an authorization back; False where there was none."""
    conn_id, known = listener_connection(username), read_listeners()
    _write_listeners({*known} - {username})
    with create_session() as session:
        connection = session.scalar(select(Connection).where(Connection.conn_id == conn_id))
        if connection is not None:
            session.delete(connection)
        Variable.delete(rotated_token_variable(username), session=session)
    return connection is not None or username in known


def read_listeners() -> list[str]:
    """Everybody who gave an authorization."""
    found: list[str] = json.loads(Variable.get(LISTENERS_VARIABLE, default_var="[]"))
    return found


def _write_listeners(usernames: set[str]) -> None:
    Variable.set(LISTENERS_VARIABLE, json.dumps(sorted(usernames)), description=WRITTEN_BY)
