"""A real Airflow on a database of its own: first steps, the connections of the settings, who sees what of the page."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from local.files import PROJECT, read_json
from local.ports import LOOPBACK, free_port
from tests.support import compose
from tests.support.supabase import OWNER, OwnedPostgres

# Each step starts an Airflow: seconds, and many of them on a busy machine.
pytestmark = pytest.mark.timeout(600)

SECRET = "the-secret-of-an-address"
LATER_PASSWORD = "a later one"
ASKED_FOR = ("echotune_mongo", "echotune_supabase", "echotune_redis", "echotune_pii", "echotune_spotify", "of_nobody")
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
    """A deployment whose first steps were taken: what the container airflow-init has as environment, and said.

    :param pools: their slots by name, as the first steps left them
    """

    database: str
    environment: dict[str, str]
    said: str
    pools: dict[str, int]


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
        yield Deployment(database=uri, environment=environment, said=said, pools=pools_at(uri))


def connect(database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(database, autocommit=True)


def pools_at(database: str) -> dict[str, int]:
    with connect(database) as connection:
        return dict(connection.execute("select pool, slots from slot_pool").fetchall())


def test_the_declared_pools_are_there(deployment: Deployment) -> None:
    declared = read_json(PROJECT / "include" / "airflow" / "pools.json")
    assert deployment.pools.items() >= {name: pool["slots"] for name, pool in declared.items()}.items()


def test_no_secret_is_said_or_kept_readable(deployment: Deployment) -> None:
    password = deployment.environment["AIRFLOW_ADMIN_PASSWORD"]
    assert password not in deployment.said
    with connect(deployment.database) as connection:
        stored = connection.execute("select password from ab_user where username = 'admin'").fetchone()
    assert stored
    assert password not in stored[0]


@pytest.fixture(scope="module")
def second_start(deployment: Deployment) -> Deployment:
    """The deployment after a person changed the size of a pool, and the first steps were taken with a new password."""
    with connect(deployment.database) as connection:
        connection.execute("update slot_pool set slots = 9 where pool = 'mongo_write'")
    changed = {**deployment.environment, "AIRFLOW_ADMIN_PASSWORD": LATER_PASSWORD}
    said = run(changed, "-m", "echotune.deployment.initialise")
    return replace(deployment, said=said, pools=pools_at(deployment.database))


@pytest.fixture(scope="module")
def roles(second_start: Deployment) -> dict[str, list[str] | None]:
    """The roles that the user admin has after signing in with each password; None where it is refused."""
    passwords = (second_start.environment["AIRFLOW_ADMIN_PASSWORD"], LATER_PASSWORD, "another")
    found: list[list[str] | None] = told(run(second_start.environment, "-c", SIGN_IN, *passwords))
    return dict(zip(passwords, found, strict=True))


def test_a_second_start_keeps_what_a_person_changed(deployment: Deployment, second_start: Deployment) -> None:
    assert second_start.pools == deployment.pools | {"mongo_write": 9}
    assert "all are there" in second_start.said


def test_the_user_admin_signs_in_with_the_password_of_the_first_start_alone(
    deployment: Deployment, roles: dict[str, list[str] | None]
) -> None:
    first = deployment.environment["AIRFLOW_ADMIN_PASSWORD"]
    assert roles == {first: ["Admin"], LATER_PASSWORD: None, "another": None}


@pytest.fixture(scope="module")
def connections(deployment: Deployment) -> dict[str, str | None]:
    """Host and password of connections as Airflow finds them; None where there is none. Two were made by hand."""
    with connect(deployment.database) as connection:
        connection.execute(
            "insert into connection (conn_id, conn_type, host, password, is_encrypted, is_extra_encrypted)"
            " values ('echotune_redis', 'redis', 'by-hand.example', 'open', false, false)"
        )
    by_variable = json.dumps({"conn_type": "postgres", "host": "by-variable.example", "password": "named"})
    environment = deployment.environment | {"AIRFLOW_CONN_ECHOTUNE_SUPABASE": by_variable}
    found: dict[str, str | None] = told(run(environment, "-c", CONNECTIONS, *ASKED_FOR))
    return found


def test_airflow_finds_the_connections_of_the_settings(
    deployment: Deployment, connections: dict[str, str | None]
) -> None:
    assert connections["echotune_mongo"] == "cluster0.example.mongodb.net theirs"
    assert connections["echotune_pii"] == f"None {deployment.environment['PERSONAL_DATA_KEY']}"
    assert connections["echotune_spotify"] is connections["of_nobody"] is None


def test_a_connection_made_in_airflow_wins(connections: dict[str, str | None]) -> None:
    assert connections["echotune_redis"] == "by-hand.example open"
    assert connections["echotune_supabase"] == "by-variable.example named"


def test_a_setting_that_cannot_be_used_stops_the_start_with_its_name(deployment: Deployment) -> None:
    environment = {**deployment.environment, "DATABASE_URL": "postgresql://user:s3cret@"}
    command = [sys.executable, "-m", "echotune.deployment.initialise"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "DATABASE_URL names no host" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


PANELS = {
    "listening": "csv_backfill",
    "top": "csv_backfill",
    "rejected": "csv_backfill",
    "rejected?system=supabase": "mongo_to_supabase_sync",
    "features": "spotify_enrichment",
    "enrichment": "spotify_enrichment",
    "sync": "mongo_to_supabase_sync",
    "maintenance": "index_maintenance",
    "runs/csv_backfill/none": "csv_backfill",
    "runs/index_maintenance/none": "index_maintenance",
}
"""Below /echotune/api/, and whose readers see it."""
STRANGERS = ("without a session", "of another deployment", "unsigned", "expired", "of nobody there")
PERSONS = ("nobody", "reader of files", "loader", "viewer", "admin", "made with the key")
NO_TOKEN = ("without a session", "expired")
INJECTIONS = {
    "rejected?system=mongodb&offset[$gt]=0&limit=1": HTTPStatus.OK,
    "rejected?system=mongodb'--": HTTPStatus.UNPROCESSABLE_ENTITY,
    "rejected?system[$ne]=x&offset=0;drop table users": HTTPStatus.UNPROCESSABLE_ENTITY,
    "rejected?offset=-1": HTTPStatus.UNPROCESSABLE_ENTITY,
    "rejected?offset=99999999999999999999999": HTTPStatus.UNPROCESSABLE_ENTITY,
    "rejected?limit=100000": HTTPStatus.UNPROCESSABLE_ENTITY,
    "rejected?limit={%22$where%22:%22sleep(9)%22}": HTTPStatus.UNPROCESSABLE_ENTITY,
    "$where": HTTPStatus.UNPROCESSABLE_ENTITY,
    "__class__": HTTPStatus.UNPROCESSABLE_ENTITY,
    "databases": HTTPStatus.UNPROCESSABLE_ENTITY,
    "..%2f..%2fapi%2fv2%2fconnections": HTTPStatus.NOT_FOUND,
    "runs/csv_backfill/%27%20or%201=1--": HTTPStatus.NOT_FOUND,
    "runs/csv_backfill/..%2f..%2f..%2fetc%2fpasswd": HTTPStatus.NOT_FOUND,
    "runs/%3Cscript%3Ealert(1)%3C%2Fscript%3E/x": HTTPStatus.NOT_FOUND,
    f"runs/csv_backfill/{'x' * 5_000}": HTTPStatus.NOT_FOUND,
}
"""What is put below /echotune/api/ to reach something else, and what it is answered."""
FILES = (
    "assets/../index.html",
    "assets/%2e%2e/%2e%2e/application.py",
    "assets/..%2f..%2fapplication.py",
    "assets/..%5c..%5capplication.py",
    "assets//etc/passwd",
    "assets/%2fetc%2fpasswd",
    "assets/%00",
    "assets/",
    "static/index.html",
    "openapi.json",
    "docs",
)


@pytest.fixture(scope="module")
def visits(deployment: Deployment) -> dict[tuple[str, str, str], dict[str, Any]]:
    """What came of every visit to the page, by who, method and path below /echotune/; the databases are away."""
    api = [f"api/{path}" for path in ("flow", *PANELS)]
    wanted = [
        *((who, "GET", path) for who in (*STRANGERS, *PERSONS) for path in ("", *api)),
        *(("admin", "GET", f"api/{path}") for path in INJECTIONS),
        *(("admin", "GET", path) for path in FILES),
        *(("admin", method, "api/listening") for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS")),
    ]
    nowhere = f"{LOOPBACK}:{free_port()}"
    away = {
        "MONGODB_URI": f"mongodb://me:{SECRET}@{nowhere}/",
        "DATABASE_URL": f"postgresql://me:{SECRET}@{nowhere}/x",
        "REDIS_URL": f"redis://:{SECRET}@{nowhere}/0",
        "PYTHONPATH": f"{PROJECT}:{PROJECT / 'plugins'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.page_visits"],
        env=deployment.environment | away,
        input=json.dumps([[who, method, f"/echotune/{path}"] for who, method, path in wanted]),
        capture_output=True,
        text=True,
        check=False,
        timeout=540,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    told = [json.loads(line.removeprefix("VISIT ")) for line in done.stdout.splitlines() if line.startswith("VISIT ")]
    return dict(zip(wanted, told, strict=True))


Visits = dict[tuple[str, str, str], dict[str, Any]]


@pytest.mark.parametrize("who", STRANGERS)
def test_who_is_not_signed_in_sees_nothing_of_the_page(visits: Visits, who: str) -> None:
    seen = {path: visits[who, "GET", f"api/{path}"]["status"] for path in ("flow", *PANELS)}
    # Airflow calls a token that is none forbidden.
    assert set(seen.values()) == {HTTPStatus.UNAUTHORIZED if who in NO_TOKEN else HTTPStatus.FORBIDDEN}
    page = visits[who, "GET", ""]
    assert (page["status"], urlsplit(page["headers"]["location"]).path) == (307, "/api/v2/auth/login")


@pytest.mark.parametrize(
    ("who", "dags"),
    [
        ("nobody", set()),
        ("reader of files", set()),
        ("loader", {"csv_backfill"}),
        ("viewer", {*PANELS.values()}),
        ("admin", {*PANELS.values()}),
        ("made with the key", {*PANELS.values()}),
    ],
)
def test_a_person_sees_the_panels_of_the_dags_that_they_may_read(visits: Visits, who: str, dags: set[str]) -> None:
    refused = {path for path in PANELS if visits[who, "GET", f"api/{path}"]["status"] == HTTPStatus.FORBIDDEN}
    assert refused == {path for path, dag in PANELS.items() if dag not in dags}
    steps = json.loads(visits[who, "GET", "api/flow"]["text"])["data"]["steps"]
    readable = dags | ({"csv_backfill"} if who == "reader of files" else set())
    assert {step["dag_id"] for step in steps} == readable & {step["dag_id"] for step in steps}
    assert bool(steps) == bool(readable)


@pytest.mark.parametrize("path", INJECTIONS)
def test_what_is_put_into_an_address_is_a_value_or_refused(visits: Visits, path: str) -> None:
    answer = visits["admin", "GET", f"api/{path}"]
    assert answer["status"] == INJECTIONS[path]
    if answer["status"] != HTTPStatus.OK:
        assert answer["headers"]["content-type"] == "application/json"
    assert "conn_id" not in answer["text"]


@pytest.mark.parametrize("path", FILES)
def test_no_address_leads_to_a_file_beside_the_built_page(visits: Visits, path: str) -> None:
    assert visits["admin", "GET", path]["status"] in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)


def test_the_page_takes_no_change(visits: Visits) -> None:
    statuses = {method: visit["status"] for (_, method, _), visit in visits.items() if method != "GET"}
    assert len(statuses) == 6
    assert set(statuses.values()) == {HTTPStatus.METHOD_NOT_ALLOWED}


def test_every_answer_of_the_page_says_what_a_browser_may_do_with_it(visits: Visits) -> None:
    for (who, method, path), visit in visits.items():
        policy = visit["headers"].get("content-security-policy", "")
        assert "script-src" not in policy, (who, method, path)
        assert {"default-src 'self'", "frame-ancestors 'self'", "object-src 'none'"} <= {*policy.split("; ")}, path
        assert visit["headers"]["x-content-type-options"] == "nosniff"


def test_no_answer_of_the_page_has_a_secret(visits: Visits) -> None:
    assert [visit for visit, answer in visits.items() if SECRET in json.dumps(answer)] == []
    unavailable = json.loads(visits["admin", "GET", "api/listening"]["text"])
    assert unavailable["state"] == "unavailable"
