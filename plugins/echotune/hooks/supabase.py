"""The connection to PostgreSQL, Supabase's or any other."""

from __future__ import annotations

from typing import Any, cast

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk.exceptions import AirflowNotFoundException
from psycopg.rows import tuple_row

from echotune.names import SUPABASE_CONNECTION

DEFAULTS: dict[str, Any] = {
    "application_name": "echotune",
    "connect_timeout": 10,
    # A server that vanished is noticed after about a minute, not after the system's two hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""What the connection's extra may say otherwise."""

FIXED: dict[str, Any] = {
    # A pooler in transaction mode gives each transaction another session, where a prepared statement is not known.
    "prepare_threshold": None,
    # Transactions are opened by name, and none stays open by accident.
    "autocommit": True,
    "row_factory": tuple_row,
}
"""What the sync rests on, whatever the extra says."""


class SupabaseHook(PostgresHook):
    """Airflow's PostgresHook, whose connections work directly and over a pooler in session or transaction mode.

    :param supabase_conn_id: the Airflow connection
    """

    default_conn_name = SUPABASE_CONNECTION

    def __init__(self, supabase_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(supabase_conn_id, **kwargs)
        self.supabase_conn_id = supabase_conn_id

    def get_conn(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a new connection of psycopg 3; as a context manager it is closed at the end.

        :raises AirflowNotFoundException: where Airflow knows no such connection
        """
        try:
            return cast("psycopg.Connection[tuple[Any, ...]]", super().get_conn())
        except AirflowNotFoundException:
            raise AirflowNotFoundException(
                f"there is no connection {self.supabase_conn_id}: set DATABASE_URL, or make the connection in Airflow"
            ) from None

    def _create_connection(self, conn_args: dict[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(**(DEFAULTS | conn_args | FIXED))
