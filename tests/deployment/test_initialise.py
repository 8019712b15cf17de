"""The first steps of a deployment, and the connections of its settings, in a real Airflow on a database of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from local.files import PROJECT, read_json
from tests.support import compose
from tests.support.supabase import OWNER, OwnedPostgres

CONNECTIONS = """
import json, sys
from airflow.models import Connection
from airflow.exceptions import AirflowNotFoundException
found = {}
for name in sys.argv[1:]:
    try:
        connection = Connection.get_connection_from_secrets(name)
        found[name] = f"{connection.host} {connection.password}"
    except AirflowNotFoundException:
        found[name] = None
print(json.dumps(found))
"""
SIGN_IN = """
import json, sys
from werkzeug.security import check_password_hash
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    user = builder.sm.find_user("admin")
    roles = [role.name for role in user.roles]
    print(json.dumps([roles if check_password_hash(user.password, password) else None for password in sys.argv[1:]]))
"""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A deployment whose first steps were taken: what the container airflow-init has as environment, and said."""

    database: str
    environment: dict[str, str]
    said: str

    def connections(self, *names: str, **variables: str) -> dict[str, str | None]:
        """Host and password of connections as Airflow finds them; None where there is none of that name."""
        found: dict[str, str | None] = told(run(self.environment | variables, "-c", CONNECTIONS, *names))
        return found

    def roles(self, *passwords: str) -> list[list[str] | None]:
        """The roles that the user admin has after signing in with each password; None where it is refused."""
        found: list[list[str] | None] = told(run(self.environment, "-c", SIGN_IN, *passwords))
        return found


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def told(output: str) -> Any:
    """What a program says in its last line, after all that Airflow says."""
    return json.loads(output.strip().splitlines()[-1])


@contextmanager
def empty_database(server: OwnedPostgres) -> Iterator[str]:
    """The address of a database as its server makes it, gone afterwards."""
    name = f"airflow_{uuid4().hex}"
    server.add_database(name, owner=OWNER)
    yield server.owners_uri(name)
    with server.connect() as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def deployment(postgres_server: OwnedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("deployment")
    given = compose.rendered(folder, "managed")["services"]["airflow-init"]["environment"]
    with empty_database(postgres_server) as uri:
        environment = {
            **{variable: str(value) for variable, value in given.items()},
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": uri.replace("postgresql:", "postgresql+psycopg2:"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": uri.replace("postgresql:", "postgresql+asyncpg:"),
            "AIRFLOW__CORE__FERNET_KEY": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            # What the image has.
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
            "PYTHONPATH": str(PROJECT / "plugins"),
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
        }
        said = run(environment, "-m", "echotune.deployment.initialise")
        yield Deployment(database=uri, environment=environment, said=said)


def connect(deployment: Deployment) -> psycopg.Connection[Any]:
    return psycopg.connect(deployment.database, autocommit=True)


def test_the_declared_pools_are_there(deployment: Deployment) -> None:
    declared = read_json(PROJECT / "include" / "airflow" / "pools.json")
    with connect(deployment) as connection:
        pools = dict(connection.execute("select pool, slots from slot_pool").fetchall())
    assert pools.items() >= {name: pool["slots"] for name, pool in declared.items()}.items()


def test_the_user_admin_signs_in_with_the_password_of_the_env(deployment: Deployment) -> None:
    password = deployment.environment["AIRFLOW_ADMIN_PASSWORD"]
    assert deployment.roles(password, "another") == [["Admin"], None]


def test_no_secret_is_said_or_kept_readable(deployment: Deployment) -> None:
    password = deployment.environment["AIRFLOW_ADMIN_PASSWORD"]
    assert password not in deployment.said
    with connect(deployment) as connection:
        stored = connection.execute("select password from ab_user where username = 'admin'").fetchone()
    assert stored
    assert password not in stored[0]


def test_a_second_start_keeps_what_a_person_changed(deployment: Deployment) -> None:
    with connect(deployment) as connection:
        connection.execute("update slot_pool set slots = 9 where pool = 'mongo_write'")
        changed = {**deployment.environment, "AIRFLOW_ADMIN_PASSWORD": "a later one"}
        run(changed, "-m", "echotune.deployment.initialise")
        assert connection.execute("select slots from slot_pool where pool = 'mongo_write'").fetchone() == (9,)
    assert deployment.roles(deployment.environment["AIRFLOW_ADMIN_PASSWORD"]) == [["Admin"]]


def test_airflow_finds_the_connections_of_the_settings(deployment: Deployment) -> None:
    expected = {
        "echotune_mongo": "cluster0.example.mongodb.net theirs",
        "echotune_supabase": "db.example.supabase.co theirs",
        "echotune_pii": f"None {deployment.environment['PERSONAL_DATA_KEY']}",
        "echotune_spotify": None,
        "of_nobody": None,
    }
    assert deployment.connections(*expected) == expected


def test_a_connection_made_in_airflow_wins(deployment: Deployment) -> None:
    with connect(deployment) as connection:
        connection.execute(
            "insert into connection (conn_id, conn_type, host, password, is_encrypted, is_extra_encrypted)"
            " values ('echotune_redis', 'redis', 'by-hand.example', 'open', false, false)"
        )
    named = json.dumps({"conn_type": "mongo", "host": "by-variable.example", "password": "named"})
    assert deployment.connections("echotune_redis", "echotune_mongo", AIRFLOW_CONN_ECHOTUNE_MONGO=named) == {
        "echotune_redis": "by-hand.example open",
        "echotune_mongo": "by-variable.example named",
    }


def test_a_setting_that_cannot_be_used_stops_the_start_with_its_name(deployment: Deployment) -> None:
    environment = {**deployment.environment, "DATABASE_URL": "postgresql://user:s3cret@"}
    command = [sys.executable, "-m", "echotune.deployment.initialise"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "DATABASE_URL names no host" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
