"""Tracks, artists and albums, counted from the plays."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pymongo.collection import Collection

from echotune.enrichment.embedding import embed_due
from echotune.history.catalog import build_collection, refresh_catalog
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from local.sample import write_sample
from tests.support.databases import contents
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv

TRACK, ARTIST, ALBUM = (
    "master_metadata_track_name_x",
    "master_metadata_album_artist_name_x",
    "master_metadata_album_album_name_x",
)
ARTIST_URI, ALBUM_URI = f"spotify:artist:{'A' * 22}", f"spotify:album:{'B' * 22}"
RELEASED = {"Album URI_releases": ALBUM_URI, "Album Artist URI(s)_releases": ARTIST_URI}
LATER = "2018-01-01 00:00:00+00:00"
PENDING = {"status": "pending", "attempts": 0}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"


def load(store: HistoryStore, path: Path, *cells: dict[str, str]) -> dict[str, int]:
    load_file(store, write_csv(path, [row(one) for one in cells]))
    return refresh_catalog(store)


def play(number: int, **more: str) -> dict[str, str]:
    """A play of the track of that number."""
    return {"spotify_track_uri": track_uri(number), TRACK: f"Track {number}"} | more


def times_of(collection: Collection[dict[str, Any]]) -> dict[Any, Any]:
    return {key: document["updated_at"] for key, document in contents(collection).items()}


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The distinct plays of a sample that have a track, as pandas reads them."""
    path = tmp_path_factory.mktemp("sample") / "history.csv"
    write_sample(path, rows=3_000, users=2, seed=9)
    everything = pd.read_csv(path, dtype=str, keep_default_na=False)
    identifying = [*everything.columns[:6], *everything.columns[8:16]]
    plays = everything.drop_duplicates(identifying)
    plays = plays[plays["spotify_track_uri"].str.startswith("spotify:track:")].copy()
    plays["played_at"] = pd.to_datetime(plays["ts_x"])
    plays.attrs["path"] = str(path)
    return plays


@pytest.fixture
def sample(store: HistoryStore, frame: pd.DataFrame) -> HistoryStore:
    load_file(store, Path(frame.attrs["path"]), chunk_rows=1_000)
    refresh_catalog(store)
    return store


def counted(frame: pd.DataFrame, by: list[str]) -> dict[Any, tuple[Any, ...]]:
    groups = frame.groupby(by)["played_at"].agg(["size", "min", "max"])
    return {
        key: (int(count), first.to_pydatetime(), last.to_pydatetime())
        for key, count, first, last in groups.itertuples(name=None)
    }


def told(collection: Collection[dict[str, Any]], *keys: str) -> dict[Any, tuple[Any, ...]]:
    return {
        tuple(one[key] for key in keys) if len(keys) > 1 else one[keys[0]]: (
            one["play_count"],
            one["first_played_at"],
            one["last_played_at"],
        )
        for one in collection.find()
    }


def test_tracks_count_the_plays_that_pandas_counts(sample: HistoryStore, frame: pd.DataFrame) -> None:
    assert told(sample.tracks, "uri") == counted(frame, ["spotify_track_uri"])


def test_tracks_have_the_names_that_pandas_reads(sample: HistoryStore, frame: pd.DataFrame) -> None:
    names = frame.groupby("spotify_track_uri")[[TRACK, ARTIST, ALBUM]].first()
    expected = {uri: tuple(values) for uri, *values in names.itertuples(name=None)}
    assert {one["uri"]: (one["name"], one["artist"], one["album"]) for one in sample.tracks.find()} == expected


def test_artists_count_the_plays_that_pandas_counts(sample: HistoryStore, frame: pd.DataFrame) -> None:
    assert told(sample.artists, "name") == counted(frame, [ARTIST])


def test_albums_count_the_plays_that_pandas_counts(sample: HistoryStore, frame: pd.DataFrame) -> None:
    assert told(sample.albums, "artist", "name") == counted(frame, [ARTIST, ALBUM])


