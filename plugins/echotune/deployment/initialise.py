"""The first steps of a deployment, each of which repeats harmlessly: python -m echotune.deployment.initialise.

Airflow's database is brought up to this version, the pools of include/airflow/pools.json and the user admin are made
where they are missing. What a person changed since, such as the size of a pool or a password, stays.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from echotune.connections import SettingError, connections_from_settings
from echotune.resources import INCLUDE

ADMINISTRATOR = "admin"
POOLS = INCLUDE / "airflow" / "pools.json"


def check_settings(settings: Mapping[str, str]) -> list[str]:
    """Return the connections that the settings make; exit with a sentence where one cannot be used."""
    try:
        return [connection.connection_id for connection in connections_from_settings(settings)]
    except SettingError as error:
        sys.exit(f"echotune: {error}")


def migrate() -> None:
    """Create or update the tables of Airflow and of its user management."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)


def create_pools() -> list[str]:
    """Create the declared pools that are missing; return their names."""
    from airflow.models.pool import Pool  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415

    created = []
    with create_session() as session:
        for name, pool in json.loads(POOLS.read_text(encoding="utf-8")).items():
            if Pool.get_pool(name, session=session) is None:
                Pool.create_or_update_pool(
                    name, slots=pool["slots"], description=pool["description"], include_deferred=False, session=session
                )
                created.append(name)
    return created


def create_administrator(password: str) -> bool:
    """Create the user admin with the role Admin; False when there is one, whose password stays as it is."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder  # noqa: PLC0415

    with get_application_builder() as builder:
        users = builder.sm
        if users.find_user(ADMINISTRATOR):
            return False
        role = users.find_role("Admin")
        if not users.add_user(ADMINISTRATOR, "Airflow", "Admin", "admin@localhost", role, password):
            sys.exit(f"echotune: the user {ADMINISTRATOR} could not be created; the log above says why.")
    return True


def main() -> None:
    """Take all steps and say what was made."""
    found = check_settings(os.environ)
    print(f"Connections from the settings: {', '.join(found) or 'none'}.", flush=True)
    migrate()
    print(f"Pools created: {', '.join(create_pools()) or 'none, all are there'}.", flush=True)
    if create_administrator(os.environ["AIRFLOW_ADMIN_PASSWORD"]):
        print(f"The user {ADMINISTRATOR} was created with the password AIRFLOW_ADMIN_PASSWORD.", flush=True)
    else:
        print(f"The user {ADMINISTRATOR} is there and keeps its password.", flush=True)


if __name__ == "__main__":
    main()
