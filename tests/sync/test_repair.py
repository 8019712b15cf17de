"""What a proof does where the two sides differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from echotune.history.store import HistoryStore
from echotune.reconciliation import NotReconciled
from echotune.sync.columns import Document
from echotune.sync.reconciliations import State
from echotune.sync.source import WHOLE, Part, SyncSource
from echotune.sync.tables import Table
from tests.support.both_sides import expected_rows, synced_rows
from tests.support.proving import DAMAGES, later, prove, synced_history
from tests.support.syncing import album, changed, play, rows_of, spotify_id, sync_all, track


def assert_same(connection: Connection[Any], store: HistoryStore) -> None:
    assert synced_rows(connection) == expected_rows(store)


def states(connection: Connection[Any]) -> set[str]:
    return {state for (state,) in connection.execute("select distinct state from echotune.reconciliations").fetchall()}


def test_what_differs_is_repaired(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    for damage, places in DAMAGES.items():
        supabase.execute(damage)
        assert sorted(prove(supabase, store, max_deleted_share=1).where(State.REPAIRED)) == places, damage
        assert_same(supabase, store)
        prove(supabase, store, verify_only=True)


def test_plays_that_are_gone_in_mongodb_are_removed(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    store.plays.delete_many({"_id": {"$in": [play(1)["_id"], play(12)["_id"]]}})
    sync_all(supabase, store)
    report = prove(supabase, store, max_deleted_share=0.1)
    assert report.summary()["deleted"] == {"listening_history": 2}
    assert_same(supabase, store)


def test_a_whole_history_that_is_gone_is_removed_and_its_users_stay(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    for collection in (store.plays, store.tracks, store.artists, store.albums):
        collection.delete_many({})
    report = prove(supabase, store, max_deleted_share=1)
    assert report.summary()["deleted"] == {
        "artists": 2,
        "albums": 1,
        "tracks": 3,
        "track_artists": 6,
        "audio_features": 3,
        "listening_history": 20,
    }
    assert {table for table, rows in synced_rows(supabase, placeholders=True).items() if rows} == {"users"}


def test_a_track_that_is_gone_and_still_played_becomes_a_placeholder(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    store.tracks.delete_one({"_id": spotify_id(1)})
    prove(supabase, store, max_deleted_share=0.5)
    assert_same(supabase, store)
    columns = ["spotify_id", "name", "placeholder", "album_id", "duration_ms", "play_count"]
    assert (spotify_id(1), "Track 1", True, None, None, None) in rows_of(supabase, "tracks", columns)

    store.tracks.insert_one(later(track(1)))
    sync_all(supabase, store)
    prove(supabase, store, verify_only=True)
    assert not supabase.execute("select from tracks where placeholder").fetchall()


def test_a_track_that_is_gone_and_not_played_goes_with_its_features_and_the_placeholders_it_needed(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    store.tracks.insert_one(track(9, artist_uris=[f"spotify:artist:{spotify_id(9)}"], album="Album 9", album_uri=None))
    sync_all(supabase, store)
    assert len(rows_of(supabase, "artists", ["id", "placeholder"])) == 3
    store.tracks.delete_one({"_id": spotify_id(9)})
    prove(supabase, store, max_deleted_share=0.5)
    assert_same(supabase, store)
    assert synced_rows(supabase, placeholders=True) == expected_rows(store)


def test_an_album_and_its_artists_that_are_gone_and_referred_to_become_placeholders(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    store.albums.delete_many({})
    store.artists.delete_many({})
    prove(supabase, store, max_deleted_share=1)
    assert_same(supabase, store)
    # Nobody but the album referred to it as its artist; the tracks still do.
    assert rows_of(supabase, "artists", ["name", "placeholder", "genres"]) == [
        ("Artist 1", True, None),
        ("Artist 2", True, None),
    ]
    assert rows_of(supabase, "albums", ["name", "placeholder", "artist_id"]) == [("Album 1", True, None)]


def test_what_a_track_no_longer_tells_is_removed(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    # By hand, so that the time of change stays and no sync sees it.
    store.tracks.update_one({"_id": spotify_id(1)}, {"$unset": {"audio_features": 1}})
    store.tracks.update_one({"_id": spotify_id(2)}, {"$set": {"artist_uris": [f"spotify:artist:{spotify_id(2)}"]}})
    report = prove(supabase, store, max_deleted_share=0.5)
    assert report.where(State.REPAIRED) == ["track_artists", "audio_features"]
    assert_same(supabase, store)


def test_more_deletions_than_the_limit_stop_before_anything_is_deleted(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    supabase.execute("update albums set name = 'Other'")
    store.plays.delete_many({"timestamp": {"$gte": play(16)["timestamp"]}})
    before = synced_rows(supabase)
    message = (
        r"4 of the 20 rows of listening_history have no document in MongoDB \(listening_history 2022-04, "
        r"listening_history 2022-05\): 20.0%, and max_deleted_share allows 5.0%.*max_deleted_share 0.2 or more"
    )
    with pytest.raises(NotReconciled, match=message):
        prove(supabase, store)
    assert synced_rows(supabase) == before
    assert states(supabase) == {"equal", "differs"}

    prove(supabase, store, max_deleted_share=0.2)
    assert_same(supabase, store)


def mark_as_duplicates(store: HistoryStore, numbers: range) -> None:
    """Mark plays as a load does that marks beside a sync."""
    ids = [play(number)["_id"] for number in numbers]
    mark = {"duplicate_of": {"play": UUID(int=1), "rule": "same_second"}}
    store.plays.update_many({"_id": {"$in": ids}}, {"$set": mark, "$currentDate": {"updated_at": True}})


def test_plays_that_were_marked_since_they_were_copied_are_removed_whatever_the_limit(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    mark_as_duplicates(store, range(10, 20))
    prove(supabase, store, max_deleted_share=0)
    assert_same(supabase, store)
    assert len(rows_of(supabase, "listening_history", ["id"] * 2)) == 10


def test_plays_that_are_gone_are_held_to_the_limit_beside_others_that_were_marked(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    mark_as_duplicates(store, range(10))
    store.plays.delete_many({"timestamp": {"$gte": play(16)["timestamp"]}})
    with pytest.raises(NotReconciled, match="4 of the 20 rows of listening_history have no document"):
        prove(supabase, store)
    assert len(rows_of(supabase, "listening_history", ["id"] * 2)) == 20


def test_deletions_behind_equal_counts_are_held_to_the_limit(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    for number in range(20):
        store.plays.delete_one({"_id": play(number)["_id"]})
        store.plays.insert_one(play(number + 100, timestamp=play(number)["timestamp"]))
    with pytest.raises(NotReconciled, match=r"of the 20 rows of listening_history have no document"):
        prove(supabase, store, max_deleted_share=0.4)
    kept = {row[0] for row in rows_of(supabase, "listening_history", ["id"] * 2)}
    assert len(kept & {play(number)["_id"] for number in range(20)}) >= 12
    prove(supabase, store, max_deleted_share=1)
    assert_same(supabase, store)


def test_without_repair_a_difference_is_told_and_left(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    supabase.execute("update listening_history set ms_played = 7 where month = '2021-12-01'")
    supabase.execute("delete from audio_features")
    before = synced_rows(supabase)
    message = (
        r"were not repaired: audio_features \(3 rows in MongoDB, 0 in PostgreSQL\), "
        r"listening_history 2021-12 \(3 rows on both sides, with other values\)"
    )
    for _ in range(2):
        with pytest.raises(NotReconciled, match=message):
            prove(supabase, store, repair=False)
    assert synced_rows(supabase) == before


def test_only_the_tables_of_the_settings_are_compared(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    supabase.execute("delete from audio_features")
    report = prove(supabase, store, tables="artists, tracks", repair=False)
    assert report.where(State.EQUAL) == ["artists", "tracks"]


class BusySource(SyncSource):
    """A MongoDB in which plays of a month change whenever it has been read."""

    def __init__(self, store: HistoryStore, number: int) -> None:
        super().__init__(store)
        self._store, self._number = store, number

    def all_documents(self, table: Table, part: Part = WHOLE) -> Iterator[Document]:
        yield from super().all_documents(table, part)
        if table.by_month:
            self._number += 1
            play_now = changed(play(3), listening={"ms_played": self._number})
            self._store.plays.replace_one({"_id": play_now["_id"]}, play_now)


def test_a_month_that_changes_meanwhile_is_left_to_the_next_run(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    store.plays.update_one({"_id": play(3)["_id"]}, {"$set": {"listening.ms_played": 5}})
    report = prove(supabase, store, BusySource(store, 10))
    assert report.where(State.CHANGING) == ["listening_history 2021-12"]

    assert prove(supabase, store).where(State.REPAIRED) == ["listening_history 2021-12"]
    assert_same(supabase, store)


class LaggingSource(SyncSource):
    """A secondary that does not have the plays of a month yet."""

    def all_documents(self, table: Table, part: Part = WHOLE) -> Iterator[Document]:
        late = {play(number)["_id"] for number in (1, 2, 3)} if table.by_month else set()
        return (document for document in super().all_documents(table, part) if document["_id"] not in late)


def test_what_only_a_secondary_lacks_is_not_deleted(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    with pytest.raises(NotReconciled, match="still differ after the repair: listening_history 2021-12"):
        prove(supabase, store, LaggingSource(store), max_deleted_share=1)
    assert_same(supabase, store)
    prove(supabase, store)


def test_documents_that_do_not_fit_stop_no_repair_and_keep_their_old_row(
    supabase: Connection[Any], store: HistoryStore
) -> None:
    synced_history(supabase, store)
    unfit = changed(play(1), listening={"ms_played": "long"})
    store.plays.replace_one({"_id": unfit["_id"]}, unfit)
    supabase.execute("update listening_history set ms_played = 7 where month = '2021-12-01'")
    assert prove(supabase, store).where(State.REPAIRED) == ["listening_history 2021-12"]
    assert [row[0] for row in rows_of(supabase, "echotune.rejected_documents", ["table_name", "reason"])] == [
        "listening_history"
    ]
    assert len(synced_rows(supabase)["listening_history"]) == 20


def test_a_year_without_a_partition_is_repaired(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    store.plays.insert_one(play(400))
    report = prove(supabase, store)
    assert report.where(State.REPAIRED) == ["listening_history 2031-10"]
    assert_same(supabase, store)


def test_an_album_repaired_first_gets_the_artist_it_names(supabase: Connection[Any], store: HistoryStore) -> None:
    synced_history(supabase, store)
    supabase.execute("delete from audio_features; delete from track_artists; delete from listening_history")
    supabase.execute("delete from tracks; delete from albums; delete from artists")
    store.albums.insert_one(album(2))
    prove(supabase, store)
    assert_same(supabase, store)
