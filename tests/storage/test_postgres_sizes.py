"""What a real PostgreSQL says of its sizes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from echotune.resources import read_sql
from echotune.storage.postgres_sizes import PLAYS, measure_postgresql
from echotune.storage.sizes import PlaceSize
from echotune.sync.migrations import migrate
from tests.support.measuring import fill_postgresql
from tests.support.supabase import OlderPostgres, OwnedPostgres, acting, connect, fresh_database, needs_older_postgres

NEWEST = datetime(2026, 10, 1, tzinfo=UTC)
PARTS = """
select sum(pg_total_relation_size(inhrelid)), sum(pg_indexes_size(inhrelid))
from pg_inherits where inhparent = 'public.listening_history'::regclass
"""

Connection = psycopg.Connection[Any]


def plays_of(connection: Connection) -> PlaceSize:
    (found,) = [place for place in measure_postgresql(connection).places if place.place == PLAYS]
    return found


def test_partitions_are_added_up(supabase: Connection) -> None:
    fill_postgresql(supabase, plays=1_000, newest=NEWEST)
    (total, indexes) = supabase.execute(PARTS).fetchone() or (0, 0)
    assert (plays_of(supabase).size.disk, plays_of(supabase).size.indexes) == (total, indexes)


def test_rows_are_unknown_until_every_part_is_analysed(supabase: Connection) -> None:
    fill_postgresql(supabase, plays=1_000, newest=NEWEST)
    assert plays_of(supabase).rows is None
    supabase.execute("analyze public.listening_history")
    assert plays_of(supabase).rows == 1_000


def test_the_database_holds_its_tables_and_the_server_others(supabase: Connection) -> None:
    measured = measure_postgresql(supabase)
    assert 0 < sum(place.size.disk for place in measured.places) < measured.own.disk
    assert measured.others.disk > 0


def test_plays_a_month_are_those_of_the_year_up_to_the_newest(supabase: Connection) -> None:
    fill_postgresql(supabase, plays=1_000, newest=NEWEST)
    plays = measure_postgresql(supabase).plays
    assert plays is not None
    assert (plays.newest, round(plays.a_month * 12)) == (NEWEST, 365)


def test_the_newest_play_is_found_by_the_index_over_user_and_time(supabase: Connection) -> None:
    fill_postgresql(supabase, plays=3_000, newest=NEWEST)
    supabase.execute("analyze")
    lines = supabase.execute("explain " + read_sql("storage/plays.sql")).fetchall()
    assert any("user_id_played_at" in line and "Index" in line for (line,) in lines)


def test_a_database_without_the_schema_is_measured(empty_supabase: str) -> None:
    with connect(empty_supabase) as connection:
        measured = measure_postgresql(connection)
    assert (measured.places, measured.plays) == ((), None)
    assert measured.own.disk > 0


def test_a_login_that_may_not_read_the_plays_is_told_in_one_line(
    supabase: Connection, postgres_server: OwnedPostgres
) -> None:
    administrators = postgres_server.administrators_uri(supabase.info.dbname)
    with connect(administrators) as connection, acting(connection, "anon"):
        measured = measure_postgresql(connection)
    assert measured.plays is None
    (note,) = measured.notes
    assert note.startswith("the plays cannot be counted: permission denied")


@needs_older_postgres("15")
def test_postgresql_15_says_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = OlderPostgres(tmp_path_factory.mktemp("postgres-15"), "15")
    server.start()
    try:
        with fresh_database(server) as name, connect(server.owners_uri(name)) as connection:
            migrate(connection)
            fill_postgresql(connection, plays=100, newest=NEWEST)
            plays = measure_postgresql(connection).plays
    finally:
        server.stop()
    assert plays is not None
    assert round(plays.a_month * 12) == 100
