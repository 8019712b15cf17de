"""Artists and albums of enriched tracks get documents, and tracks the genres of their artists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from echotune.enrichment.catalog_links import is_due, link_artists_and_albums, share_genres
from echotune.enrichment.embedding import embed_due
from echotune.enrichment.progress import Progress, ProgressKeeper
from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.settings import EnrichmentKind
from echotune.enrichment.settlement import Found, settle
from echotune.history.catalog import refresh_catalog
from echotune.history.store import HistoryStore
from tests.support.databases import contents, plays_of
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv
from tests.support.simulator import some_ids
from tests.support.working import BEFORE, PENDING

ARTIST, ALBUM, GUEST = some_ids(3)
CATALOG = EnrichmentKind.CATALOG
LINKED = {
    "name": "Bohemian",
    "artist": "Quartet",
    "album": "Opera Night",
    "album_uri": f"spotify:album:{ALBUM}",
    "artist_uris": [f"spotify:artist:{ARTIST}", f"spotify:artist:{GUEST}"],
    "artist_names": ["Quartet", "Guest"],
    "album_artist_uris": [f"spotify:artist:{ARTIST}"],
    "album_artist_names": ["Quartet"],
}


@pytest.fixture
def loaded(store: HistoryStore, tmp_path: Path) -> HistoryStore:
    """Two tracks of an artist and an album of unknown ids, three plays."""
    plays = [row(spotify_track_uri=track_uri(number), ms_played_x=str(ms)) for number, ms in ((1, 1), (1, 2), (2, 3))]
    load_file(store, write_csv(tmp_path / "history.csv", plays))
    refresh_catalog(store)
    return store


def learn(store: HistoryStore, number: int, **values: Any) -> None:
    """What a worker does with a catalog entry of a track."""
    queue = Queue(store.tracks, CATALOG, owner="anna", due=Due())
    claims = [claim for claim in queue.claim(9) if claim.id == track_uri(number)[14:]]
    settle(queue, claims, {claims[0].id: Found(values=values, provider="spotify", fetched_at=BEFORE)}, BEFORE)
    queue.release_all()


def everything(store: HistoryStore) -> list[dict[Any, Any]]:
    return [contents(collection) for collection in (store.tracks, store.artists, store.albums)]


def test_names_are_replaced_once_ids_are_known(loaded: HistoryStore) -> None:
    assert set(contents(loaded.artists)) == {"name:Quartet"}
    learn(loaded, 1, **LINKED)
    link_artists_and_albums(loaded)
    artists, albums = contents(loaded.artists), contents(loaded.albums)
    assert set(artists) == {ARTIST, GUEST}
    assert set(albums) == {ALBUM}
    assert (artists[ARTIST]["name"], artists[ARTIST]["play_count"], artists[ARTIST]["track_count"]) == ("Quartet", 3, 2)
    assert (albums[ALBUM]["name"], albums[ALBUM]["artist"], albums[ALBUM]["play_count"]) == (
        "Opera Night",
        "Quartet",
        3,
    )


def test_featured_artists_get_documents_and_are_due(loaded: HistoryStore) -> None:
    learn(loaded, 1, **LINKED)
    link_artists_and_albums(loaded)
    guest = contents(loaded.artists)[GUEST]
    assert (guest["name"], guest["uri"], guest["play_count"]) == ("Guest", f"spotify:artist:{GUEST}", 0)
    assert guest["enrichment"] == {"catalog": PENDING}
    claims = Queue(loaded.artists, CATALOG, owner="anna", due=Due()).claim(9)
    assert [claim.id for claim in claims] == [ARTIST, GUEST], "most played first"


def test_what_is_new_is_counted(loaded: HistoryStore) -> None:
    learn(loaded, 1, **LINKED)
    assert link_artists_and_albums(loaded) == {"artists": 2, "albums": 1}
    assert link_artists_and_albums(loaded) == {"artists": 0, "albums": 0}


def test_many_names_of_one_artist_are_no_less_than_one_new_artist(store: HistoryStore, tmp_path: Path) -> None:
    plays = [
        row(spotify_track_uri=track_uri(number), master_metadata_album_artist_name_x=name)
        for number, name in enumerate(["Quartet", "The Quartet", "QUARTET"])
    ]
    load_file(store, write_csv(tmp_path / "history.csv", plays))
    refresh_catalog(store)
    for number in range(3):
        learn(store, number, **LINKED)
    assert link_artists_and_albums(store) == {"artists": 2, "albums": 1}


def test_linking_again_changes_nothing(loaded: HistoryStore) -> None:
    learn(loaded, 1, **LINKED)
    link_artists_and_albums(loaded)
    before = everything(loaded)
    link_artists_and_albums(loaded)
    assert everything(loaded) == before


def test_linking_keeps_what_enrichment_wrote(loaded: HistoryStore) -> None:
    learn(loaded, 1, **LINKED)
    link_artists_and_albums(loaded)
    written = {"name": "THE QUARTET", "genres": ["pop"], "enrichment": {"catalog": {"status": "enriched"}}}
    for collection, identity in ((loaded.artists, ARTIST), (loaded.artists, GUEST), (loaded.albums, ALBUM)):
        collection.update_one({"_id": identity}, {"$set": written})
    learn(loaded, 2, **LINKED | {"artist_names": ["Q", "G"]})
    link_artists_and_albums(loaded)
    for collection, identity in ((loaded.artists, ARTIST), (loaded.artists, GUEST), (loaded.albums, ALBUM)):
        document = contents(collection)[identity]
        assert {name: document[name] for name in written} == written


@pytest.mark.parametrize("uri", ["spotify:artist:short", "é" * 30, ""])
def test_what_is_no_artist_uri_makes_no_artist(loaded: HistoryStore, uri: str) -> None:
    learn(loaded, 1, **LINKED | {"artist_uris": [uri], "artist_names": ["Odd"], "album_artist_uris": [uri]})
    link_artists_and_albums(loaded)
    assert set(contents(loaded.artists)) == {"name:Quartet"}


def test_a_track_without_names_of_its_artists_is_linked_all_the_same(loaded: HistoryStore) -> None:
    learn(loaded, 1, **{name: value for name, value in LINKED.items() if name != "artist_names"})
    link_artists_and_albums(loaded)
    assert "name" not in contents(loaded.artists)[GUEST]


def test_without_an_enriched_track_nothing_is_linked(loaded: HistoryStore) -> None:
    before = everything(loaded)
    assert link_artists_and_albums(loaded) == {"artists": 0, "albums": 0}
    assert everything(loaded) == before


# --- genres


def with_genres(store: HistoryStore, **genres: list[str]) -> None:
    for identity, names in genres.items():
        store.artists.update_one({"_id": identity}, {"$set": {"genres": names}}, upsert=True)


def test_a_track_gets_the_genres_of_all_its_artists_in_order(loaded: HistoryStore) -> None:
    learn(loaded, 1, **LINKED)
    link_artists_and_albums(loaded)
    with_genres(loaded, **{ARTIST: ["rock", "opera"], GUEST: ["opera", "jazz"]})
    loaded.tracks.update_many({}, {"$unset": {"embedding_due": ""}, "$set": {"updated_at": BEFORE}})
    share_genres(loaded)
    tracks = contents(loaded.tracks)
    one, other = tracks[track_uri(1)[14:]], tracks[track_uri(2)[14:]]
    assert one["genres"] == ["jazz", "opera", "rock"]
    assert one["updated_at"] > BEFORE
    assert one["embedding_due"] == one["updated_at"]
    assert (other["updated_at"], "genres" in other, "embedding_due" in other) == (BEFORE, False, False)


def test_sharing_genres_again_changes_nothing(loaded: HistoryStore) -> None:
    learn(loaded, 1, **LINKED)
    with_genres(loaded, **{ARTIST: ["rock"]})
    share_genres(loaded)
    before = everything(loaded)
    share_genres(loaded)
    assert everything(loaded) == before
    with_genres(loaded, **{ARTIST: ["soul"]})
    share_genres(loaded)
    assert contents(loaded.tracks)[track_uri(1)[14:]]["genres"] == ["soul"]


def test_artists_without_genres_give_none(loaded: HistoryStore) -> None:
    learn(loaded, 1, **LINKED)
    link_artists_and_albums(loaded)
    before = everything(loaded)
    share_genres(loaded)
    assert everything(loaded) == before


def test_a_track_that_turns_out_to_be_of_other_artists_loses_their_genres_and_so_do_its_plays(
    loaded: HistoryStore,
) -> None:
    learn(loaded, 1, **LINKED)
    before = plays_of(loaded)
    with_genres(loaded, **{ARTIST: ["rock"]})
    share_genres(loaded)
    embed_due(loaded)
    assert loaded.plays.count_documents({"metadata.genres": "rock"}) == 2
    loaded.tracks.update_one({"_id": track_uri(1)[14:]}, {"$set": {"artist_uris": [f"spotify:artist:{GUEST}"]}})
    share_genres(loaded)
    embed_due(loaded)
    track = contents(loaded.tracks)[track_uri(1)[14:]]
    assert track.keys().isdisjoint({"genres", "values_withdrawn", "embedding_due"})
    assert plays_of(loaded) == before


def test_links_and_genres_stay_due_until_they_are_done_whoever_learnt_of_it(loaded: HistoryStore) -> None:
    assert is_due(loaded, "first")
    share_genres(loaded)
    assert not is_due(loaded, "first")
    learn(loaded, 1, **LINKED)
    link_artists_and_albums(loaded)
    # The run that learnt this failed here, and none of its workers had told of it.
    assert is_due(loaded, "next")
    share_genres(loaded)
    assert not is_due(loaded, "next")
    loaded.artists.update_one({"_id": ARTIST}, {"$set": {"genres": ["rock"]}, "$currentDate": {"updated_at": True}})
    assert is_due(loaded, "after that")


def test_links_and_genres_are_due_in_a_run_that_learnt_something(loaded: HistoryStore) -> None:
    share_genres(loaded)
    learnt = Progress(id="run/artists/1", run="run", what="artists", enriched_by={"spotify": 1})
    ProgressKeeper(loaded.enrichment_runs, learnt).report()
    assert (is_due(loaded, "run"), is_due(loaded, "another")) == (True, False)


def test_what_was_counted_beside_is_linked_by_the_next_run(loaded: HistoryStore, path: Path) -> None:
    link_artists_and_albums(loaded)
    load_file(loaded, write_csv(path, [row(spotify_track_uri=track_uri(9))]))
    refresh_catalog(loaded)
    # A count writes the time at which it began, however late it comes.
    loaded.tracks.update_many({}, {"$set": {"updated_at": BEFORE}})
    share_genres(loaded)
    assert is_due(loaded, "next")
    link_artists_and_albums(loaded)
    share_genres(loaded)
    assert not is_due(loaded, "after that")
