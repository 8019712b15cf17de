"""No secret of the deployment is in a log, an XCom, a rendered field, a page, a document or a command line."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from pymongo import MongoClient

from echotune.names import NOTIFICATIONS_CONNECTION
from echotune.resources import PROJECT
from local import ports
from local.airflow_api import AirflowApi
from local.dag_runs import Run
from local.sample import write_sample
from local.servers.base import new_password
from local.stack import Stack
from tests.support.dag_runs import run_to_the_end
from tests.support.secret_search import (
    Place,
    command_lines,
    documents_of,
    found_in,
    logs_under,
    rows_of,
    secrets_of,
)

pytestmark = pytest.mark.timeout(900)

ROWS, BAD_ROWS = 400, 2
PANELS = (
    "flow",
    "listening",
    "top",
    "features",
    "enrichment",
    "sync",
    "rejected?system=mongodb",
    "rejected?system=supabase",
    "maintenance",
)
ENCRYPTED = {"connection": ["password", "extra"], "variable": ["val"]}
"""Columns of Airflow's database that are encrypted with its Fernet key."""
EMPTY = """
drop schema if exists echotune cascade;
drop schema public cascade;
create schema public;
grant usage on schema public to public;
"""


@dataclass(frozen=True, kw_only=True)
class Story:
    """All DAGs have run over a small history, and one of them failed.

    :param secrets: what must be nowhere, by name
    :param commands: the command lines of every process that was there meanwhile
    """

    secrets: dict[str, str]
    runs: list[Run]
    states: list[str]
    commands: dict[str, str]


@pytest.fixture(scope="module")
def planted(api: AirflowApi) -> Iterator[dict[str, str]]:
    """A connection for notices with secrets, to a webhook that is away: each notice is refused, and that is logged."""
    secrets = {"notifications_password": new_password(), "notifications_header": new_password()}
    host = f"http://127.0.0.1:{ports.free_port()}"
    extra = f'{{"headers": {{"Authorization": "{secrets["notifications_header"]}"}}}}'
    body = {"conn_type": "http", "host": host, "password": secrets["notifications_password"], "extra": extra}
    api.post("connections", {"connection_id": NOTIFICATIONS_CONNECTION, **body})
    yield secrets
    api.delete(f"connections/{NOTIFICATIONS_CONNECTION}")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.csv"
    write_sample(path, rows=ROWS, bad_rows=BAD_ROWS)
    return path


