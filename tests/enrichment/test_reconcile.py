"""What must be true after an enrichment, and what is said where it is not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from echotune.enrichment.catalog_links import is_due, share_genres
from echotune.enrichment.embedding import embed_due
from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.reconcile import reconcile_enrichment
from echotune.enrichment.settings import EnrichmentKind
from echotune.history.store import HistoryStore
from tests.support.simulator import some_ids
from tests.support.working import BEFORE, fill, set_state

IDS = some_ids(4)


def failed(store: HistoryStore) -> list[str]:
    return [check.what for check in reconcile_enrichment(store, "run.1") if not check.passed]


@pytest.fixture
def enriched(store: HistoryStore) -> HistoryStore:
    """Tracks in several states, one enriched with its play."""
    fill(store.tracks, IDS)
    set_state(store.tracks, IDS[0], status="enriched", provider="spotify", fetched_at=BEFORE)
    store.tracks.update_one({"_id": IDS[0]}, {"$set": {"audio_features": {"energy": 0.5}}})
    for identity, status in zip(IDS[1:], ["not_found", "unavailable", "error"], strict=True):
        set_state(store.tracks, identity, status=status)
    fill(store.artists, IDS)
    fill(store.albums, IDS)
    play = {"_id": 1, "spotify_track_uri": f"spotify:track:{IDS[0]}", "audio_features": {"energy": 0.5}}
    store.plays.insert_one(play | {"enriched": {"audio_features": "spotify"}})
    return store


def test_a_good_end_is_right_in_everything(enriched: HistoryStore) -> None:
    assert failed(enriched) == []


def test_an_empty_store_is_right(store: HistoryStore) -> None:
    assert failed(store) == []


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"$set": {"enrichment.audio_features.status": "odd"}}, "tracks in none of the known states"),
        ({"$unset": {"enrichment": ""}}, "tracks in none of the known states"),
        ({"$unset": {"enrichment.audio_features.provider": ""}}, "enriched tracks that do not say from where"),
        ({"$set": {"audio_features.energy": 0.6}}, "plays that lack what is known of their track"),
    ],
)
def test_what_is_wrong_is_named(enriched: HistoryStore, change: dict[str, Any], what: str) -> None:
    enriched.tracks.update_one({"_id": IDS[0]}, change)
    assert what in failed(enriched)


def test_a_track_that_says_it_has_features_has_them(enriched: HistoryStore) -> None:
    enriched.tracks.update_one({"_id": IDS[0]}, {"$unset": {"audio_features": ""}})
    assert "enriched tracks without audio features" in failed(enriched)


def test_a_track_has_the_genres_of_its_artists(enriched: HistoryStore) -> None:
    artist = IDS[1]
    share_genres(enriched)
    enriched.artists.update_one({"_id": artist}, {"$set": {"genres": ["rock"]}})
    enriched.tracks.update_one({"_id": IDS[0]}, {"$set": {"artist_uris": [f"spotify:artist:{artist}"]}})
    assert failed(enriched) == ["tracks of other genres than their artists"]
    share_genres(enriched)
    assert "tracks of other genres than their artists" not in failed(enriched)


def test_genres_that_are_not_shared_are_due_again(enriched: HistoryStore) -> None:
    share_genres(enriched)
    assert not is_due(enriched, "run")
    enriched.artists.update_one({"_id": IDS[1]}, {"$set": {"genres": ["rock"]}})
    enriched.tracks.update_one({"_id": IDS[0]}, {"$set": {"artist_uris": [f"spotify:artist:{IDS[1]}"]}})
    assert not is_due(enriched, "run")
    failed(enriched)
    assert is_due(enriched, "run")


def test_genres_that_came_since_they_were_shared_are_left_to_the_next_run(enriched: HistoryStore) -> None:
    share_genres(enriched)
    time.sleep(0.002)
    learnt = {"$set": {"genres": ["rock"]}, "$currentDate": {"updated_at": True}}
    enriched.artists.update_one({"_id": IDS[1]}, learnt)
    enriched.tracks.update_one({"_id": IDS[0]}, {"$set": {"artist_uris": [f"spotify:artist:{IDS[1]}"]}})
    assert failed(enriched) == []
    assert is_due(enriched, "run")


def test_a_play_whose_load_is_not_finished_is_left_to_it(enriched: HistoryStore) -> None:
    load = {"kind": "chunk", "in_catalog": False, "source": {"sha256": "a"}, "chunk": {"first_row": 2, "rows": 5}}
    enriched.load_runs.insert_one(load)
    play = {"_id": 2, "spotify_track_uri": f"spotify:track:{IDS[0]}", "source": {"sha256": "a", "row": 3}}
    enriched.plays.insert_one(play)
    assert failed(enriched) == []
    enriched.plays.update_one({"_id": 2}, {"$set": {"source.row": 9}})
    assert failed(enriched) == ["plays that lack what is known of their track"]


def test_a_play_whose_track_became_due_is_left_to_the_next_run(enriched: HistoryStore) -> None:
    enriched.plays.update_one({"_id": 1}, {"$unset": {"audio_features": "", "enriched": ""}})
    enriched.tracks.update_one({"_id": IDS[0]}, {"$currentDate": {"embedding_due": True}})
    assert failed(enriched) == []


def test_plays_that_lack_something_get_it_from_the_next_run(enriched: HistoryStore) -> None:
    enriched.plays.update_one({"_id": 1}, {"$unset": {"audio_features": "", "enriched": ""}})
    assert embed_due(enriched).plays == 0
    assert failed(enriched) == ["plays that lack what is known of their track"]
    time.sleep(0.002)
    assert embed_due(enriched).plays == 1
    assert failed(enriched) == []


@pytest.mark.parametrize(
    ("collection", "kind"),
    [("tracks", "audio_features"), ("tracks", "catalog"), ("artists", "catalog"), ("albums", "catalog")],
)
@pytest.mark.parametrize(
    ("owner", "is_mine"), [("run.1/x/1", True), ("run-1/x/1", False), ("run.10/x/1", False), ("other/run.1/1", False)]
)
def test_claims_of_this_run_and_of_no_other_are_left(
    store: HistoryStore, collection: str, kind: str, owner: str, is_mine: bool
) -> None:
    fill(store.database[collection], IDS)
    Queue(store.database[collection], EnrichmentKind(kind), owner=owner, due=Due()).claim(2)
    assert failed(store) == (["documents still claimed by this run"] if is_mine else [])
