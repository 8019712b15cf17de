"""One batch in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from echotune.history.store import HistoryStore
from echotune.resources import read_sql
from echotune.sync.batches import Batch, batches_of
from echotune.sync.counts import SyncCounts
from echotune.sync.row_ids import Kind, row_id
from echotune.sync.source import Order, SyncSource
from echotune.sync.tables import Document, table_named
from echotune.sync.transaction import writing_transaction
from echotune.sync.writer import write_batch
from tests.support.syncing import album, artist, play, rows_of, spotify_id, track

MADE: dict[str, Callable[[int], Document]] = {"artists": artist, "albums": album, "tracks": track, "plays": play}
"""What makes a document of a collection."""


def batch_of(table: str, documents: Iterable[Document]) -> Batch:
    (batch,) = batches_of(table_named(table), documents, Order.CHANGE)
    return batch


def write(connection: Connection[Any], table: str, *documents: Document) -> SyncCounts:
    """Write documents into a table as one batch."""
    with writing_transaction(connection):
        return write_batch(connection, table_named(table), batch_of(table, documents))


def write_and_stop(connection: Connection[Any], *documents: Document) -> None:
    """Write tracks, and let something go wrong within the transaction."""
    with writing_transaction(connection):
        write_batch(connection, table_named("tracks"), batch_of("tracks", documents))
        _ = 1 / 0


def rows_read_in_passing(connection: Connection[Any], table: str) -> int:
    """How many rows PostgreSQL has read of a table from end to end, without an index."""
    connection.execute("select pg_stat_force_next_flush()")
    statement = "select seq_tup_read from pg_stat_user_tables where relname = %s"
    ((rows,),) = connection.execute(statement, [table]).fetchall()
    return int(rows)


def rejected(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return rows_of(connection, "echotune.rejected_documents", ["table_name", "document_id", "reason"])


def test_rows_are_inserted_updated_and_left(supabase: Connection[Any]) -> None:
    assert write(supabase, "artists", artist(1), artist(2)) == SyncCounts(documents=2, inserted=2)
    counts = write(supabase, "artists", artist(1, name="Another"), artist(2), artist(3))
    assert counts == SyncCounts(documents=3, inserted=1, updated=1, unchanged=1)
    names = rows_of(supabase, "artists", ["spotify_id", "name"])
    assert names == [(spotify_id(1), "Another"), (spotify_id(2), "Artist 2"), (spotify_id(3), "Artist 3")]


@pytest.mark.parametrize("table", ["artists", "albums", "tracks", "track_artists", "listening_history"])
@pytest.mark.parametrize("there", [(), (3,), (0, 1, 2, 3, 4)])
def test_whatever_of_a_batch_is_there_already_all_of_it_is_there_afterwards(
    supabase: Connection[Any], store: HistoryStore, table: str, there: tuple[int, ...]
) -> None:
    collection = table_named(table).collection
    getattr(store, collection).insert_many(MADE[collection](number) for number in range(5))
    each = list(SyncSource(store).all_documents(table_named(table)))
    supabase.execute("select echotune.ensure_partitions(2021, 2022)")
    before = write(supabase, table, *[each[number] for number in there]) if there else SyncCounts()
    after = write(supabase, table, *each)
    rows = [row[:2] for document in batch_of(table, each).fit for row in document.rows]
    assert (after.inserted, after.unchanged, after.quarantined) == (len(rows) - before.inserted, before.inserted, 0)
    assert rows_of(supabase, table, [column.name for column in table_named(table).columns[:2]]) == sorted(rows)


def test_a_batch_is_looked_up_in_large_tables_and_does_not_read_them_whole(supabase: Connection[Any]) -> None:
    supabase.execute(
        "insert into tracks (id, spotify_id) select echotune.row_id('track', number::text), number"
        " from generate_series(1, 100000) as number"
    )
    before = rows_read_in_passing(supabase, "tracks")
    write(supabase, "audio_features", *[track(number) for number in range(2_500)])
    assert rows_read_in_passing(supabase, "tracks") == before


def test_a_batch_leaves_no_plan_to_the_next_part_of_its_transaction(supabase: Connection[Any]) -> None:
    settings = "select current_setting('enable_hashjoin'), current_setting('enable_mergejoin')"
    with writing_transaction(supabase):
        before = supabase.execute(settings).fetchone()
        write_batch(supabase, table_named("tracks"), batch_of("tracks", [track(1)]))
        assert supabase.execute(settings).fetchone() == before


def test_a_row_that_is_the_same_is_not_touched(supabase: Connection[Any]) -> None:
    write(supabase, "tracks", track(1), track(2))
    before = rows_of(supabase, "tracks", ["id", "ctid", "xmin", "updated_at"])
    assert write(supabase, "tracks", track(1), track(2)) == SyncCounts(documents=2, unchanged=2)
    assert rows_of(supabase, "tracks", ["id", "ctid", "xmin", "updated_at"]) == before


def test_who_is_referred_to_is_a_placeholder_until_its_document_comes(supabase: Connection[Any]) -> None:
    write(supabase, "tracks", track(1))
    columns = ["id", "spotify_id", "name", "total_tracks", "placeholder"]
    identity = row_id(Kind.ALBUM, spotify_id(1))
    assert rows_of(supabase, "albums", columns) == [(identity, spotify_id(1), "Album 1", None, True)]
    assert write(supabase, "albums", album(1)) == SyncCounts(documents=1, updated=1)
    assert rows_of(supabase, "albums", columns) == [(identity, spotify_id(1), "Album 1", 12, False)]


def test_a_placeholder_takes_no_name_from_a_row_that_is_there(supabase: Connection[Any]) -> None:
    write(supabase, "albums", album(1, name="The right name"))
    write(supabase, "tracks", track(1, album="Another name"))
    assert rows_of(supabase, "albums", ["name", "placeholder"]) == [("The right name", False)]


def test_a_user_keeps_the_user_name_that_an_application_gave(supabase: Connection[Any]) -> None:
    assert write(supabase, "users", {"_id": "listener"}) == SyncCounts(documents=1, inserted=1)
    supabase.execute("update users set username = 'Me'")
    assert write(supabase, "users", {"_id": "listener"}) == SyncCounts(documents=1, unchanged=1)
    assert rows_of(supabase, "users", ["spotify_user_id", "username"]) == [("listener", "Me")]


def test_what_a_track_tells_no_longer_is_deleted(supabase: Connection[Any]) -> None:
    assert write(supabase, "track_artists", track(1), track(2)).inserted == 4
    uris = [f"spotify:artist:{spotify_id(number)}" for number in (2, 3)]
    counts = write(supabase, "track_artists", track(1, artist_uris=uris))
    assert counts == SyncCounts(documents=1, inserted=1, updated=1, deleted=1)
    write(supabase, "audio_features", track(1), track(2))
    counts = write(supabase, "audio_features", track(1, audio_features=None), track(2))
    assert counts == SyncCounts(documents=2, unchanged=1, deleted=1)
    assert rows_of(supabase, "audio_features", ["track_id", "danceability"]) == [
        (row_id(Kind.TRACK, spotify_id(2)), 0.5)
    ]


def test_an_unfit_document_is_kept_with_the_reason_until_it_fits(supabase: Connection[Any]) -> None:
    counts = write(supabase, "artists", artist(1, popularity=2**40), artist(2))
    assert counts == SyncCounts(documents=2, inserted=1, quarantined=1)
    reason = f"popularity is {2**40}, not a whole number from -32768 to 32767"
    assert rejected(supabase) == [("artists", spotify_id(1), reason)]
    write(supabase, "artists", artist(1, popularity=2**40))
    assert len(rejected(supabase)) == 1
    assert write(supabase, "artists", artist(1, popularity=40)).inserted == 1
    assert rejected(supabase) == []


@pytest.mark.parametrize("bad", [0, 7, 12])
def test_what_postgresql_refuses_is_found_and_the_rest_is_written(supabase: Connection[Any], bad: int) -> None:
    supabase.execute("alter table artists add constraint no_bad_name check (name <> 'bad')")
    documents = [artist(number, name="bad" if number == bad else "good") for number in range(13)]
    counts = write(supabase, "artists", *documents)
    assert counts == SyncCounts(documents=13, inserted=12, quarantined=1)
    ((_, document, reason),) = rejected(supabase)
    assert document == spotify_id(bad)
    assert "no_bad_name" in reason
    assert len(rows_of(supabase, "artists", ["id", "name"])) == 12


def test_a_batch_is_written_whole_or_not_at_all(supabase: Connection[Any]) -> None:
    with pytest.raises(ZeroDivisionError):
        write_and_stop(supabase, track(1), track(2, name=["a", "b"]))
    assert rows_of(supabase, "tracks", ["id", "name"]) == []
    assert rows_of(supabase, "albums", ["id", "name"]) == []
    assert rejected(supabase) == []


def test_documents_whose_rows_have_one_id_are_never_in_one_batch() -> None:
    documents = [artist(1), artist(2), artist(1, name="Later"), artist(3)]
    batches = list(batches_of(table_named("artists"), documents, Order.CHANGE))
    assert [[document.id for document in batch.fit] for batch in batches] == [
        [spotify_id(1), spotify_id(2)],
        [spotify_id(1), spotify_id(3)],
    ]


def test_the_transaction_has_the_rights_of_the_sync_and_leaves_no_setting(supabase: Connection[Any]) -> None:
    settings = "select current_user, current_setting('lock_timeout'), current_setting('statement_timeout')"
    before = supabase.execute(settings).fetchone()
    with writing_transaction(supabase):
        assert supabase.execute(settings).fetchone() == ("echotune_sync", "30s", "10min")
    assert supabase.execute(settings).fetchone() == before


def test_row_ids_that_are_no_uuid_of_a_play_are_refused(supabase: Connection[Any]) -> None:
    document = {"_id": "a", "cells": []}
    batch = batch_of("listening_history", [document | {"cells": [None] * 14}])
    assert batch.rejected[0].reason == "_id is 'a', not a UUID"
    with writing_transaction(supabase):
        supabase.execute(read_sql("sync/any_rejected.sql"), {"table_name": "listening_history"})
        assert write_batch(supabase, table_named("listening_history"), batch).quarantined == 1
    assert [type(row) for (row,) in supabase.execute("select row_id from echotune.rejected_documents")] == [UUID]
