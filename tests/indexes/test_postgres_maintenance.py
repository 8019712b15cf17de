"""PostgreSQL's indexes become what is declared, while applications go on, and wherever a run is broken off."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest

from benchmarks.maintenance_postgres import rebuild_under_traffic
from echotune.indexes.postgres import declared_indexes, missing_indexes
from echotune.indexes.postgres_maintenance import maintain_postgresql
from echotune.indexes.postgres_state import LiveIndex, read_indexes
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action, Outcome, StepResult
from tests.support.pgbouncer import PROGRAM, Pgbouncer
from tests.support.proxy import PostgresProxy
from tests.support.supabase import Connection, OwnedPostgres, connect, fresh_database

QUICK = MaintenanceSettings(lock_timeout_milliseconds=100, lock_attempts=2)
NEWEST = "listening_history_newest"
NOTHING = (Action.LEAVE, Action.REPORT)

PLAYS = """
insert into users (id, spotify_user_id, username) values (echotune.row_id('user', 'anna'), 'anna', 'anna')
on conflict do nothing;
insert into listening_history (id, played_at, user_id, ms_played)
select gen_random_uuid(), timestamptz '2021-01-01' + number * interval '1 hour', echotune.row_id('user', 'anna'), 1000
from generate_series(1, 20000) as number;
"""


def maintain(connection: Connection, settings: MaintenanceSettings = QUICK) -> list[StepResult]:
    return maintain_postgresql(connection, settings)


def done(results: list[StepResult]) -> list[tuple[Action, str, Outcome]]:
    """What was done, or not: neither what was left nor what was only told, and no statistics."""
    quiet = (*NOTHING, Action.ANALYZE)
    return [(one.step.action, one.step.name, one.outcome) for one in results if one.step.action not in quiet]


def live(connection: Connection) -> dict[str, LiveIndex]:
    return {index.name: index for index in read_indexes(connection)}


def forms(connection: Connection) -> dict[str, tuple[list[str], bool]]:
    """Every index that is not a partition's: on what, and whether it is whole."""
    return {name: (index.words, index.valid) for name, index in live(connection).items() if not index.parent}


def with_plays(connection: Connection) -> Connection:
    connection.execute("select echotune.ensure_partitions(2021, 2023)")
    connection.execute(PLAYS)
    return connection


def as_declared(connection: Connection) -> None:
    """Nothing is missing, broken or left over."""
    assert missing_indexes(connection) == []
    assert [name for name, index in live(connection).items() if not index.valid] == []
    assert [name for name in live(connection) if name.endswith("_new")] == []
    assert done(maintain(connection)) == []


def test_a_run_with_nothing_to_do_writes_nothing(supabase: Connection) -> None:
    maintain(supabase)
    supabase.execute("vacuum analyze")
    before = supabase.execute("select pg_current_wal_insert_lsn(), pg_current_xact_id_if_assigned()").fetchone()
    assert done(maintain(supabase)) == []
    after = supabase.execute("select pg_current_wal_insert_lsn(), pg_current_xact_id_if_assigned()").fetchone()
    assert before is not None
    assert after is not None
    assert supabase.execute("select %s::pg_lsn - %s::pg_lsn < 5000", [after[0], before[0]]).fetchone() == (True,)


def test_an_index_that_is_missing_is_created(supabase: Connection) -> None:
    before = forms(supabase)
    supabase.execute("drop index public.albums_artist_id")
    assert done(maintain(supabase)) == [(Action.CREATE, "albums_artist_id", Outcome.DONE)]
    assert forms(supabase) == before


