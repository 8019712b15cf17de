"""The connections of the settings, for Airflow to find: a connection made in Airflow itself wins.

Only Airflow's own components have the settings in their environment. A worker asks the api-server for a connection,
as it does for those that are in Airflow's database.
"""

from __future__ import annotations

import os

from airflow.secrets import BaseSecretsBackend
from airflow.secrets.environment_variables import EnvironmentVariablesBackend
from airflow.secrets.metastore import MetastoreBackend

from echotune.connections import AirflowConnection, connections_from_settings, personal_data_connection

PERSONAL_DATA_KEY = "PERSONAL_DATA_KEY"


class SettingsBackend(BaseSecretsBackend):
    """Answers for the connections of the settings, where nothing else does.

    Airflow asks a backend of its configuration before all others, so this one looks there first itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self._others = (EnvironmentVariablesBackend(), MetastoreBackend())
        self._connections = {one.connection_id: one for one in _connections()}

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> str | None:
        """Return the connection as JSON; None where the settings have none, or somebody else has one."""
        connection = self._connections.get(conn_id)
        if connection is None or any(other.get_connection(conn_id, team_name=team_name) for other in self._others):
            return None
        return connection.as_json()


def _connections() -> list[AirflowConnection]:
    connections = connections_from_settings(os.environ)
    if key := os.environ.get(PERSONAL_DATA_KEY):
        connections.append(personal_data_connection(key))
    return connections