def test_a_sample_is_reconciled(sample: HistoryStore) -> None:
    assert check_catalog(sample).passed


def test_a_refresh_tells_how_many_are_new(store: HistoryStore, path: Path) -> None:
    assert load(store, path, play(1), play(2)) == {"tracks": 2, "artists": 1, "albums": 1}


@pytest.mark.parametrize(
    "uri", ["", "spotify:local:Quartet:Opera:Bohemian:354", f"spotify:episode:{'0' * 22}", "spotify:track:short"]
)
def test_a_play_of_no_track_makes_none(store: HistoryStore, path: Path, uri: str) -> None:
    load(store, path, {"spotify_track_uri": uri})
    assert store.tracks.count_documents({}) == 0


def test_a_track_takes_the_names_of_its_latest_play(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1, **{TRACK: "New", "ts_x": LATER}), play(1, **{TRACK: "Old"}))
    assert store.tracks.distinct("name") == ["New"]


def test_a_track_waits_for_the_enrichment(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1))
    track = store.tracks.find_one()
    assert track is not None
    pending = {"status": "pending", "attempts": 0}
    assert (track["_id"], track["enrichment"]) == (track_uri(1)[14:], {"catalog": pending, "audio_features": pending})


def test_audio_features_of_the_file_need_no_enrichment(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1), play(1, ms_played_x="5", Energy="0.5"))
    track = store.tracks.find_one()
    assert track is not None
    assert (track["audio_features"], track["enrichment"]["audio_features"]["status"]) == ({"energy": 0.5}, "enriched")


def test_a_track_holds_nothing_that_means_missing(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1, **{TRACK: "", ARTIST: "", ALBUM: ""}))
    track = store.tracks.find_one()
    assert track is not None
    assert None not in track.values()
    assert not {"name", "artist", "album", "audio_features", "isrc"} & track.keys()


def test_a_second_refresh_does_nothing(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1), play(2))
    before = [contents(collection) for collection in (store.tracks, store.artists, store.albums)]
    assert refresh_catalog(store) == {}
    assert [contents(collection) for collection in (store.tracks, store.artists, store.albums)] == before


def test_new_plays_touch_only_what_they_change(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1), play(2), play(3, **{ARTIST: "Solo", ALBUM: "Alone"}))
    collections = (store.tracks, store.artists, store.albums)
    before = [times_of(collection) for collection in collections]
    load(store, path, play(3, **{ARTIST: "Solo", ALBUM: "Alone", "ts_x": LATER}))
    changed = [
        {key for key, time in times_of(collection).items() if time != old[key]}
        for collection, old in zip(collections, before, strict=True)
    ]
    assert changed == [{track_uri(3)[14:]}, {"name:Solo"}, {"name:Solo\nAlone"}]


def test_new_plays_are_counted(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1))
    load(store, path, play(1), play(1, ts_x=LATER))
    track = store.tracks.find_one()
    assert track is not None
    assert (track["play_count"], track["last_played_at"]) == (2, datetime(2018, 1, 1, tzinfo=UTC))


ENRICHED = {
    "name": "Bohemian (Remastered)",
    "popularity": 88,
    "audio_features": {"energy": 0.7},
    "enrichment": {
        "catalog": {"status": "enriched", "provider": "spotify", "attempts": 1},
        "audio_features": {"status": "enriched", "provider": "reccobeats", "attempts": 2},
    },
}


@pytest.mark.parametrize("field", ENRICHED)
def test_what_enrichment_wrote_to_a_track_survives_new_plays(store: HistoryStore, path: Path, field: str) -> None:
    load(store, path, play(1))
    store.tracks.update_one({}, {"$set": ENRICHED})
    load(store, path, play(1, ts_x=LATER, Energy="0.1", Popularity_releases="3.0"))
    track = store.tracks.find_one()
    assert track is not None
    assert (track["play_count"], track[field]) == (2, ENRICHED[field])


