"""No secret of the deployment is in a log, an XCom, a rendered field, a page, a document or a command line."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from pymongo import MongoClient

from local.dag_runs import Run
from local.servers.base import new_password
from local.stack import Stack
from tests.support.secret_search import (
    Place,
    documents_of,
    found_in,
    logs_under,
    rows_of,
)
from tests.whole_platform.conftest import ROWS, Story

pytestmark = pytest.mark.timeout(900)

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
