"""The views give the right numbers; small data by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from echotune.sync.migrations import migrate
from tests.support.supabase import Connection, OwnedPostgres, connect, fresh_database

CATALOG = """
insert into public.users (spotify_user_id, username) values ('anna', 'anna'), ('bert', 'bert');
insert into public.artists (id, name)
select echotune.row_id('artist', name), name from unnest('{Nina,Miles}'::text[]) as name;
insert into public.tracks (id, name, artist_name, genres) values
    (echotune.row_id('track', 'one'), 'one', 'Nina', '{jazz,soul}'),
    (echotune.row_id('track', 'two'), 'two', 'Nina', '{jazz}'),
    (echotune.row_id('track', 'bare'), 'bare', null, null);
insert into public.track_artists (track_id, artist_id, position) values
    (echotune.row_id('track', 'one'), echotune.row_id('artist', 'Nina'), 0),
    (echotune.row_id('track', 'one'), echotune.row_id('artist', 'Miles'), 1),
    (echotune.row_id('track', 'two'), echotune.row_id('artist', 'Nina'), 0);
insert into public.audio_features (track_id, energy, tempo, valence) values
    (echotune.row_id('track', 'one'), 0.2, 100, null),
    (echotune.row_id('track', 'two'), 0.8, 160, 0.5);
