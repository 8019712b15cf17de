"""Who reaches which rows, in a new Supabase project, whose defaults give every table to everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import UUID

import psycopg
import pytest
from psycopg import errors, sql

from echotune.sync.migrations import migrate
from tests.support.relations import ACTORS, ANNA, BERT, HELPERS, OWNERS, SEED, TABLES, VIEWS, Relation
from tests.support.supabase import Connection, OwnedPostgres, acting, connect, fresh_database, make_project

SIGNED_IN = {
    ANNA: UUID("00000000-0000-0000-0000-00000000000a"),
    BERT: UUID("00000000-0000-0000-0000-00000000000b"),
}
PRIVATE = "select relname from pg_class where relnamespace = 'echotune'::regnamespace and relkind in ('r', 'p', 'v')"

Act = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def project(postgres_server: OwnedPostgres) -> Iterator[Connection]:
    """A migrated Supabase project with rows of two users, by a connection that may act as anybody."""
    with fresh_database(postgres_server) as name:
        make_project(postgres_server, name)
        with connect(postgres_server.owners_uri(name)) as owner:
            migrate(owner)
            owner.execute(SEED)
        with connect(postgres_server.administrators_uri(name)) as connection:
            connection.execute(HELPERS)
            connection.execute("alter function echotune_test.id_of owner to platform")
            yield connection


@pytest.fixture
def act(project: Connection) -> Act:
    """Act as anon, anna, bert, service_role or echotune_sync; what is done is undone."""

    def act_as(actor: str) -> AbstractContextManager[None]:
        return acting(project, "authenticated" if actor in SIGNED_IN else actor, SIGNED_IN.get(actor))

    return act_as


def statement(relation: Relation, action: str) -> str:
    return {
        "select": f"select from public.{relation.name} where {relation.rows_of}",
        "insert": relation.insert,
        "update": f"update public.{relation.name} set {relation.update} where {relation.rows_of}",
        "delete": f"delete from public.{relation.name} where {relation.rows_of}",
    }[action]


def reaches(connection: Connection, text: str, owner: str) -> bool:
    try:
        with connection.transaction():
            return connection.execute(text.encode(), {"owner": owner}).rowcount > 0
    except errors.InsufficientPrivilege:
        return False
    except (errors.UniqueViolation, errors.ForeignKeyViolation):
        # Allowed, and the row is there already, or is still referred to.
        return True


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("relation", TABLES, ids=lambda relation: relation.name)
def test_an_actor_reaches_these_rows_and_no_other(
    project: Connection, act: Act, relation: Relation, actor: str
) -> None:
    actions = ("select", "insert", "update", "delete")
    expected = {action: relation.reached(actor, action) for action in actions}
    with act(actor):
        reached = {
            action: {owner for owner in OWNERS if reaches(project, statement(relation, action), owner)}
            for action in actions
        }
    assert reached == expected


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_shows_an_actor_these_rows_and_takes_no_change(
    project: Connection, act: Act, view: Relation, actor: str
) -> None:
    with act(actor):
        seen = {owner for owner in OWNERS if reaches(project, statement(view, "select"), owner)}
        assert seen == view.reached(actor, "select")
        for change in ("insert into {} default values", "update {} set user_id = null", "delete from {}"):
            with pytest.raises(psycopg.Error), project.transaction():
                project.execute(sql.SQL(change).format(sql.Identifier("public", view.name)))


def test_every_table_and_view_of_the_api_is_in_the_matrix(project: Connection) -> None:
    found = project.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p', 'v', 'm', 'f')"
    )
    assert {name for (name,) in found} == {relation.name for relation in (*TABLES, *VIEWS)}


def test_every_table_of_the_api_has_row_level_security_and_every_view_asks_as_its_reader(project: Connection) -> None:
    open_tables = project.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and (relkind in ('r', 'p') and not relrowsecurity"
        " or relkind = 'v' and not coalesce('security_invoker=true' = any(reloptions), false))"
    )
    assert open_tables.fetchall() == []


def test_anon_has_no_right_at_all(project: Connection) -> None:
    rights = project.execute(
        "select relname from pg_class where relnamespace in ('public'::regnamespace, 'echotune'::regnamespace)"
        " and relkind in ('r', 'p', 'v')"
        " and (has_any_column_privilege('anon', oid, 'select, insert, update, references')"
        " or has_table_privilege('anon', oid, 'delete, truncate, trigger'))"
    )
    assert rights.fetchall() == []


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_private_schema_is_closed_to_the_roles_of_the_api(project: Connection, role: str) -> None:
    for right in ("usage", "create"):
        assert project.execute("select has_schema_privilege(%s, 'echotune', %s)", [role, right]).fetchone() == (False,)
    granted = project.execute(
        f"{PRIVATE} and has_any_column_privilege(%s, oid, 'select, insert, update, references')", [role]
    )
    assert granted.fetchall() == []


def test_no_function_of_the_private_schema_is_everybodys(project: Connection) -> None:
    callable_by_all = project.execute(
        "select proname from pg_proc where pronamespace = 'echotune'::regnamespace"
        " and has_function_privilege('anon', oid, 'execute')"
    )
    assert callable_by_all.fetchall() == []


def test_every_function_looks_names_up_nowhere_but_where_it_says(project: Connection) -> None:
    free = project.execute(
        "select proname from pg_proc where pronamespace = 'echotune'::regnamespace"
        " and not coalesce('search_path=\"\"' = any(proconfig), false)"
    )
    assert free.fetchall() == []


def test_a_signed_in_user_sees_the_public_playlists_of_others_and_changes_none(project: Connection, act: Act) -> None:
    with act(ANNA):
        seen = project.execute("select public, count(*) from public.playlists group by public order by public")
        assert seen.fetchall() == [(False, 1), (True, 2)]
        changed = project.execute("update public.playlists set name = 'mine' returning user_id")
        assert changed.rowcount == 2
    with act(ANNA), pytest.raises(errors.InsufficientPrivilege):
        project.execute(
            "update public.playlists set user_id = echotune_test.id_of('user', 'bert')",
        )


@pytest.mark.parametrize("column", ["id", "auth_user_id", "spotify_user_id", "username", "created_at"])
def test_of_their_own_row_a_user_changes_the_email_alone(project: Connection, act: Act, column: str) -> None:
    with act(ANNA), pytest.raises(errors.InsufficientPrivilege):
        project.execute(sql.SQL("update public.users set {column} = {column}").format(column=sql.Identifier(column)))


def test_a_new_user_makes_their_own_row_and_claims_no_history(project: Connection) -> None:
    cara = UUID("00000000-0000-0000-0000-00000000000c")
    with acting(project, "authenticated", cara):
        project.execute("insert into public.users (auth_user_id, username) values (auth.uid(), 'cara')")
        assert project.execute("select username from public.users").fetchall() == [("cara",)]
        with pytest.raises(errors.InsufficientPrivilege):
            project.execute("insert into public.users (auth_user_id, spotify_user_id) values (auth.uid(), 'anna')")


def test_who_is_not_signed_in_has_no_rows(project: Connection) -> None:
    with acting(project, "authenticated"):
        for relation in TABLES[:3]:
            name = sql.Identifier("public", relation.name)
            condition = sql.SQL("where not public" if relation.name == "playlists" else "")
            assert project.execute(sql.SQL("select from {} {}").format(name, condition)).rowcount == 0


def test_the_service_makes_a_user_whose_id_the_sync_will_compute(project: Connection, act: Act) -> None:
    with act("service_role"):
        made = project.execute("insert into public.users (spotify_user_id) values ('cara') returning id").fetchone()
        assert made == project.execute("select echotune_test.id_of('user', 'cara')").fetchone()


@pytest.mark.parametrize(
    "forbidden",
    [
        "create table public.mine (id int)",
        "create table echotune.mine (id int)",
        "create schema mine",
        "create role mine",
        "alter table public.users disable row level security",
        "alter table public.listening_history add column mine int",
        "alter table public.playlists disable trigger all",
        "drop table public.playlists",
        "drop view public.top_tracks",
        "truncate public.listening_history",
        "create policy mine on public.users using (true)",
        "create index on public.users (username)",
        "insert into echotune.migrations (version, name, checksum, seconds) values (99, '', '', 0)",
        "delete from echotune.migrations",
        "delete from public.users",
        "set role service_role",
        "select * from echotune.listening_history_2021",
        "create function echotune.mine() returns int language sql return 1",
        "alter function echotune.ensure_partitions(int, int) owner to echotune_sync",
    ],
)
def test_the_sync_may_not(postgres_server: OwnedPostgres, project: Connection, forbidden: str) -> None:
    postgres_server.add_role("worker", "secret")
    postgres_server.grant("echotune_sync", to="worker")
    uri = postgres_server.uri_of("worker", "secret", project.info.dbname)
    with connect(uri) as worker, worker.transaction(force_rollback=True):
        worker.execute("set local role echotune_sync")
        with pytest.raises(errors.InsufficientPrivilege):
            worker.execute(forbidden.encode())


def test_the_sync_may_make_temporary_tables_and_partitions(project: Connection, act: Act) -> None:
    with act("echotune_sync"):
        project.execute("create temporary table staging (id int) on commit drop")
        project.execute("select echotune.ensure_partitions(1999, 1999)")
        for (name,) in project.execute(PRIVATE).fetchall():
            if not name.startswith("listening_history"):
                project.execute(sql.SQL("select from {}").format(sql.Identifier("echotune", name)))
