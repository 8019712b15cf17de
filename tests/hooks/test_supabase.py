"""The hook's connection: Airflow's, made to work directly and over a pooler."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowException

from echotune.connections import postgres_connection
from echotune.hooks.supabase import SupabaseHook
from local import ports

Connect = Callable[[str], None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Makes Airflow know a DATABASE_URL as the deployment's connection."""

    def set_connection(uri: str) -> None:
        body = postgres_connection(uri).as_body()
        names = {"conn_type", "host", "port", "login", "password", "schema", "extra"}
        text = json.dumps({name: value for name, value in body.items() if name in names and value is not None})
        monkeypatch.setenv("AIRFLOW_CONN_ECHOTUNE_SUPABASE", text)

    return set_connection


@pytest.fixture
def nowhere() -> str:
    """An address where no PostgreSQL is."""
    return f"postgresql://someone:hush@127.0.0.1:{ports.free_port()}/nothing"


def parameter(connection: psycopg.Connection[tuple[object, ...]], name: str) -> object:
    (value,) = connection.execute("select current_setting(%s)", [name]).fetchone() or (None,)
    return value


def test_a_statement_is_its_own_transaction_is_never_prepared_and_says_who_asks(
    connect: Connect, empty_supabase: str
) -> None:
    connect(empty_supabase)
    with SupabaseHook().get_conn() as connection:
        assert connection.autocommit
        assert parameter(connection, "application_name") == "echotune"
        for number in range(10):
            connection.execute("select %s::int", [number])
        assert connection.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
    assert connection.closed


def test_options_of_the_url_reach_the_driver_except_those_the_sync_rests_on(
    connect: Connect, empty_supabase: str
) -> None:
    connect(f"{empty_supabase}?application_name=mine&sslmode=disable&options=-c%20work_mem%3D7MB")
    with SupabaseHook().get_conn() as connection:
        assert parameter(connection, "application_name") == "mine"
        assert parameter(connection, "work_mem") == "7MB"
        assert connection.info.get_parameters()["sslmode"] == "disable"


def test_an_extra_of_the_connection_cannot_undo_what_the_sync_rests_on(
    monkeypatch: pytest.MonkeyPatch, connect: Connect, empty_supabase: str
) -> None:
    info = psycopg.conninfo.conninfo_to_dict(empty_supabase)
    connection = {
        "conn_type": "postgres",
        "host": info["host"],
        "port": int(str(info["port"])),
        "login": info["user"],
        "password": info["password"],
        "schema": info["dbname"],
        "extra": {"autocommit": False, "prepare_threshold": 0, "cursor": "dictcursor"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", json.dumps(connection))
    with SupabaseHook("other").get_conn() as opened:
        assert opened.autocommit
        assert opened.prepare_threshold is None
        assert opened.execute("select 1").fetchone() == (1,)


def test_a_connection_that_is_not_there_is_named_with_what_to_do() -> None:
    with pytest.raises(AirflowException, match="there is no connection nobodys: set DATABASE_URL"):
        SupabaseHook("nobodys").get_conn()


def test_a_server_that_is_away_is_an_error_without_the_password(connect: Connect, nowhere: str) -> None:
    connect(nowhere)
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError) as error:
        SupabaseHook().get_conn()
    assert time.monotonic() - began < 5
    assert "hush" not in str(error.value)


def test_a_wrong_password_is_an_error_without_it(connect: Connect, empty_supabase: str) -> None:
    password = str(psycopg.conninfo.conninfo_to_dict(empty_supabase)["password"])
    connect(empty_supabase.replace(password, "wrong-hush"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed") as error:
        SupabaseHook().get_conn()
    assert "hush" not in str(error.value)
