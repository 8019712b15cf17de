"""Each declared index of PostgreSQL is used by the query it is there for, on a history of 208,934 plays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from echotune.indexes.postgres import declared_indexes
from echotune.indexes.postgres_state import read_indexes
from tests.support.supabase import Connection, OwnedPostgres, connect, fresh_database

HISTORY = """
select echotune.ensure_partitions(2012, 2024);
insert into users (id, spotify_user_id, username)
select echotune.row_id('user', 'user ' || number), 'user ' || number, 'user ' || number
from generate_series(1, 2000) as number;
insert into playlists (user_id, name, created_at)
select echotune.row_id('user', 'user ' || number % 2000 + 1), 'list', now() - number * interval '1 minute'
from generate_series(1, 10000) as number;
insert into user_preferences (user_id, preferred_genres, audio_feature_weights, recommendation_settings)
select
    echotune.row_id('user', 'user ' || number),
    array['genre ' || number % 500],
    jsonb_build_object('energy', number),
    jsonb_build_object('mode', 'mode ' || number)
from generate_series(1, 2000) as number;
insert into artists (id, name)
select echotune.row_id('artist', number::text), 'artist ' || number from generate_series(1, 9821) as number;
insert into albums (id, name, artist_id)
select echotune.row_id('album', number::text), 'album ' || number, echotune.row_id('artist', (number % 9821 + 1)::text)
from generate_series(1, 20000) as number;
insert into tracks (id, name, album_id)
select echotune.row_id('track', number::text), 'track ' || number, echotune.row_id('album', (number % 20000 + 1)::text)
from generate_series(1, 41918) as number;
insert into track_artists (track_id, artist_id, position)
select echotune.row_id('track', number::text), echotune.row_id('artist', (number % 9821 + 1)::text), 0
from generate_series(1, 41918) as number;
insert into listening_history (id, played_at, user_id, track_id, ms_played)
select
    gen_random_uuid(),
    timestamptz '2012-01-01' + number * interval '30 minutes',
    echotune.row_id('user', 'user ' || number % 5 + 1),
    echotune.row_id('track', (number % 41918 + 1)::text),
    1000
from generate_series(1, 208934) as number;
insert into echotune.rejected_documents (table_name, document_id, row_id, reason)
select 'tracks', number::text, gen_random_uuid(), 'a test' from generate_series(1, 5000) as number;
insert into echotune.sync_runs (run_id, settings) select 'run ' || number, '{}' from generate_series(1, 100) as number;
insert into echotune.reconciliations (
    run_id, table_name, month, revision, documents, document_checksum, rows, row_checksum, state
)
select 'run ' || run, 'listening_history', date '2012-01-01' + month * interval '1 month', '', 0, 0, 0, 0, 'equal'
from generate_series(1, 100) as run
cross join generate_series(1, 100) as month;
update echotune.profile_changes set synced_version = version;
update playlists set name = 'other' where user_id = echotune.row_id('user', 'user 7');
"""

USER, TRACK = "echotune.row_id('user', 'user 3')", "echotune.row_id('track', '77')"
QUERIES = {
    "playlists_user_id": f"select * from playlists where user_id = {USER}",
    "playlists_newest": "select * from playlists order by created_at desc limit 20",
    "user_preferences_genres": "select user_id from user_preferences where preferred_genres @> '{genre 7}'",
    "user_preferences_weights": """
        select user_id from user_preferences where audio_feature_weights @> '{"energy": 7}'
    """,
    "user_preferences_settings": """
        select user_id from user_preferences where recommendation_settings @> '{"mode": "mode 7"}'
    """,
    "albums_artist_id": "select * from albums where artist_id = echotune.row_id('artist', '77')",
    "tracks_album_id": "select * from tracks where album_id = echotune.row_id('album', '77')",
    "track_artists_artist_id": "select track_id from track_artists where artist_id = echotune.row_id('artist', '77')",
    "listening_history_track_id": f"select * from listening_history where track_id = {TRACK}",
    "listening_history_newest": f"""
        select * from listening_history where user_id = {USER} order by played_at desc limit 50
    """,
    "listening_history_month": f"""
        select * from top_tracks where user_id = {USER} and period = 'month' and period_start = '2015-03-01'
    """,
    "rejected_documents_row": """
        select * from echotune.rejected_documents where table_name = 'tracks' and row_id = gen_random_uuid_of_a_row
    """,
    "reconciliations_latest": """
        select * from echotune.reconciliations
        where table_name = 'listening_history' and month = '2015-03-01' order by checked_at desc limit 1
    """,
    "profile_changes_due": "select user_id from echotune.profile_changes where version > synced_version",
}


@pytest.fixture(scope="module")
def history(postgres_server: OwnedPostgres, supabase_template: str) -> Iterator[Connection]:
    with (
        fresh_database(postgres_server, supabase_template) as name,
        connect(postgres_server.owners_uri(name)) as connection,
    ):
        connection.execute(HISTORY)
        connection.execute("vacuum analyze")
        yield connection


def test_each_declared_index_has_its_query() -> None:
    assert {index.name for index in declared_indexes()} == set(QUERIES)


@pytest.mark.parametrize("name", QUERIES)
def test_the_query_of_an_index_uses_it(history: Connection, name: str) -> None:
    row = history.execute("select row_id from echotune.rejected_documents limit 1").fetchone()
    assert row is not None
    query = QUERIES[name].replace("gen_random_uuid_of_a_row", f"'{row[0]}'")
    (plan,) = history.execute(f"explain (format json) {query}".encode()).fetchall()[0]
    parents = {index.name: index.parent or index.name for index in read_indexes(history)}
    assert name in {parents[used] for used in indexes_in(plan if isinstance(plan, list) else json.loads(plan))}


def indexes_in(plan: Any) -> Iterator[str]:
    """The indexes anywhere in a plan."""
    if isinstance(plan, list):
        for part in plan:
            yield from indexes_in(part)
    elif isinstance(plan, dict):
        if "Index Name" in plan:
            yield plan["Index Name"]
        for part in plan.values():
            yield from indexes_in(part)
