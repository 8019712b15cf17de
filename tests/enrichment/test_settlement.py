"""Settlement: what each outcome makes of a claimed document, and of nobody else's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from echotune.enrichment.embedding import embed_due
from echotune.enrichment.queue import Claim, Due, Queue, Status
from echotune.enrichment.settings import EnrichmentKind
from echotune.enrichment.settlement import (
    FIRST_ERROR_WAIT,
    LONGEST_ERROR_WAIT,
    MOST_ATTEMPTS,
    NOT_FOUND_WAIT,
    Found,
    Missing,
    settle,
)
from echotune.history.store import Documents, HistoryStore
from tests.support.databases import contents
from tests.support.simulator import some_ids
from tests.support.working import BEFORE, PENDING, fill, let_time_pass, set_state, state_of, track

FEATURES, CATALOG = EnrichmentKind.AUDIO_FEATURES, EnrichmentKind.CATALOG
NOW = datetime.now(UTC).replace(microsecond=0)
FETCHED = NOW - timedelta(minutes=3)
VALUES = {"energy": 0.5, "key": 3}
ID, OTHER = some_ids(2)
FOUND = Found(values=VALUES, provider="spotify", fetched_at=FETCHED)
NOT_FOUND = Missing(status=Status.NOT_FOUND, providers=("spotify",))
UNAVAILABLE = Missing(status=Status.UNAVAILABLE, providers=("reccobeats", "local"))
ERROR = Missing(status=Status.ERROR, providers=("local",), reason="energy is 7")
OLD = {"status": "enriched", "provider": "spotify", "attempts": 0, "fetched_at": datetime(2020, 1, 1, tzinfo=UTC)}
MADE_UP = {"status": "enriched", "provider": "mock", "attempts": 0, "fetched_at": FETCHED}


def queue(
    store: HistoryStore, owner: str = "anna", kind: EnrichmentKind = FEATURES, collection: str = "tracks"
) -> Queue:
    return Queue(store.database[collection], kind, owner=owner, due=Due(refresh_before=NOW - timedelta(days=180)))


def put(store: HistoryStore, state: Mapping[str, Any] | None = None, **fields: Any) -> None:
    """A track in a state."""
    store.tracks.insert_one(track(ID, **fields))
    if state:
        set_state(store.tracks, ID, **state)


def settle_one(store: HistoryStore, outcome: Found | Missing, now: datetime = NOW) -> dict[str, Any]:
    """Claim the one track and settle it; the track then."""
    worker = queue(store)
    claims = worker.claim(1, providers=["spotify"])
    assert [claim.id for claim in claims] == [ID]
    settle(worker, claims, {ID: outcome}, now)
    return the_track(store.tracks)


def the_track(collection: Documents) -> dict[str, Any]:
    document = collection.find_one({"_id": ID})
    assert document is not None
    return document


def test_values_are_written_with_where_and_when_they_are_from(store: HistoryStore) -> None:
    put(store)
    document = settle_one(store, FOUND)
    assert document["audio_features"] == VALUES
    assert document["enrichment"]["audio_features"] == {
        "status": "enriched",
        "provider": "spotify",
        "attempts": 0,
        "fetched_at": FETCHED,
    }


@pytest.mark.parametrize(
    "state",
    [
        {"status": "error", "attempts": 3, "error": "500", "next_attempt_at": BEFORE, "providers": ["local"]},
        {"status": "not_found", "next_attempt_at": BEFORE, "providers": ["spotify"]},
        {"attempts": 2, "claimed_by": "dead", "next_attempt_at": BEFORE},
        OLD | {"error": "not_found", "next_attempt_at": BEFORE},
        MADE_UP,
    ],
    ids=["error", "not found", "leased", "old", "made up"],
)
def test_success_leaves_nothing_of_what_was_before(store: HistoryStore, state: dict[str, Any]) -> None:
    put(store, state, audio_features={"energy": 0.1, "tempo": 100.0})
    document = settle_one(store, FOUND)
    assert document["audio_features"] == VALUES
    assert document["enrichment"]["audio_features"].keys() == {"status", "provider", "attempts", "fetched_at"}


def test_catalog_values_become_fields_of_the_document(store: HistoryStore) -> None:
    put(store)
    worker = queue(store, kind=CATALOG)
    claims = worker.claim(1)
    found = Found(values={"name": "New", "popularity": 3}, provider="spotify", fetched_at=FETCHED)
    settle(worker, claims, {ID: found}, NOW)
    document = the_track(store.tracks)
    assert (document["name"], document["popularity"], document["play_count"]) == ("New", 3, 1)
    assert document["enrichment"]["audio_features"] == PENDING, "the other kind is another worker's"
    assert document["enrichment"]["catalog"]["status"] == "enriched"


@pytest.mark.parametrize("name", ["artists", "albums"])
def test_artists_and_albums_are_not_embedded(store: HistoryStore, name: str) -> None:
    fill(store.database[name], [ID])
    worker = queue(store, kind=CATALOG, collection=name)
    settle(worker, worker.claim(1), {ID: FOUND}, NOW)
    document = the_track(store.database[name])
    assert "embedding_due" not in document
    assert document["updated_at"] > BEFORE


def test_values_make_the_track_due_for_embedding_and_for_the_sync(store: HistoryStore) -> None:
    put(store)
    began = store.database.command("hello")["localTime"].replace(tzinfo=UTC)
    document = settle_one(store, FOUND)
    assert document["embedding_due"] >= began
    assert document["updated_at"] >= began


@pytest.mark.parametrize("outcome", [NOT_FOUND, UNAVAILABLE])
def test_what_is_missing_is_asked_for_again_after_a_month(store: HistoryStore, outcome: Missing) -> None:
    put(store)
    document = settle_one(store, outcome)
    assert document["enrichment"]["audio_features"] == {
        "status": outcome.status,
        "attempts": 0,
        "providers": list(outcome.providers),
        "next_attempt_at": NOW + NOT_FOUND_WAIT,
    }
    assert timedelta(days=30) == NOT_FOUND_WAIT
    assert "audio_features" not in document
    assert queue(store).count_due(outcome.providers) == 0


def test_errors_wait_longer_and_longer_and_end(store: HistoryStore) -> None:
    put(store)
    waits = []
    for attempt in range(1, MOST_ATTEMPTS + 1):
        state = settle_one(store, ERROR)["enrichment"]["audio_features"]
        assert (state["status"], state["attempts"], state["error"]) == ("error", attempt, "energy is 7")
        assert "claimed_by" not in state
        waits.append(state.get("next_attempt_at", NOW) - NOW)
        let_time_pass(store.tracks, FEATURES)
    assert waits[0] == FIRST_ERROR_WAIT
    assert waits[:-1] == sorted(set(waits[:-1])), "each wait is longer than the one before"
    assert all(wait <= LONGEST_ERROR_WAIT for wait in waits)
    assert waits[-1] == timedelta(0), "after the last attempt there is no next one"
    assert queue(store).count_due(["spotify", "local", "reccobeats"]) == 0


def test_a_success_forgets_the_errors_before(store: HistoryStore) -> None:
    put(store, {"status": "error", "attempts": MOST_ATTEMPTS - 1, "next_attempt_at": BEFORE})
    settle_one(store, FOUND)
    set_state(store.tracks, ID, **{**state_of(store.tracks, ID), "provider": "mock"})
    assert settle_one(store, ERROR)["enrichment"]["audio_features"]["attempts"] == 1


# --- a refresh


@pytest.mark.parametrize("outcome", [NOT_FOUND, UNAVAILABLE, ERROR], ids=lambda outcome: outcome.status)
def test_a_refresh_that_finds_nothing_keeps_the_values(store: HistoryStore, outcome: Missing) -> None:
    put(store, OLD, audio_features=VALUES)
    before = the_track(store.tracks)
    document = settle_one(store, outcome)
    state = document["enrichment"]["audio_features"]
    kept = {name: value for name, value in document.items() if name != "enrichment"}
    assert kept == {name: value for name, value in before.items() if name != "enrichment"}
    assert {name: state.get(name) for name in ("status", "provider", "fetched_at")} == {
        name: OLD[name] for name in ("status", "provider", "fetched_at")
    }
    assert state["next_attempt_at"] == NOW + (FIRST_ERROR_WAIT if outcome is ERROR else NOT_FOUND_WAIT)
    assert (state["error"], "claimed_by" in state) == (outcome.reason or outcome.status, False)
    assert queue(store).count_due(["spotify"]) == 0
    let_time_pass(store.tracks, FEATURES)
    assert queue(store).count_due(["spotify"]) == 1


def test_a_refresh_that_fails_again_and_again_is_tried_less_and_less(store: HistoryStore) -> None:
    put(store, OLD, audio_features=VALUES)
    waits = []
    for _ in range(MOST_ATTEMPTS + 2):
        state = settle_one(store, ERROR)["enrichment"]["audio_features"]
        assert state["status"] == "enriched"
        waits.append(state["next_attempt_at"] - NOW)
        let_time_pass(store.tracks, FEATURES)
    assert waits[0] == FIRST_ERROR_WAIT
    assert waits == sorted(waits)
    assert waits[-1] == NOT_FOUND_WAIT


def test_a_refresh_replaces_all_values(store: HistoryStore) -> None:
    put(store, OLD, audio_features={"energy": 0.9, "time_signature": 4})
    assert settle_one(store, FOUND)["audio_features"] == VALUES


# --- made-up values


def play(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "_id": number,
        "spotify_track_uri": f"spotify:track:{ID}",
        "source": {"file": "a.csv", "sha256": "0", "row": number},
        "updated_at": BEFORE,
    } | fields


@pytest.mark.parametrize("outcome", [NOT_FOUND, UNAVAILABLE], ids=lambda outcome: outcome.status)
def test_made_up_values_vanish_when_there_are_no_real_ones(store: HistoryStore, outcome: Missing) -> None:
    exported = {"energy": 0.75}
    store.plays.insert_many([play(1), play(2, audio_features=exported)])
    before = contents(store.plays, without=("updated_at",))
    put(store, MADE_UP, audio_features=VALUES, embedding_due=BEFORE)
    embed_due(store)
    embedded = contents(store.plays)
    assert {number: one["audio_features"] for number, one in embedded.items()} == {1: VALUES, 2: VALUES}
    assert {one["enriched"]["audio_features"] for one in embedded.values()} == {"mock"}
    document = settle_one(store, outcome)
    assert "audio_features" not in document
    assert document["enrichment"]["audio_features"] == {
        "status": outcome.status,
        "attempts": 0,
        "providers": list(outcome.providers),
        "next_attempt_at": NOW + NOT_FOUND_WAIT,
    }
    store.database.command("ping")
    embed_due(store)
    after = contents(store.plays)
    assert {number: one.get("audio_features") for number, one in after.items()} == {1: None, 2: exported}
    assert not any("enriched" in one for one in after.values())
    assert contents(store.plays, without=("updated_at",)).keys() == before.keys()


def test_real_values_take_the_place_of_made_up_ones(store: HistoryStore) -> None:
    store.plays.insert_one(play(1))
    put(store, MADE_UP, audio_features={"energy": 0.1, "tempo": 9.0}, embedding_due=BEFORE)
    embed_due(store)
    settle_one(store, FOUND)
    embed_due(store)
    (one,) = contents(store.plays).values()
    assert (one["audio_features"], one["enriched"]) == (VALUES, {"audio_features": "spotify"})


# --- claims that are no longer this worker's


@pytest.mark.parametrize("outcome", [FOUND, NOT_FOUND, ERROR], ids=["found", "not found", "error"])
@pytest.mark.parametrize("state", [{}, OLD, MADE_UP], ids=["pending", "old", "made up"])
def test_a_claim_lost_to_another_worker_is_left_to_it(
    store: HistoryStore, outcome: Found | Missing, state: dict[str, Any]
) -> None:
    put(store, state, audio_features={"energy": 0.1})
    slow, quick = queue(store, "slow"), queue(store, "quick")
    claims = slow.claim(1)
    let_time_pass(store.tracks, FEATURES)
    assert len(quick.claim(1)) == 1
    before = contents(store.tracks)
    settle(slow, claims, {ID: outcome}, NOW)
    assert contents(store.tracks) == before


def test_a_claim_that_was_settled_by_another_worker_is_left_as_it_is(store: HistoryStore) -> None:
    put(store)
    slow, quick = queue(store, "slow"), queue(store, "quick")
    claims = slow.claim(1)
    let_time_pass(store.tracks, FEATURES)
    settle(quick, quick.claim(1), {ID: FOUND}, NOW)
    before = contents(store.tracks)
    settle(slow, claims, {ID: NOT_FOUND}, NOW)
    slow.release(claims)
    assert contents(store.tracks) == before


def test_only_what_was_claimed_and_settled_is_written(store: HistoryStore) -> None:
    fill(store.tracks, [ID, OTHER])
    worker = queue(store)
    claims = worker.claim(2)
    settle(worker, claims, {ID: FOUND}, NOW)
    assert state_of(store.tracks, OTHER)["claimed_by"] == "anna"
    settle(worker, claims[:0], {OTHER: FOUND}, NOW)
    settle(worker, [Claim(id="none", status=Status.PENDING, attempts=0, provider=None)], {"none": FOUND}, NOW)
    assert state_of(store.tracks, OTHER)["status"] == "pending"
    assert store.tracks.count_documents({}) == 2