def test_an_index_of_a_partitioned_table_is_created_on_each_partition_and_attached(supabase: Connection) -> None:
    with_plays(supabase)
    before = forms(supabase)
    supabase.execute(f"drop index public.{NEWEST}".encode())
    assert done(maintain(supabase)) == [(Action.CREATE, NEWEST, Outcome.DONE)]
    assert forms(supabase) == before
    partitions = supabase.execute("select count(*) from pg_inherits where inhparent = 'listening_history'::regclass")
    assert partitions.fetchall() == [(sum(index.parent == NEWEST for index in live(supabase).values()),)]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("albums_artist_id", "create index albums_artist_id on public.albums (artist_id, name)"),
        (NEWEST, f"create index {NEWEST} on public.listening_history (user_id, played_at)"),
        ("profile_changes_due", "create index profile_changes_due on echotune.profile_changes (user_id)"),
    ],
)
def test_an_index_of_another_form_is_replaced(supabase: Connection, name: str, other: str) -> None:
    with_plays(supabase)
    before = forms(supabase)
    supabase.execute(f"drop index if exists public.{name}, echotune.{name}".encode())
    supabase.execute(other.encode())
    assert forms(supabase) != before
    assert done(maintain(supabase)) == [(Action.REBUILD, name, Outcome.DONE)]
    assert forms(supabase) == before
    as_declared(supabase)


def test_a_dry_run_changes_nothing_and_tells_everything(supabase: Connection) -> None:
    supabase.execute("drop index public.albums_artist_id")
    before = forms(supabase)
    results = maintain(supabase, QUICK.model_copy(update={"dry_run": True}))
    assert done(results) == [(Action.CREATE, "albums_artist_id", Outcome.PLANNED)]
    assert {one.step.name for one in results} >= {index.name for index in declared_indexes()}
    assert forms(supabase) == before


def test_what_a_broken_off_statement_left_is_removed(supabase: Connection) -> None:
    supabase.execute("insert into artists (id, name) values (gen_random_uuid(), 'one'), (gen_random_uuid(), 'one')")
    with suppress(psycopg.errors.UniqueViolation):
        supabase.execute("create unique index concurrently artists_name on artists (name)")
    assert not live(supabase)["artists_name"].valid
    assert done(maintain(supabase)) == [(Action.CLEAN, "artists_name", Outcome.DONE)]
    as_declared(supabase)


def test_a_bloated_index_is_rebuilt_in_place(supabase: Connection) -> None:
    with_plays(supabase)
    supabase.execute("delete from listening_history where extract(minute from played_at) = 0 and random() < 0.9")
    supabase.execute("vacuum analyze listening_history")
    large = max(live(supabase).values(), key=lambda index: index.size_bytes)
    settings = QUICK.model_copy(update={"reindex_above_mebibytes": 0, "reindex_above_bloat": 0.5})
    results = maintain(supabase, settings)
    assert (Action.REINDEX, large.name, Outcome.DONE) in done(results)
    assert live(supabase)[large.name].size_bytes < large.size_bytes / 2
    assert {outcome for _, _, outcome in done(results)} == {Outcome.DONE}


def test_stale_statistics_are_renewed(supabase: Connection) -> None:
    with_plays(supabase)
    supabase.execute("select pg_stat_force_next_flush()")
    results = maintain(supabase)
    analyzed = {one.step.place for one in results if one.step.action is Action.ANALYZE}
    assert analyzed >= {"listening_history", "listening_history_2021"}
    row = supabase.execute("select reltuples from pg_class where oid = 'echotune.listening_history_2021'::regclass")
    assert row.fetchall() == [(8759,)]


def test_a_missing_partition_of_next_year_is_made(supabase: Connection) -> None:
    (year,) = supabase.execute("select extract(year from now() at time zone 'UTC')::integer + 1").fetchall()[0]
    supabase.execute(f"drop table echotune.listening_history_{year}".encode())
    results = maintain(supabase)
    assert done(results) == [(Action.PARTITION, "", Outcome.DONE)]
    assert f"the plays of {year} have no partition yet" in results[0].step.reason
    as_declared(supabase)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("create index mine on tracks (popularity)", "nobody declared it; used 0 times in 0 days"),
        ("create index mine on playlists (user_id)", "its keys are the first ones of playlists_user_id"),
        ("create index mine on track_artists (track_id)", "its keys are the first ones of track_artists_pkey"),
    ],
)
def test_an_index_that_nobody_declared_is_told_and_stays(supabase: Connection, statement: str, told: str) -> None:
    supabase.execute(statement.encode())
    reasons = [one.step.reason for one in maintain(supabase) if one.step.name == "mine"]
    assert any(told in reason for reason in reasons)
    assert "mine" in live(supabase)