@pytest.fixture(scope="module")
def story(
    stack: Stack,
    api: AirflowApi,
    mongodb_client: MongoClient[dict[str, Any]],
    planted: dict[str, str],
    history: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    database = os.environ["MONGODB_DATABASE"]
    mongodb_client.drop_database(database)
    archive = str(tmp_path_factory.mktemp("archive"))
    chain: list[tuple[str, dict[str, Any]]] = [
        ("csv_backfill", {"source": str(history), "pii_policy": "hash"}),
        ("csv_backfill", {"source": str(history.with_name("nowhere.csv"))}),
        ("spotify_enrichment", {"calls_per_30s": 10_000, "calls_per_24h": 100_000, "max_tracks": 50}),
        ("mongo_to_supabase_sync", {}),
        ("recently_played", {}),
        ("index_maintenance", {}),
        ("history_archive", {"target": archive, "older_than_years": 1}),
        ("history_restore", {}),
    ]
    if (PROJECT / "dags" / "connection_check.py").exists():
        chain.append(("connection_check", {}))
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as supabase:
        supabase.execute(EMPTY)
        with command_lines() as commands:
            ended = [run_to_the_end(api, dag, **conf) for dag, conf in chain]
        yield Story(
            secrets={**secrets_of(stack), **planted},
            runs=[run for _, run in ended],
            states=[state for state, _ in ended],
            commands=commands,
        )
        for dag in {dag for dag, _ in chain} - {"csv_backfill"}:
            api.patch(f"dags/{dag}", {"is_paused": True})
        supabase.execute(EMPTY)
    mongodb_client.drop_database(database)


def pages_of(stack: Stack, runs: list[Run]) -> Iterator[Place]:
    """What the EchoTune page and Airflow's list of connections answer to somebody who is signed in."""
    login = {"username": "admin", "password": stack.secrets.airflow_admin}
    with httpx.Client(base_url=stack.airflow.url, timeout=30, trust_env=False) as client:
        token = client.post("/auth/token", json=login).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        paths = [f"/echotune/api/{panel}" for panel in PANELS]
        paths += [f"/echotune/api/runs/{run.path.removeprefix('dags/').replace('/dagRuns/', '/')}" for run in runs]
        for path in ["/echotune/", *paths, "/api/v2/connections", "/api/v2/plugins"]:
            answer = client.get(path)
            assert answer.status_code == httpx.codes.OK, path
            yield path, answer.text


def test_all_dags_ran_and_one_run_failed_as_it_should(story: Story) -> None:
    failed = [run.dag for run, state in zip(story.runs, story.states, strict=True) if state != "success"]
    assert failed == ["csv_backfill"]


def test_there_are_many_secrets_to_look_for(story: Story) -> None:
    assert len(story.secrets) >= 14
    assert min(map(len, story.secrets.values())) >= 20


def test_no_log_has_a_secret(stack: Stack, story: Story) -> None:
    logs = list(logs_under(stack.folder))
    assert {"redis/redis.log", "airflow/scheduler.log"} <= {place for place, _ in logs}
    assert any("dag_id=spotify_enrichment" in place for place, _ in logs)
    assert found_in(logs, story.secrets) == []


def test_airflows_database_has_no_secret_outside_its_encrypted_columns(stack: Stack, story: Story) -> None:
    rows = list(rows_of(stack.airflow.metadata_uri, "public", without=ENCRYPTED))
    assert {"xcom", "rendered_task_instance_fields", "log", "task_instance", "serialized_dag", "dag_run"} <= {
        place for place, _ in rows
    }
    assert found_in(rows, story.secrets) == []


@pytest.mark.usefixtures("story")
def test_what_airflow_encrypts_is_encrypted(stack: Stack) -> None:
    with psycopg.connect(stack.airflow.metadata_uri) as metadata:
        query = "select conn_id, password, extra, is_encrypted, is_extra_encrypted from connection"
        connections = {name: fields for name, *fields in metadata.execute(query).fetchall()}
    assert {"echotune_mongo", "echotune_supabase", "echotune_redis", "echotune_spotify"} <= connections.keys()
    plain = [
        name
        for name, (password, extra, is_encrypted, is_extra_encrypted) in connections.items()
        if (password and not (is_encrypted and password.startswith("gAAAA")))
        or (extra and not (is_extra_encrypted and extra.startswith("gAAAA")))
    ]
    assert plain == []


def test_no_page_shows_a_secret(stack: Stack, story: Story) -> None:
    assert found_in(pages_of(stack, story.runs), story.secrets) == []


def test_no_document_and_no_row_has_a_secret(mongodb_client: MongoClient[dict[str, Any]], story: Story) -> None:
    documents = list(documents_of(mongodb_client[os.environ["MONGODB_DATABASE"]]))
    rows = list(rows_of(os.environ["DATABASE_URL"], "public", "echotune"))
    assert min(len(documents), len(rows)) > ROWS
    assert found_in([*documents, *rows], story.secrets) == []


def test_no_command_line_has_a_secret(story: Story) -> None:
    assert any("mongod" in line for line in story.commands.values())
    assert any("airflow" in line for line in story.commands.values())
    assert found_in(story.commands.items(), story.secrets) == []


@pytest.mark.parametrize(
    "written",
    ["{}", "postgresql://me:{}@127.0.0.1/x", "login failed: {}\n"],
)
def test_the_search_finds_a_secret_in_a_log(tmp_path: Path, written: str) -> None:
    (tmp_path / "deep").mkdir()
    secret = new_password()
    (tmp_path / "deep" / "task.log").write_text(f"first line\n{written.format(secret)}", encoding="utf-8")
    assert found_in(logs_under(tmp_path), {"mine": secret, "other": new_password()}) == ["mine in deep/task.log"]


@pytest.mark.parametrize("login", ["a", "ab", "abc", "abcd"])
def test_the_search_finds_a_secret_in_a_header_of_basic_authentication(login: str) -> None:
    secret = new_password()
    header = f"Basic {base64.b64encode(f'{login}:{secret}'.encode()).decode()}"
    assert found_in([("headers", header)], {"mine": secret}) == ["mine in headers"]


def test_the_search_finds_a_secret_in_a_document_and_a_row(
    stack: Stack, mongodb_client: MongoClient[dict[str, Any]]
) -> None:
    secret = new_password()
    database = mongodb_client[f"test_{new_password()}"]
    database["notes"].insert_one({"note": {"url": f"mongodb://me:{secret}@host/"}})
    try:
        assert found_in(documents_of(database), {"mine": secret}) == ["mine in notes"]
    finally:
        mongodb_client.drop_database(database.name)
    table = f"note_{new_password()}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"create table public.{table} (note bytea)")
        try:
            connection.execute(f"insert into public.{table} values (%s)", [secret.encode()])
            rows = rows_of(os.environ["DATABASE_URL"], "public")
            assert found_in(rows, {"mine": secret}) == [f"mine in {table}"]
        finally:
            connection.execute(f"drop table public.{table}")