def test_a_waiting_time_of_the_enrichment_survives_new_plays(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1))
    waiting = {"status": "error", "attempts": 3, "error": "500", "next_attempt_at": datetime(2030, 1, 1, tzinfo=UTC)}
    store.tracks.update_one({}, {"$set": {"enrichment.catalog": waiting, "enrichment.audio_features": waiting}})
    load(store, path, play(1, ts_x=LATER))
    track = store.tracks.find_one()
    assert track is not None
    assert track["enrichment"] == {"catalog": waiting, "audio_features": waiting}


@pytest.mark.parametrize("name", ["artists", "albums"])
def test_what_enrichment_wrote_to_artists_and_albums_survives_new_plays(
    store: HistoryStore, path: Path, name: str
) -> None:
    collection = store.database[name]
    load(store, path, play(1) | RELEASED)
    written = {"name": "The Quartet", "genres": ["pop"], "enrichment": {"catalog": {"status": "enriched"}}}
    collection.update_one({}, {"$set": written})
    load(store, path, play(1, ts_x=LATER) | RELEASED)
    document = collection.find_one()
    assert document is not None
    assert ({key: document[key] for key in written}, document["play_count"]) == (written, 2)


def test_an_artist_of_unknown_id_is_kept_by_name(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1))
    assert [artist["_id"] for artist in store.artists.find()] == ["name:Quartet"]


@pytest.mark.parametrize("name", ["artists", "albums"])
def test_an_id_that_one_of_the_tracks_tells_is_known(store: HistoryStore, path: Path, name: str) -> None:
    load(store, path, play(1) | RELEASED, play(2))
    ids = {"artists": ARTIST_URI, "albums": ALBUM_URI}
    assert [one["_id"] for one in store.database[name].find()] == [ids[name].rpartition(":")[2]]


@pytest.mark.parametrize("name", ["artists", "albums"])
def test_a_name_whose_id_becomes_known_is_not_kept_twice(store: HistoryStore, path: Path, name: str) -> None:
    load(store, path, play(1))
    load(store, path, play(1, ts_x=LATER) | RELEASED)
    found = list(store.database[name].find())
    assert [(one["_id"][:5] == "name:", one["play_count"]) for one in found] == [(False, 2)]


def test_two_artists_of_one_name_keep_all_their_plays(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1) | RELEASED)
    other = {"Album Artist URI(s)_releases": f"spotify:artist:{'C' * 22}"}
    load(store, path, play(2) | other)
    assert sum(artist["play_count"] for artist in store.artists.find()) == 2


@pytest.mark.parametrize("column", ["Album URI_releases", "Album Artist URI(s)_releases"])
@pytest.mark.parametrize("text", ["é" * 30, "none"], ids=["accents", "word"])
def test_a_text_that_is_no_uri_makes_no_id(store: HistoryStore, path: Path, column: str, text: str) -> None:
    load(store, path, play(1, **{column: text}))
    assert [artist["_id"] for artist in store.artists.find()] == ["name:Quartet"]
    assert [album["_id"] for album in store.albums.find()] == ["name:Quartet\nOpera Night"]


def test_the_catalog_is_reconciled_after_plays_were_removed(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1), play(2))
    store.plays.delete_many({"spotify_track_uri": track_uri(1)})
    load(store, path.with_name("new.csv"), play(3))
    assert check_catalog(store).passed