select echotune.ensure_partitions(2020, 2021);
"""
PLAY = """
insert into public.listening_history (id, played_at, user_id, track_id, ms_played) values
(gen_random_uuid(), %s, echotune.row_id('user', %s), echotune.row_id('track', %s), %s)
"""
PLAYS = (
    ("2020-12-31 23:30Z", "anna", "one", 1000),
    ("2021-01-01 00:30Z", "anna", "one", 2000),
    ("2021-01-01 00:40Z", "anna", "two", 4000),
    ("2021-01-02 10:00Z", "anna", "one", 8000),
    ("2021-02-10 10:00Z", "anna", "bare", 16000),
    ("2021-02-11 10:00Z", "anna", None, 32000),  # an episode or a local file
    ("2021-01-02 10:00Z", "bert", "two", 500),
)


@pytest.fixture(scope="module")
def filled(postgres_server: OwnedPostgres) -> Iterator[Connection]:
    """A database with the plays above, asked by somebody who lives in another time zone."""
    with (
        fresh_database(postgres_server) as name,
        connect(postgres_server.owners_uri(name)) as connection,
    ):
        migrate(connection)
        connection.execute(CATALOG)
        with connection.cursor() as cursor:
            cursor.executemany(PLAY, PLAYS)
        connection.execute("set timezone = 'Pacific/Auckland'")
        yield connection


def rows(connection: Connection, text: str) -> list[Any]:
    query = text.replace("ANNA", "user_id = echotune.row_id('user', 'anna')")
    return connection.execute(query.encode()).fetchall()


def test_top_tracks_of_all_time_and_of_each_period(filled: Connection) -> None:
    query = (
        "select period_start, name, plays, ms_played from public.top_tracks "
        "where ANNA and period = '{}' order by period_start, plays desc, name"
    )
    assert rows(filled, query.format("all")) == [
        (None, "one", 3, 11000),
        (None, "bare", 1, 16000),
        (None, "two", 1, 4000),
    ]
    assert rows(filled, query.format("year")) == [
        (date(2020, 1, 1), "one", 1, 1000),
        (date(2021, 1, 1), "one", 2, 10000),
        (date(2021, 1, 1), "bare", 1, 16000),
        (date(2021, 1, 1), "two", 1, 4000),
    ]
    assert rows(filled, query.format("month")) == [
        (date(2020, 12, 1), "one", 1, 1000),
        (date(2021, 1, 1), "one", 2, 10000),
        (date(2021, 1, 1), "two", 1, 4000),
        (date(2021, 2, 1), "bare", 1, 16000),
    ]


def test_a_play_counts_for_every_artist_of_its_track(filled: Connection) -> None:
    found = rows(
        filled,
        "select name, plays, ms_played from public.top_artists where ANNA and period = 'all' order by plays desc",
    )
    assert found == [("Nina", 4, 15000), ("Miles", 3, 11000)]
    found = rows(
        filled,
        "select name, plays from public.top_artists where ANNA and period_start = '2021-01-01' and period = 'month' "
        "order by plays desc",
    )
    assert found == [("Nina", 3), ("Miles", 2)]


def test_a_play_counts_for_every_genre_of_its_track(filled: Connection) -> None:
    found = rows(
        filled,
        "select genre, plays, ms_played from public.top_genres where ANNA and period = 'all' order by plays desc",
    )
    assert found == [("jazz", 4, 15000), ("soul", 3, 11000)]


def test_days_are_days_in_utc_and_count_plays_without_a_track(filled: Connection) -> None:
    found = rows(filled, "select day, plays, ms_played, tracks from public.listening_by_day where ANNA order by day")
    assert found == [
        (date(2020, 12, 31), 1, 1000, 1),
        (date(2021, 1, 1), 2, 6000, 2),
        (date(2021, 1, 2), 1, 8000, 1),
        (date(2021, 2, 10), 1, 16000, 1),
        (date(2021, 2, 11), 1, 32000, 0),
    ]


def test_hours_of_the_week_are_counted_in_utc_from_monday(filled: Connection) -> None:
    columns = "select weekday, hour, plays, ms_played from public.listening_by_hour_of_week where ANNA"
    assert rows(filled, f"{columns} and period = 'all' order by 1, 2") == [
        (3, 10, 1, 16000),
        (4, 10, 1, 32000),
        (4, 23, 1, 1000),
        (5, 0, 2, 6000),
        (6, 10, 1, 8000),
    ]
    assert rows(filled, f"{columns} and period = 'month' and period_start = '2021-01-01' order by 1, 2") == [
        (5, 0, 2, 6000),
        (6, 10, 1, 8000),
    ]
    assert rows(filled, f"{columns} and period = 'year' and period_start = '2020-01-01'") == [(4, 23, 1, 1000)]


def test_a_track_is_discovered_once_by_each_user(filled: Connection) -> None:
    found = rows(filled, "select name, discovered_at, plays_since from public.new_discoveries where ANNA order by 2")
    assert found == [
        ("one", datetime(2020, 12, 31, 23, 30, tzinfo=UTC), 3),
        ("two", datetime(2021, 1, 1, 0, 40, tzinfo=UTC), 1),
        ("bare", datetime(2021, 2, 10, 10, tzinfo=UTC), 1),
    ]
    assert len(rows(filled, "select from public.new_discoveries where name = 'two'")) == 2


def test_a_streak_goes_on_over_new_year_and_ends_with_a_day_off(filled: Connection) -> None:
    found = rows(
        filled,
        "select first_day, last_day, days, plays, ms_played from public.listening_streaks where ANNA order by 1",
    )
    assert found == [
        (date(2020, 12, 31), date(2021, 1, 2), 3, 4, 15000),
        (date(2021, 2, 10), date(2021, 2, 11), 2, 2, 48000),
    ]


def test_the_profile_is_a_mean_over_plays_that_have_the_feature(filled: Connection) -> None:
    found = rows(
        filled,
        "select plays, energy::numeric(6,4), tempo::numeric(6,2), valence, danceability "
        "from public.audio_profiles where ANNA and period = 'all'",
    )
    assert found == [(4, Decimal("0.3500"), Decimal("115.00"), 0.5, None)]


def test_a_query_for_one_month_reads_the_plays_of_that_month_alone(filled: Connection) -> None:
    """The planner drops the branches of other periods, and an index leads to the month."""
    filled.execute("set enable_seqscan = off")
    plan = "\n".join(
        line
        for (line,) in filled.execute(
            "explain (costs off) select * from public.top_tracks where period = 'month' and period_start = '2021-01-01'"
            " and user_id = (select id from public.users where spotify_user_id = 'anna')"
        )
    )
    filled.execute("reset enable_seqscan")
    assert plan.count("listening_history_2021_user_id_month_idx") == 1
    assert plan.count("One-Time Filter: false") == 2
