"""The rights of PostgreSQL's logins: the sync's is enough for each sync, and neither it nor the owner has more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

import pytest
from psycopg import errors

from echotune.connection_checks.settings import check_settings
from echotune.history.store import HistoryStore
from echotune.sync.migrations import migrate
from echotune.sync.profiles import sync_profiles
from tests.support.proving import prove
from tests.support.supabase import Connection, OwnedPostgres, connect, fresh_database, make_project
from tests.support.syncing import changed, play, small_history, sync_all

LOGIN, PASSWORD = "echotune_airflow", "not-a-secret"
BEYOND_THE_OWNER: tuple[LiteralString, ...] = (
    "select * from pg_authid",
    "copy (select 1) to program 'id'",
    "copy auth.users from '/etc/passwd'",
    "select pg_read_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "alter role platform superuser",
    "create role mine superuser",
    "set role postgres",
    "grant pg_execute_server_program to current_user",
    "select * from auth.users",
    "insert into auth.users values (gen_random_uuid(), 'x')",
    "create table auth.mine (id int)",
    "drop schema auth cascade",
    "create or replace function auth.uid() returns uuid language sql return gen_random_uuid()",
    "create extension file_fdw",
    "create function mine() returns int language c as '/tmp/x', 'x'",
    "create event trigger mine on ddl_command_start execute function mine()",
)
BEYOND_THE_SYNC: tuple[LiteralString, ...] = (
    *BEYOND_THE_OWNER,
    "create role mine",
    "create schema mine",
    "drop schema public cascade",
    "drop schema echotune cascade",
    "drop table public.users",
    "delete from public.users",
    "delete from public.user_preferences",
    "update public.users set auth_user_id = gen_random_uuid()",
    "update public.users set email = 'mine@example.org'",
    "insert into public.users (id, auth_user_id) values (gen_random_uuid(), gen_random_uuid())",
    "alter table public.users disable row level security",
    "create policy mine on public.users using (true)",
    "create table public.mine (id int)",
    "delete from echotune.migrations",
    "set role service_role",
    "set role authenticated",
    "set role platform",
    "grant echotune_sync to service_role",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'",
)


@pytest.fixture(scope="module")
def project(postgres_server: OwnedPostgres) -> Iterator[str]:
    """A migrated Supabase project, with a login that is a member of the sync's role and nothing else; its name."""
    postgres_server.add_role(LOGIN, PASSWORD)
    with fresh_database(postgres_server) as name:
        make_project(postgres_server, name)
        with connect(postgres_server.owners_uri(name)) as owner:
            migrate(owner)
        postgres_server.grant("echotune_sync", to=LOGIN)
        yield name


@pytest.fixture
def least(postgres_server: OwnedPostgres, project: str) -> Iterator[Connection]:
    with connect(postgres_server.uri_of(LOGIN, PASSWORD, project)) as connection:
        yield connection


def test_the_syncs_login_copies_proves_and_brings_back(least: Connection, store: HistoryStore) -> None:
    assert migrate(least).applied == ()
    small_history(store)
    assert sync_all(least, store)["users"].inserted == 1
    store.plays.replace_one({"_id": play(1)["_id"]}, changed(play(1), listening={"ms_played": 1}))
    store.plays.delete_one({"_id": play(2)["_id"]})
    sync_all(least, store)
    assert not prove(least, store, max_deleted_share=1).where()
    sync_profiles(least, store)


def test_the_check_of_the_connection_is_content_with_it(postgres_server: OwnedPostgres, project: str) -> None:
    report = check_settings("PostgreSQL", {"DATABASE_URL": postgres_server.uri_of(LOGIN, PASSWORD, project)})
    assert (report.problems, report.rights) == ((), "set up, rights as needed")


@pytest.mark.parametrize("forbidden", BEYOND_THE_SYNC)
def test_the_syncs_login_may_not(least: Connection, forbidden: LiteralString) -> None:
    with pytest.raises(errors.InsufficientPrivilege), least.transaction(force_rollback=True):
        least.execute(forbidden)


@pytest.mark.parametrize("forbidden", ["alter system set log_statement = 'none'", "create database mine"])
def test_outside_of_a_transaction_the_syncs_login_may_not(least: Connection, forbidden: LiteralString) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        least.execute(forbidden)


@pytest.mark.parametrize("forbidden", BEYOND_THE_OWNER)
def test_the_owner_of_the_schema_may_not(
    postgres_server: OwnedPostgres, project: str, forbidden: LiteralString
) -> None:
    with connect(postgres_server.owners_uri(project)) as owner, pytest.raises(errors.InsufficientPrivilege):
        owner.execute(forbidden)
