"""The running stack: its Airflow is healthy, knows its pools and connections, and keeps what people changed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pymongo
import pytest
import redis
from cryptography.fernet import Fernet

from local import status
from local.airflow_api import AirflowApi
from local.files import PROJECT, read_json
from local.provision import Register
from local.stack import Stack

SPOTIFY = {"SPOTIFY_CLIENT_ID": "test-id", "SPOTIFY_CLIENT_SECRET": "first"}


@pytest.fixture
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.api() as client:
        yield client


@pytest.fixture
def register(stack: Stack, api: AirflowApi, tmp_path: Path) -> Iterator[Register]:
    """A register with a memory of its own, in an Airflow without the Spotify connection, which it has again after."""
    _forget_spotify(stack)
    yield Register(api, stack.airflow.metadata_uri, stack.secrets, tmp_path / "registered.json")
    _forget_spotify(stack)
    own = Register(api, stack.airflow.metadata_uri, stack.secrets, stack.folder / "registered.json")
    own.connections(stack.variables)


def _forget_spotify(stack: Stack) -> None:
    with psycopg.connect(stack.airflow.metadata_uri) as database:
        database.execute("delete from connection where conn_id = 'echotune_spotify'")


def _secret(stack: Stack) -> str | None:
    """The Spotify secret as Airflow has it."""
    with psycopg.connect(stack.airflow.metadata_uri) as database:
        row = database.execute("select password from connection where conn_id = 'echotune_spotify'").fetchone()
    return Fernet(stack.secrets.airflow_fernet_key).decrypt(row[0].encode()).decode() if row else None


def test_the_environment_reaches_every_server() -> None:
    with pymongo.MongoClient[dict[str, object]](os.environ["MONGODB_URI"]) as client:
        assert client[os.environ["MONGODB_DATABASE"]].list_collection_names() is not None
        assert client.admin.command("hello")["setName"] == "rs0"
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        assert connection.info.server_version >= 150000
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as cache:
        assert cache.ping()
    login = (os.environ["SPOTIFY_CLIENT_ID"], os.environ["SPOTIFY_CLIENT_SECRET"])
    grant = {"grant_type": "client_credentials"}
    token = httpx.post(f"{os.environ['SPOTIFY_ACCOUNTS_URL']}/api/token", data=grant, auth=login, trust_env=False)
    assert token.json()["token_type"] == "Bearer"
    shown = subprocess.run(["psql", "-Atc", "select current_database()"], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "echotune"


@pytest.mark.parametrize(
    ("role", "closed"), [("echotune", ["airflow", "celery"]), ("celery", ["airflow"]), ("airflow", ["celery"])]
)
def test_a_role_enters_no_database_of_airflow_but_its_own(stack: Stack, role: str, closed: list[str]) -> None:
    secrets = stack.secrets
    passwords = {
        "echotune": secrets.postgres_application,
        "celery": secrets.postgres_results,
        "airflow": secrets.postgres_airflow,
    }
    with psycopg.connect(stack.postgres.uri_of(role, passwords[role], role)) as own:
        assert own.execute("select current_user").fetchone() == (role,)
    for database in closed:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(stack.postgres.uri_of(role, passwords[role], database))


def test_pools_and_connections_are_there_without_a_click(api: AirflowApi) -> None:
    pools = {pool["name"]: pool["slots"] for pool in api.get("pools", limit=50)["pools"]}
    declared = read_json(PROJECT / "include" / "airflow" / "pools.json")
    assert {name: pools.get(name) for name in declared} == {name: pool["slots"] for name, pool in declared.items()}
    connections = {one["connection_id"]: one for one in api.get("connections", limit=50)["connections"]}
    assert set(connections) >= {
        "echotune_mongo",
        "echotune_supabase",
        "echotune_redis",
        "echotune_spotify",
        "echotune_pii",
    }
    assert json.loads(connections["echotune_mongo"]["extra"])["history_collection"] == "listening_history"
    assert json.loads(connections["echotune_spotify"]["extra"])["api_url"] == os.environ["SPOTIFY_API_URL"]


def test_the_status_calls_the_simulator_what_it_is(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    status.show(stack)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Spotify")]
    assert line.startswith("Spotify (simulated)  running "), line
    assert stack.spotify.address in line


def test_a_changed_setting_is_followed_and_a_persons_change_stays(
    stack: Stack, api: AirflowApi, register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    register.connections(SPOTIFY)
    assert _secret(stack) == "first"
    register.connections({**SPOTIFY, "SPOTIFY_CLIENT_SECRET": "second"})
    assert _secret(stack) == "second"
    body = {"connection_id": "echotune_spotify", "conn_type": "generic", "login": "test-id", "password": "by hand"}
    api.patch("connections/echotune_spotify", body)
    register.connections({**SPOTIFY, "SPOTIFY_CLIENT_SECRET": "third"})
    said = capsys.readouterr().out
    assert "echotune_spotify was made or changed in Airflow, so it stays" in said
    assert "third" not in said
    assert _secret(stack) == "by hand"


def test_a_connection_a_person_made_first_stays(
    stack: Stack, api: AirflowApi, register: Register, capsys: pytest.CaptureFixture[str]
) -> None:
    api.post("connections", {"connection_id": "echotune_spotify", "conn_type": "generic", "password": "by hand"})
    register.connections(SPOTIFY)
    assert "stays as it is" in capsys.readouterr().out
    assert _secret(stack) == "by hand"


def test_no_secret_is_in_any_argument_or_log(stack: Stack) -> None:
    held = [stack.folder / "secrets.json", *stack.folder.glob("*/server.json")]
    secrets = {value for path in held for value in read_json(path).values() if isinstance(value, str)}
    texts = {path: path.read_bytes() for path in stack.folder.rglob("*.log*") if path.is_file()}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts[path] = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    seen = [str(path) for path, text in texts.items() for secret in secrets if secret.encode() in text]
    assert seen == []


def test_what_is_kept_is_private(stack: Stack) -> None:
    assert stack.folder.stat().st_mode & 0o066 == 0
    for name in ("environment", "secrets.json", "airflow/passwords.json", "postgres/server.json"):
        assert (stack.folder / name).stat().st_mode & 0o077 == 0, name
