"""The schema is brought up to date in order, once, by one run at a time, or it is told what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from psycopg import errors, sql

from echotune.indexes.postgres import declared_indexes
from echotune.resources import read_sql
from echotune.sync.migrations import MIGRATIONS, MigrationError, MigrationReport, SchemaBusy, migrate, read_migrations
from tests.support.supabase import Connection, OwnedPostgres, connect, make_project

DURATION_IS_OPTIONAL = 8
"""The migration from which on a play may lack its duration."""
FILES = tuple(migration.file for migration in read_migrations())


@pytest.fixture
def empty(empty_supabase: str) -> Iterator[Connection]:
    with connect(empty_supabase) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The deployment's migrations, to be changed."""
    return shutil.copytree(MIGRATIONS, tmp_path / "migrations")


@pytest.fixture
def stranger(postgres_server: OwnedPostgres) -> Iterator[str]:
    """A login without any right."""
    postgres_server.add_role("stranger", "secret")
    yield "stranger"
    with postgres_server.connect() as administrator:
        administrator.execute("drop role stranger")


def as_stranger(postgres_server: OwnedPostgres, connection: Connection) -> Connection:
    return connect(postgres_server.uri_of("stranger", "secret", connection.info.dbname))


def test_an_empty_database_gets_the_whole_schema(empty: Connection) -> None:
    report = migrate(empty)
    assert report.applied == FILES
    assert "the function auth.uid()" in report.created
    assert report.indexes == tuple(index.name for index in declared_indexes())
    assert report.partitions == 2
    recorded = empty.execute("select version, name, checksum, applied_by from echotune.migrations order by version")
    assert recorded.fetchall() == [
        (migration.version, migration.name, migration.checksum, "platform") for migration in read_migrations()
    ]


def test_plays_without_a_duration_fit_into_partitions_that_were_there_before(empty: Connection, folder: Path) -> None:
    for path in folder.glob("*.sql"):
        if int(path.stem.partition("_")[0]) >= DURATION_IS_OPTIONAL:
            path.unlink()
    migrate(empty, folder)
    empty.execute("insert into public.users (spotify_user_id) values ('anna')")
    play = (
        "insert into public.listening_history (id, played_at, user_id) "
        "values (gen_random_uuid(), now(), echotune.row_id('user', 'anna'))"
    )
    with pytest.raises(errors.NotNullViolation):
        empty.execute(play)
    migrate(empty)
    empty.execute(play)
    assert empty.execute("select plays, ms_played from public.listening_by_day").fetchall() == [(1, None)]


def test_a_second_run_changes_nothing(supabase: Connection) -> None:
    # Who reads a row of a copied database first writes down that its transaction was committed.
    migrate(supabase)
    before = supabase.execute("select pg_current_wal_insert_lsn()").fetchone()
    report = migrate(supabase)
    after = supabase.execute("select pg_current_wal_insert_lsn()").fetchone()
    assert report == MigrationReport(applied=(), version=len(FILES), created=(), indexes=(), partitions=0, published=())
    assert before is not None
    assert after is not None
    assert supabase.execute("select %s::pg_lsn - %s::pg_lsn < 10000", [after[0], before[0]]).fetchone() == (True,)


def test_of_two_runs_at_once_each_migration_is_run_by_one(empty_supabase: str) -> None:
    def run(_: int) -> MigrationReport:
        with connect(empty_supabase) as connection:
            return migrate(connection)

    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(run, range(3)))
    assert sorted(name for report in reports for name in report.applied) == sorted(FILES)
    assert sum(report.partitions for report in reports) == 2
    assert sum(len(report.indexes) for report in reports) == len(declared_indexes())


def test_a_later_deployment_runs_only_what_is_new(supabase: Connection, folder: Path) -> None:
    added = folder / f"{len(FILES) + 1:04}_more.sql"
    added.write_text("create table echotune.more (id bigint primary key);", encoding="utf-8")
    assert migrate(supabase, folder).applied == (added.name,)


def test_a_file_that_was_changed_after_it_ran_is_refused(supabase: Connection, folder: Path) -> None:
    with (folder / FILES[2]).open("a", encoding="utf-8") as changed:
        changed.write("-- a later thought\n")
    with pytest.raises(MigrationError, match=f"{FILES[2]} was changed after it ran"):
        migrate(supabase, folder)


def test_a_database_that_is_newer_than_the_deployment_is_refused(supabase: Connection, folder: Path) -> None:
    (folder / FILES[-1]).unlink()
    with pytest.raises(MigrationError, match=f"the database is newer than this deployment: {FILES[-1]}"):
        migrate(supabase, folder)


def test_versions_have_no_gap(supabase: Connection, folder: Path) -> None:
    (folder / FILES[1]).unlink()
    with pytest.raises(MigrationError, match="are not 1, 2, 3 and so on"):
        migrate(supabase, folder)


def test_a_migration_that_fails_leaves_nothing_behind(supabase: Connection, folder: Path) -> None:
    added = folder / f"{len(FILES) + 1:04}_wrong.sql"
    added.write_text("create table echotune.half (id bigint); select 1 / 0;", encoding="utf-8")
    with pytest.raises(errors.DivisionByZero):
        migrate(supabase, folder)
    assert supabase.execute("select to_regclass('echotune.half')").fetchone() == (None,)
    assert migrate(supabase).version == len(FILES)