def test_a_lock_that_is_not_got_is_told_with_who_holds_it(supabase_uri: str) -> None:
    with connect(supabase_uri) as connection, connect(supabase_uri) as other:
        connection.execute(f"drop index public.{NEWEST}".encode())
        connection.execute("drop index public.albums_artist_id")
        other.execute("set application_name to 'the shop'")
        with other.transaction():
            other.execute("lock table listening_history in row exclusive mode")
            results = {one.step.name: one for one in maintain(connection) if one.step.action is Action.CREATE}
    assert results[NEWEST].outcome is Outcome.BUSY
    assert "the shop" in results[NEWEST].detail
    assert results["albums_artist_id"].outcome is Outcome.DONE
    with connect(supabase_uri) as connection:
        assert (Action.CREATE, NEWEST, Outcome.DONE) in done(maintain(connection))
        as_declared(connection)


def test_a_login_without_rights_is_told_of_each_step_and_changes_nothing(
    postgres_server: OwnedPostgres, supabase_uri: str
) -> None:
    postgres_server.add_role("reader", "secret")
    with connect(supabase_uri) as owner:
        owner.execute("drop index public.albums_artist_id")
        owner.execute("drop index public.tracks_album_id")
        owner.execute("grant usage on schema echotune to reader")
        owner.execute("grant select on echotune.migrations to reader")
        name = owner.info.dbname
        with connect(postgres_server.uri_of("reader", "secret", name)) as reader:
            results = maintain(reader)
    with connect(postgres_server.administrators_uri(name)) as administrator:
        administrator.execute("drop owned by reader")
    assert done(results) == [
        (Action.CREATE, "albums_artist_id", Outcome.REFUSED),
        (Action.CREATE, "tracks_album_id", Outcome.REFUSED),
    ]
    assert "must be owner of table albums: sign in as the owner of the table" in [one.detail for one in results]


@pytest.mark.skipif(
    PROGRAM is None and not os.environ.get("CI"), reason="pgbouncer is not there: local/install-test-parts gets it"
)
def test_it_works_through_a_pooler_in_transaction_mode_and_leaves_nothing_there(
    postgres_server: OwnedPostgres, supabase_uri: str, tmp_path: Path
) -> None:
    pooler = Pgbouncer(tmp_path, target=postgres_server.owners_uri("postgres"), sessions=1)
    pooler.start()
    with connect(supabase_uri) as direct, connect(pooler.before(direct.info.dbname)) as connection:
        with_plays(direct)
        direct.execute(f"drop index public.{NEWEST}".encode())
        assert (Action.CREATE, NEWEST, Outcome.DONE) in done(maintain(connection))
        assert connection.execute("show lock_timeout").fetchone() == ("0",)
        as_declared(direct)
    pooler.stop()


@pytest.mark.parametrize(
    "prepared",
    [
        f"drop index public.{NEWEST}; create index {NEWEST} on public.listening_history (user_id)",
        "drop index public.albums_artist_id; create index albums_artist_id on public.albums (name)",
    ],
    ids=["replaced on partitions", "replaced on a table"],
)
def test_a_run_that_is_cut_off_after_any_statement_is_finished_by_the_next(
    postgres_server: OwnedPostgres, supabase_template: str, prepared: str
) -> None:
    cuts = 0
    for last in count(1):
        with fresh_database(postgres_server, supabase_template) as name:
            uri = postgres_server.owners_uri(name)
            with connect(uri) as connection:
                before = forms(connection)
                connection.execute(prepared.encode())
                with (
                    PostgresProxy(uri, last.__eq__) as proxy,
                    suppress(psycopg.OperationalError),
                    connect(proxy.uri) as cut,
                ):
                    maintain(cut)
                maintain(connection)
                assert forms(connection) == before
                as_declared(connection)
        if not proxy.cut:
            break
        cuts += 1
    assert cuts >= 15


def test_nobody_waits_long_while_indexes_are_replaced(supabase_uri: str) -> None:
    with connect(supabase_uri) as connection:
        with_plays(connection)
    numbers = rebuild_under_traffic(supabase_uri)
    assert numbers["postgresql failed"] == numbers["postgresql lost rows"] == 0
    assert numbers["postgresql rows a second"] > 100
    assert max(numbers["postgresql longest write seconds"], numbers["postgresql longest read seconds"]) < 1