def test_however_many_tracks_lost_their_plays_none_keeps_a_count(
    store: HistoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("echotune.history.catalog.IDS_AT_ONCE", 2)
    load(store, path, *(play(number) for number in range(1, 8)))
    store.plays.delete_many({})
    load(store, path.with_name("new.csv"), play(9))
    counts = {track["uri"]: track["play_count"] for track in store.tracks.find()}
    assert counts == {track_uri(number): 0 for number in range(1, 8)} | {track_uri(9): 1}


# --- plays that enrichment wrote to

EMBEDDED_CATALOG: dict[str, Any] = {
    "duration_ms": 777,
    "popularity": 66,
    "genres": ["pop"],
    "audio_features": {"energy": 0.7},
}
FILE_VALUES = {"Energy": "0.1", "Track Duration (ms)_releases": "5.0", "Popularity_releases": "3.0"}


def learn(store: HistoryStore, number: int = 1, provider: str = "spotify", **values: Any) -> None:
    """Make a track known, as enrichment does."""
    state = {"status": "enriched", "provider": provider, "attempts": 0}
    known = {"enrichment": {"catalog": state, "audio_features": state}} | values
    store.tracks.update_one({"uri": track_uri(number)}, {"$set": known, "$currentDate": {"embedding_due": True}})


def embed(store: HistoryStore) -> None:
    time.sleep(0.002)
    embed_due(store)


def only_track(store: HistoryStore) -> dict[str, Any]:
    (track,) = store.tracks.find()
    return track


@pytest.mark.parametrize("cells", [{}, FILE_VALUES], ids=["nothing in the file", "values in the file"])
def test_what_was_embedded_in_plays_never_comes_back_as_if_the_file_had_had_it(
    store: HistoryStore, path: Path, cells: dict[str, str]
) -> None:
    load(store, path, play(1, **cells))
    first = only_track(store)
    learn(store, provider="mock", **EMBEDDED_CATALOG)
    embed(store)
    assert store.plays.count_documents({"enriched": {"$exists": True}}) == 1
    store.tracks.drop()
    build_collection(store, "tracks")
    again = only_track(store)
    times = ("updated_at", "embedding_due")
    assert {key: again[key] for key in again if key not in times} == {
        key: first[key] for key in first if key not in times
    }
    assert ("audio_features" in again, again["enrichment"]["audio_features"]["status"]) == (
        (True, "enriched") if cells else (False, "pending")
    )


def test_new_plays_of_a_track_with_made_up_values_do_not_make_them_the_files(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1))
    learn(store, provider="mock", **EMBEDDED_CATALOG)
    embed(store)
    load(store, path, play(1, ts_x=LATER))
    embed(store)
    store.tracks.update_one({}, {"$unset": {"audio_features": ""}, "$set": {"enrichment.audio_features": PENDING}})
    load(store, path, play(1, ts_x="2019-01-01 00:00:00+00:00"))
    assert ("audio_features" in only_track(store), only_track(store)["enrichment"]["audio_features"]) == (
        False,
        PENDING,
    )


def due(store: HistoryStore) -> set[str]:
    return {track["uri"] for track in store.tracks.find({"embedding_due": {"$exists": True}})}


def test_a_track_that_has_values_and_got_plays_is_due_for_embedding(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1), play(2), play(3))
    assert due(store) == set()
    for number in (1, 2):
        learn(store, number, **EMBEDDED_CATALOG)
    embed(store)
    assert due(store) == set()
    load(store, path, play(1, ts_x=LATER), play(3, ts_x=LATER), play(4))
    assert due(store) == {track_uri(1)}


def test_a_track_whose_features_the_file_has_is_due_for_embedding(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1, Energy="0.5"), play(2))
    assert due(store) == {track_uri(1)}


def test_features_that_a_later_file_has_are_due_for_embedding(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1))
    load(store, path, play(1, ts_x=LATER, Energy="0.5"))
    assert due(store) == {track_uri(1)}
    assert only_track(store)["enrichment"]["audio_features"]["provider"] == "history"


def test_what_is_due_for_embedding_already_stays_so(store: HistoryStore, path: Path) -> None:
    load(store, path, play(1), play(2))
    learn(store, 1, **EMBEDDED_CATALOG)
    state = {"status": "not_found", "attempts": 0}
    states = {"catalog": state, "audio_features": state}
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    store.tracks.update_one({"uri": track_uri(2)}, {"$set": {"enrichment": states, "embedding_due": long_ago}})
    load(store, path, play(2, ts_x=LATER))
    assert due(store) == {track_uri(1), track_uri(2)}