def test_a_migration_does_not_wait_long_for_a_lock(supabase_uri: str, folder: Path) -> None:
    added = folder / f"{len(FILES) + 1:04}_column.sql"
    added.write_text("set local lock_timeout = '50ms'; alter table public.users add column age int;", encoding="utf-8")
    with connect(supabase_uri) as reader, connect(supabase_uri) as connection, reader.transaction():
        reader.execute("select * from public.users")
        with pytest.raises(SchemaBusy, match=f"{added.name} waited too long for a lock"):
            migrate(connection, folder)


def test_a_login_that_may_not_create_roles_is_told_the_file_to_run(
    postgres_server: OwnedPostgres, empty: Connection, stranger: str
) -> None:
    with (
        as_stranger(postgres_server, empty) as connection,
        pytest.raises(MigrationError, match=r"stranger may not create that .*run include/sql/bootstrap/roles\.sql"),
    ):
        migrate(connection)


def test_the_owner_goes_on_from_the_file_that_an_administrator_ran(
    postgres_server: OwnedPostgres, empty: Connection
) -> None:
    with connect(postgres_server.administrators_uri(empty.info.dbname)) as administrator:
        for _ in range(2):
            administrator.execute(read_sql("bootstrap/roles.sql"))
    report = migrate(empty)
    assert report.created == ()
    assert report.applied == FILES


def test_a_login_that_may_not_create_the_schema_is_told_who_may(
    postgres_server: OwnedPostgres, empty: Connection, stranger: str
) -> None:
    make_project(postgres_server, empty.info.dbname)
    with (
        as_stranger(postgres_server, empty) as connection,
        pytest.raises(MigrationError, match=r"0001_private_schema\.sql needs more rights than stranger has"),
    ):
        migrate(connection)


def test_a_login_that_may_only_sync_passes_once_the_owner_has_migrated(
    postgres_server: OwnedPostgres, supabase: Connection, stranger: str
) -> None:
    with as_stranger(postgres_server, supabase) as connection:
        with pytest.raises(MigrationError, match='grant echotune_sync to "stranger"'):
            migrate(connection)
        supabase.execute(sql.SQL("grant echotune_sync to {}").format(sql.Identifier(stranger)))
        assert migrate(connection).applied == ()
        with connection.transaction():
            connection.execute("set local role echotune_sync")
            connection.execute("select echotune.ensure_partitions(2019, 2019)")


def test_a_supabase_project_keeps_its_own_roles_and_sends_live_changes(
    postgres_server: OwnedPostgres, empty: Connection
) -> None:
    make_project(postgres_server, empty.info.dbname)
    report = migrate(empty)
    assert report.created == ()
    assert report.published == ("playlists", "user_preferences")
    published = empty.execute("select tablename from pg_publication_tables where pubname = 'supabase_realtime'")
    assert sorted(published.fetchall()) == [("playlists",), ("user_preferences",)]
    assert migrate(empty).published == ()


def test_a_publication_of_all_tables_is_left_alone(postgres_server: OwnedPostgres, empty: Connection) -> None:
    with connect(postgres_server.administrators_uri(empty.info.dbname)) as administrator:
        administrator.execute("create publication supabase_realtime for all tables")
    assert migrate(empty).published == ()


def test_a_publication_of_somebody_else_is_told_of(
    postgres_server: OwnedPostgres, empty: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    with connect(postgres_server.administrators_uri(empty.info.dbname)) as administrator:
        administrator.execute("create publication supabase_realtime")
    assert migrate(empty).published == ()
    assert 'alter publication supabase_realtime add table public."playlists"' in caplog.text


def test_partitions_are_made_once_by_two_at_the_same_time(supabase_uri: str) -> None:
    def make(_: int) -> int:
        with connect(supabase_uri) as connection:
            row = connection.execute("select echotune.ensure_partitions(2008, 2012)").fetchone()
            assert row is not None
            return int(row[0])

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(make, range(3))) == 5


def test_a_play_at_new_year_in_utc_is_in_the_partition_of_its_year(supabase: Connection) -> None:
    supabase.execute("set timezone = 'America/New_York'")
    supabase.execute("select echotune.ensure_partitions(2019, 2020)")
    supabase.execute("insert into public.users (spotify_user_id) values ('anna')")
    supabase.execute(
        "insert into public.listening_history (id, played_at, user_id, ms_played) "
        "select gen_random_uuid(), moment, (select id from public.users), 1 "
        "from unnest('{2019-12-31 23:59:59.999999Z,2020-01-01 00:00:00Z}'::timestamptz[]) as moment"
    )
    found = supabase.execute("select tableoid::regclass::text, month::text from public.listening_history order by 1")
    assert found.fetchall() == [
        ("echotune.listening_history_2019", "2019-12-01"),
        ("echotune.listening_history_2020", "2020-01-01"),
    ]


@pytest.mark.parametrize("years", [(1899, 1900), (2200, 2201)])
def test_no_partition_is_made_for_an_impossible_year(supabase: Connection, years: tuple[int, int]) -> None:
    with pytest.raises(errors.NumericValueOutOfRange):
        supabase.execute("select echotune.ensure_partitions(%s, %s)", years)
