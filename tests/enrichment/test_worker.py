"""A worker against the simulator: what it writes, what it leaves, when it ends."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.line_up import queue_of
from echotune.enrichment.providers.base import Provider
from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.settings import Subject
from echotune.enrichment.worker import Worker
from local.servers.simulator import SpotifySimulator
from tests.support.asking import (
    ALBUMS,
    ALL_IDS,
    ARTISTS,
    ENDPOINTS,
    FEATURES,
    KNOWN,
    ONLY_SPOTIFY,
    TIMES,
    TRACKS,
    collection_of,
    report,
)
from tests.support.databases import contents
from tests.support.working import (
    BEFORE,
    PENDING,
    Desk,
    fill,
    set_state,
    state_of,
    statuses,
    true_reccobeats,
    true_values,
    values_in,
    without_redis,
)

UNKNOWN_TRACK = next(one for one in ALL_IDS if true_values(TRACKS, one) is None)
ONLY_RECCOBEATS = next(one for one in ALL_IDS if true_reccobeats(one) and not true_values(FEATURES, one))


def calls_so_far(simulator: SpotifySimulator) -> int:
    services = simulator.control.report()["services"]
    return int(services["spotify"]["calls"] + services["reccobeats"]["calls"])


@pytest.mark.parametrize("subject", Subject)
def test_everything_due_gets_its_true_values(desk: Desk, simulator: SpotifySimulator, subject: Subject) -> None:
    ids = ALL_IDS[:130]
    fill(collection_of(desk, subject), ids)
    pause, progress = desk.work(subject, providers="spotify")
    assert (pause, progress.left, progress.done, progress.problems) == (None, 0, 130, [])
    for identity, document in contents(collection_of(desk, subject)).items():
        truth = true_values(subject, identity)
        state = document["enrichment"][subject.kind]
        assert state["status"] == ("enriched" if truth else "not_found")
        assert values_in(subject, document, truth or ()) == (truth or {})
        assert "claimed_by" not in state
    assert progress.calls == {"spotify": report(simulator)["calls"]}
    assert report(simulator)["endpoints"][ENDPOINTS[subject]]["asked_most"] == 1


def test_each_provider_is_asked_for_what_those_before_it_did_not_have(desk: Desk, simulator: SpotifySimulator) -> None:
    ids = [*KNOWN[:3], ONLY_SPOTIFY, ONLY_RECCOBEATS, UNKNOWN_TRACK]
    fill(desk.store.tracks, ids)
    _, progress = desk.work(FEATURES, providers="spotify, reccobeats")
    states = {one: state_of(desk.store.tracks, one) for one in ids}
    assert [states[one].get("provider") for one in ids] == [*["spotify"] * 4, "reccobeats", None]
    assert states[UNKNOWN_TRACK]["status"] == "not_found"
    assert states[UNKNOWN_TRACK]["providers"] == ["spotify", "reccobeats"]
    assert progress.enriched_by == {"spotify": 4, "reccobeats": 1}
    asked = simulator.control.report(full=True)["services"]["reccobeats"]["endpoints"]["reccobeats"]["asked"]
    assert asked == {ONLY_RECCOBEATS: 1, UNKNOWN_TRACK: 1}


def test_what_reccobeats_alone_does_not_have_is_unavailable_and_asked_of_spotify_later(desk: Desk) -> None:
    fill(desk.store.tracks, [ONLY_SPOTIFY])
    desk.work(FEATURES, run="one", providers="reccobeats")
    assert state_of(desk.store.tracks, ONLY_SPOTIFY)["status"] == "unavailable"
    desk.work(FEATURES, run="two", providers="reccobeats, spotify")
    assert state_of(desk.store.tracks, ONLY_SPOTIFY)["provider"] == "spotify"


def test_development_mode_ends_with_features_and_catalog(desk: Desk, simulator: SpotifySimulator) -> None:
    simulator.control.settings(mode="development")
    ids = [*KNOWN[:60], ONLY_SPOTIFY]
    for name in ("tracks", "artists", "albums"):
        fill(desk.store.database[name], ids)
    done = {subject: desk.work(subject) for subject in Subject}
    assert [pause for pause, _ in done.values()] == [None] * 4
    assert done[FEATURES][1].enriched_by == {"reccobeats": 60}
    assert done[FEATURES][1].unavailable == 1
    assert not any(progress.problems for _, progress in done.values())
    tracks = contents(desk.store.tracks)
    assert {one: tracks[one].get("audio_features") for one in ids} == {one: true_reccobeats(one) for one in ids}
    endpoints = report(simulator)["endpoints"]
    assert endpoints["audio-features"]["calls"] == 1
    for subject in (TRACKS, ARTISTS, ALBUMS):
        assert done[subject][1].enriched_by == {"spotify": 61}
        assert (endpoints[subject]["batches"], endpoints[subject]["singles"]) == (1, 61)
        for identity, document in contents(collection_of(desk, subject)).items():
            truth = true_values(subject, identity, development=True)
            assert values_in(subject, document, truth or ()) == truth


@pytest.mark.parametrize("mode", ["extended", "development"])
def test_a_second_run_makes_no_call(desk: Desk, simulator: SpotifySimulator, mode: str) -> None:
    simulator.control.settings(mode=mode)
    ids = ALL_IDS[:80]
    for name in ("tracks", "artists", "albums"):
        fill(desk.store.database[name], ids)
    for subject in Subject:
        desk.work(subject, run="one")
    first = contents(desk.store.tracks, without=TIMES)
    calls = calls_so_far(simulator)
    for subject in Subject:
        pause, progress = desk.work(subject, run="two")
        assert (pause, progress.done) == (None, 0)
    assert calls_so_far(simulator) == calls
    desk.store.tracks.drop()
    fill(desk.store.tracks, ids)
    for subject in (FEATURES, TRACKS):
        pause, progress = desk.work(subject, run="three")
        assert (pause, progress.done, progress.cached, progress.calls) == (None, 80, 80, {})
    assert calls_so_far(simulator) == calls
    assert contents(desk.store.tracks, without=TIMES) == first


def test_more_is_known_from_the_cache_never_than_was_done(desk: Desk) -> None:
    fill(desk.store.tracks, [ONLY_RECCOBEATS, *KNOWN[:3]])
    desk.work(FEATURES, run="one")
    desk.store.tracks.delete_many({})
    fill(desk.store.tracks, [ONLY_RECCOBEATS, *KNOWN[:3]])
    _, progress = desk.work(FEATURES, run="two")
    assert (progress.cached, progress.done) == (4, 4)


@pytest.mark.parametrize("most", [1, 7, 30])
def test_no_more_is_done_than_asked_for(desk: Desk, most: int) -> None:
    fill(desk.store.albums, ALL_IDS[:40])
    pause, progress = desk.work(ALBUMS, most=most)
    assert (pause, progress.done, progress.left) == (None, most, 40 - most)
    assert {one for one, status in statuses(desk.store.albums, "catalog").items() if status != "pending"} == set(
        ALL_IDS[:most]
    )
    _, again = desk.work(ALBUMS, most=most)
    assert again.done == most, "a second try of the same worker does not do as much again"


def test_values_of_some_age_are_fetched_anew_once(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.tracks, KNOWN[:3])
    long_ago = datetime.now(UTC) - timedelta(days=400)
    for one in KNOWN[:2]:
        set_state(desk.store.tracks, one, status="enriched", provider="reccobeats", fetched_at=long_ago)
    _, progress = desk.work(FEATURES, refresh_after_days=100, providers="spotify")
    assert (progress.done, report(simulator)["calls"]) == (3, 1)
    assert {one["enrichment"]["audio_features"]["provider"] for one in desk.store.tracks.find()} == {"spotify"}
    desk.store.tracks.update_many({}, {"$set": {"enrichment.audio_features.fetched_at": long_ago}})
    _, progress = desk.work(FEATURES, run="never", refresh_after_days=0)
    assert progress.done == 0
    _, progress = desk.work(FEATURES, run="cached", refresh_after_days=100, providers="spotify")
    assert (progress.done, progress.cached, report(simulator)["calls"]) == (3, 3, 1)


def no_account() -> Any:
    raise AssertionError("a run that makes no call needs no account")


def test_a_run_that_makes_values_up_calls_nobody_and_real_ones_replace_them(
    desk: Desk, simulator: SpotifySimulator
) -> None:
    fill(desk.store.tracks, [*KNOWN[:5], UNKNOWN_TRACK])
    line_up = desk.line_up(FEATURES, mock=True)
    line_up = replace(line_up, services=replace(line_up.services, spotify=no_account, reccobeats=no_account))
    keeper = desk.keeper(FEATURES, run="mock")
    queue = queue_of(desk.store, line_up, owner="mock")
    assert Worker(queue, line_up.providers(), keeper=keeper, gates=line_up.gates).work() is None
    assert (keeper.progress.enriched_by, keeper.progress.calls, calls_so_far(simulator)) == ({"mock": 6}, {}, 0)
    made_up = contents(desk.store.tracks)
    assert all(one["audio_features"] != true_values(FEATURES, one["_id"]) for one in made_up.values())
    _, progress = desk.work(FEATURES, run="real", providers="spotify")
    assert (progress.enriched_by, progress.not_found) == ({"spotify": 5}, 1)
    for identity, document in contents(desk.store.tracks).items():
        assert document.get("audio_features") == true_values(FEATURES, identity)


@pytest.mark.parametrize(
    "state",
    [
        {"next_attempt_at": BEFORE, "error": "500"},
        {"next_attempt_at": BEFORE, "claimed_by": "dead"},
        {},
    ],
    ids=["a refresh failed", "a worker died", "young"],
)
def test_made_up_values_never_take_the_place_of_real_ones(desk: Desk, state: Mapping[str, Any]) -> None:
    fill(desk.store.tracks, KNOWN[:1], audio_features={"energy": 0.5})
    set_state(desk.store.tracks, KNOWN[0], status="enriched", provider="spotify", fetched_at=BEFORE, **state)
    before = contents(desk.store.tracks)
    desk.work(FEATURES, mock=True)
    assert contents(desk.store.tracks) == before


def test_a_worker_without_a_provider_leaves_everything(desk: Desk) -> None:
    fill(desk.store.tracks, KNOWN[:3])
    before = contents(desk.store.tracks)
    pause, progress = desk.work(TRACKS, mock=True)
    assert pause is not None
    assert (pause.until, progress.done) == (None, 0)
    assert contents(desk.store.tracks) == before


class SlowlyCounted(Queue):
    """A queue of so many documents that it takes a while to count them."""

    counts = 0

    def count_due(self, providers: Sequence[str] = ()) -> int:
        self.counts += 1
        time.sleep(0.05)
        return super().count_due(providers)


@pytest.mark.usefixtures("_reports_after_each_batch")
def test_what_takes_long_to_count_is_not_counted_for_every_report(desk: Desk) -> None:
    fill(desk.store.tracks, KNOWN[:8])
    line_up = desk.line_up(FEATURES)
    queue = SlowlyCounted(desk.store.tracks, FEATURES.kind, owner="anna", due=line_up.due)
    keeper = desk.keeper(FEATURES)
    Worker(queue, [OneByOne(provider) for provider in line_up.providers()], keeper=keeper, gates=line_up.gates).work()
    assert (keeper.progress.done, keeper.progress.left, queue.counts) == (8, 0, 2)


@pytest.fixture
def _reports_after_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("echotune.enrichment.progress.SECONDS_BETWEEN_REPORTS", 0.0)


class OneByOne:
    """A provider that is asked for one document a call."""

    batch_size = 1

    def __init__(self, provider: Provider) -> None:
        self.name, self.look_up = provider.name, provider.look_up


def test_an_expired_token_is_renewed(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.tracks, KNOWN[:150])
    simulator.control.set_rules([{"endpoint": "tracks", "what": "status", "status": 401, "nth": 2}])
    pause, progress = desk.work(TRACKS)
    assert (pause, progress.done, progress.problems) == (None, 150, [])


def test_tokens_that_nobody_gets_leave_everything_pending(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.tracks, KNOWN[:5])
    bad = replace(desk, urls=simulator.settings | {"SPOTIFY_CLIENT_SECRET": "wrong"})
    pause, progress = bad.work(TRACKS)
    assert pause is not None
    assert set(statuses(desk.store.tracks, "catalog").values()) == {"pending"}
    (problem,) = progress.problems
    assert "SPOTIFY_CLIENT_SECRET" in problem
    assert "wrong" not in problem


def test_without_redis_a_worker_works(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.tracks, KNOWN[:60])
    pause, progress = without_redis(desk).work(TRACKS)
    assert (pause, progress.done, report(simulator)["calls"]) == (None, 60, 2)


def test_a_table_that_cannot_be_read_ends_the_work_and_names_the_file(desk: Desk, tmp_path: Path) -> None:
    fill(desk.store.tracks, KNOWN[:3])
    line_up = desk.line_up(FEATURES, providers="local", features_table="features.csv")
    line_up = replace(line_up, services=replace(line_up.services, features_table=tmp_path / "features.csv"))
    keeper = desk.keeper(FEATURES)
    queue = queue_of(desk.store, line_up, owner=keeper.progress.id)
    with pytest.raises(EnrichmentError, match=r"features\.csv"):
        Worker(queue, line_up.providers(), keeper=keeper, gates={}).work()
    other = Queue(desk.store.tracks, FEATURES.kind, owner=keeper.progress.id, due=Due())
    assert other.release_all() == 3
    assert {one["enrichment"]["audio_features"]["status"] for one in desk.store.tracks.find()} == {PENDING["status"]}
