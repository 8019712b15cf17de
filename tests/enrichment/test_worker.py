"""A worker against the simulator: what it writes, what it leaves, when it ends, whatever it is answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.line_up import queue_of
from echotune.enrichment.providers.base import Lookup, Provider
from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.settings import EnrichmentKind, Subject
from echotune.enrichment.worker import MOST_FAILURES, Worker
from echotune.history.store import Documents, HistoryStore
from echotune.resources import PROJECT
from local.servers.simulator import SpotifySimulator
from tests.support.databases import contents
from tests.support.simulator import some_ids
from tests.support.working import (
    BEFORE,
    PENDING,
    Desk,
    fill,
    let_time_pass,
    set_state,
    state_of,
    statuses,
    true_reccobeats,
    true_values,
    values_in,
    without_redis,
)

KIND_TIMES = [f"enrichment.{kind}.{name}" for kind in EnrichmentKind for name in ("fetched_at", "next_attempt_at")]
TIMES = ("updated_at", "embedding_due", *KIND_TIMES)
FEATURES, TRACKS, ARTISTS, ALBUMS = Subject
ALL_IDS = some_ids(3_000)
KNOWN = [one for one in ALL_IDS if true_values(FEATURES, one) and true_reccobeats(one)]
UNKNOWN_TRACK = next(one for one in ALL_IDS if true_values(TRACKS, one) is None)
ONLY_SPOTIFY = next(one for one in ALL_IDS if true_values(FEATURES, one) and not true_reccobeats(one))
ONLY_RECCOBEATS = next(one for one in ALL_IDS if true_reccobeats(one) and not true_values(FEATURES, one))
ENDPOINTS = {FEATURES: "audio-features", TRACKS: "tracks", ARTISTS: "artists", ALBUMS: "albums"}


@pytest.fixture
def desk(store: HistoryStore, simulator: SpotifySimulator, redis_client: redis.Redis) -> Desk:
    return Desk(store=store, urls=simulator.settings, client=redis_client)


def collection_of(desk: Desk, subject: Subject) -> Documents:
    return desk.store.database[subject.collection]


def report(simulator: SpotifySimulator, service: str = "spotify") -> Any:
    return simulator.control.report()["services"][service]


def asked_again(simulator: SpotifySimulator) -> dict[str, int]:
    """The ids that got more than one true answer, of whatever service."""
    services = simulator.control.report()["services"].values()
    return {
        one: count
        for service in services
        for end in service["endpoints"].values()
        for one, count in end["answered_again"].items()
    }


def calls_so_far(simulator: SpotifySimulator) -> int:
    services = simulator.control.report()["services"]
    return int(services["spotify"]["calls"] + services["reccobeats"]["calls"])


# --- good answers


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


# --- made-up values


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


# --- every bad answer


@dataclass(frozen=True)
class Bad:
    """A rule for every answer, and what becomes of one batch in extended mode.

    right: as if nothing were wrong; wrong: the first one only; missing: the first one only; failed: all are errors;
    closed: all stay pending; problem: likewise, and a person is told; paused: likewise, until a time.
    """

    rule: Mapping[str, Any]
    features: str
    catalog: str = ""

    def expected(self, subject: Subject) -> str:
        return self.features if subject is FEATURES else self.catalog or self.features


LATER = {"retry_after": 120, "seconds": 0}
BAD: dict[str, Bad] = {
    **{f"{status}": Bad({"what": "status", "status": status}, "failed") for status in (400, 408, 418, 500, 503)},
    "401": Bad({"what": "status", "status": 401}, "problem"),
    "404": Bad({"what": "status", "status": 404}, "failed", "all missing"),
    "403 with a message": Bad({"what": "status", "status": 403, "message": "User not registered"}, "problem"),
    "closed": Bad({"what": "closed_endpoint"}, "closed"),
    "removed batch": Bad({"what": "removed_batch"}, "closed"),
    "premium": Bad({"what": "premium"}, "problem"),
    "429": Bad({"what": "rate_limit"} | LATER, "paused"),
    "429 without a time": Bad({"what": "rate_limit", "retry_after": None, "seconds": 0}, "paused"),
    "429 with a word": Bad({"what": "rate_limit", "retry_after": "soon", "seconds": 0}, "paused"),
    "429 with a date": Bad({"what": "rate_limit", "retry_after": "http-date", "seconds": 120}, "paused"),
    "quota": Bad({"what": "quota", "seconds": 0}, "paused"),
    "cut off": Bad({"what": "cut_off"}, "failed"),
    "reset": Bad({"what": "reset"}, "failed"),
    "slow": Bad({"what": "slow", "seconds": 0.25}, "failed"),
    "empty": Bad({"what": "empty"}, "failed"),
    "html": Bad({"what": "html"}, "failed"),
    "bomb": Bad({"what": "gzip_bomb", "megabytes": 9}, "failed"),
    "redirect": Bad({"what": "redirect"}, "failed"),
    **{
        shape: Bad({"what": "shape", "shape": shape}, "failed")
        for shape in ("list", "string", "number", "null", "missing_key", "short", "long", "error_string")
    },
    "strange id": Bad({"what": "strange_id"}, "wrong"),
    "out of range": Bad({"what": "out_of_range"}, "wrong"),
    "no number": Bad({"what": "not_a_number"}, "wrong"),
    "text": Bad({"what": "text_value"}, "wrong"),
    "missing field": Bad({"what": "missing_field"}, "wrong", "right"),
    "duplicate": Bad({"what": "duplicate"}, "failed"),
    "null": Bad({"what": "null_item"}, "missing"),
}
LEFT_OUT = ("null", "short", "strange id")
BATCH = KNOWN[:8]
TELLING = ("400", "401", "404", "500", "closed", "429", "html", "short", "strange id", "out of range", "null")
"""One of each sort, for subjects that take the same way as others."""
FEW = ("404", "closed", "429", "strange id", "out of range", "null")
WAYS = [
    ("extended", FEATURES, BAD),
    ("extended", TRACKS, [*TELLING, "text", "missing field"]),
    ("extended", ARTISTS, FEW),
    ("extended", ALBUMS, FEW),
    ("development", FEATURES, [*TELLING, "duplicate", "missing field"]),
    ("development", TRACKS, [*TELLING, "bomb", "redirect"]),
    ("development", ARTISTS, FEW),
    ("development", ALBUMS, FEW),
]
CASES = [(mode, subject, name) for mode, subject, names in WAYS for name in names]


def truth_of(subject: Subject, identity: str, development: bool) -> dict[str, Any] | None:
    if subject is FEATURES and development:
        return true_reccobeats(identity)
    return true_values(subject, identity, development=development)


def forget_refusals(client: redis.Redis) -> None:
    """End stops and forget what was found closed; answers that were cached stay."""
    for key in client.scan_iter("echotune:*"):
        if not key.startswith(b"echotune:answer:"):
            client.delete(key)


@pytest.mark.parametrize(("mode", "subject", "name"), CASES)
def test_a_bad_answer_is_classified_and_never_a_wrong_value(
    desk: Desk, simulator: SpotifySimulator, redis_client: redis.Redis, mode: str, subject: Subject, name: str
) -> None:
    bad, development = BAD[name], mode == "development"
    collection = collection_of(desk, subject)
    fill(collection, BATCH)
    before = contents(collection)
    endpoint = "reccobeats" if development and subject is FEATURES else ENDPOINTS[subject]
    simulator.control.settings(mode=mode)
    simulator.control.set_rules([{"endpoint": endpoint, **bad.rule}])

    pause, progress = desk.work(subject, providers="spotify, reccobeats" if development else "spotify")

    after = contents(collection)
    found = {one: document["enrichment"][subject.kind] for one, document in after.items()}
    for identity, state in found.items():
        truth = truth_of(subject, identity, development)
        assert truth is not None
        assert "claimed_by" not in state
        match state["status"]:
            case "pending":
                assert after[identity] == before[identity]
            case "enriched":
                values = values_in(subject, after[identity], truth)
                truth = {one: truth[one] for one in truth if one in values or name != "missing field"}
                assert values == truth
            case "error":
                assert (state["attempts"], bool(state["error"])) == (1, True)
                assert state["next_attempt_at"] > datetime.now(UTC)
            case "not_found":
                assert name in ("404", "null"), "only a null or a 404 says that there is no such thing"
            case other:
                assert other == "unavailable"
                assert name in LEFT_OUT, "ReccoBeats leaves out what it does not know"
    if pause and pause.until:
        assert "paused" in bad.expected(subject)
        assert pause.until > datetime.now(UTC) + timedelta(seconds=20)
    if mode == "extended":
        assert_classified(bad.expected(subject), found, pause is not None, progress.problems)

    simulator.control.reset()
    forget_refusals(redis_client)
    let_time_pass(collection, subject.kind)
    desk.work(subject, run="after", providers="spotify, reccobeats" if development else "spotify")
    for identity, document in contents(collection).items():
        if found[identity]["status"] in ("not_found", "unavailable"):
            continue
        truth = truth_of(subject, identity, development)
        assert truth is not None
        values = values_in(subject, document, truth)
        was_cached_without = name == "missing field" and found[identity]["status"] == "enriched"
        assert values == {one: truth[one] for one in truth if one in values or not was_cached_without}


def assert_classified(expected: str, found: Mapping[str, Any], paused: bool, problems: Sequence[str]) -> None:
    told = [found[one]["status"] for one in BATCH]
    assert {
        "right": told == ["enriched"] * 8,
        "wrong": told == ["error", *["enriched"] * 7],
        "missing": told == ["not_found", *["enriched"] * 7],
        "all missing": told == ["not_found"] * 8,
        "failed": told == ["error"] * 8,
        "closed": told == ["pending"] * 8,
        "problem": told == ["pending"] * 8,
        "paused": told == ["pending"] * 8,
    }[expected], told
    assert bool(problems) == (expected == "problem"), problems
    assert paused == (expected in ("closed", "problem", "paused"))


def test_a_provider_that_fails_three_times_in_a_row_is_left_alone(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.albums, ALL_IDS[:100])
    simulator.control.set_rules([{"endpoint": "albums", "what": "status", "status": 503, "nth": 4, "every": 1}])
    pause, progress = desk.work(ALBUMS)
    assert MOST_FAILURES == 3
    told = statuses(desk.store.albums, "catalog")
    assert [told[one] for one in ALL_IDS[:100]] == ["enriched"] * 60 + ["error"] * 40
    assert pause is None, "two failures are not yet three"
    assert progress.problems == []
    fill(desk.store.albums, ALL_IDS[100:200])
    pause, progress = desk.work(ALBUMS, run="two")
    told = statuses(desk.store.albums, "catalog")
    assert [told[one] for one in ALL_IDS[100:200]] == ["error"] * 60 + ["pending"] * 40
    assert pause is not None
    assert (pause.until, progress.left) == (None, 40)
    (problem,) = progress.problems
    assert problem.startswith("spotify failed 3 times in a row: ")
    assert "503" in problem


def test_the_next_provider_does_what_one_cannot_that_is_left_alone(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.tracks, KNOWN[:30])
    simulator.control.set_rules([{"endpoint": "audio-features", "what": "premium"}])
    pause, progress = desk.work(FEATURES)
    assert (pause, progress.enriched_by) == (None, {"reccobeats": 30})
    (problem,) = progress.problems
    assert "Premium" in problem or "premium" in problem


def test_a_broken_answer_of_one_provider_is_no_error_where_the_next_has_values(
    desk: Desk, simulator: SpotifySimulator
) -> None:
    fill(desk.store.tracks, [*KNOWN[:5], ONLY_SPOTIFY])
    simulator.control.set_rules([{"endpoint": "audio-features", "what": "html"}])
    _, progress = desk.work(FEATURES)
    assert (progress.enriched_by, progress.errors, progress.problems) == ({"reccobeats": 5}, 1, [])
    state = state_of(desk.store.tracks, ONLY_SPOTIFY)
    assert (state["status"], state["providers"]) == ("error", ["reccobeats"])


def test_a_long_rate_limit_in_the_middle_leaves_the_rest_pending_and_says_until_when(
    desk: Desk, simulator: SpotifySimulator, redis_client: redis.Redis
) -> None:
    fill(desk.store.tracks, KNOWN[:150])
    simulator.control.set_rules([{"endpoint": "tracks", "what": "rate_limit", "nth": 2} | LATER])
    pause, progress = desk.work(TRACKS)
    assert pause is not None
    assert pause.until is not None
    assert abs(pause.until - datetime.now(UTC) - timedelta(seconds=120)) < timedelta(seconds=10)
    assert (progress.stopped, progress.go_on_at, progress.left) == (pause.reason, pause.until, 100)
    assert [statuses(desk.store.tracks, "catalog")[one] for one in KNOWN[:150]] == ["enriched"] * 50 + ["pending"] * 100
    other, _ = desk.work(TRACKS, worker=2)
    assert other is not None, "the stop is one for all"
    assert report(simulator)["endpoints"]["tracks"]["calls"] == 2
    forget_refusals(redis_client)
    pause, progress = desk.work(TRACKS)
    assert (pause, progress.done, progress.left, progress.go_on_at, progress.stopped) == (None, 150, 0, None, "")
    assert asked_again(simulator) == {}


def test_a_short_rate_limit_is_waited_for(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.tracks, KNOWN[:60])
    simulator.control.set_rules([{"endpoint": "tracks", "what": "rate_limit", "nth": 2, "retry_after": 1}])
    pause, progress = desk.work(TRACKS)
    assert (pause, progress.done) == (None, 60)
    assert 0.5 < progress.waited_seconds < 5
    (stop,) = report(simulator)["stops"]
    assert stop["early_calls"] == []


def test_a_budget_for_the_day_ends_the_work_with_a_time(desk: Desk, simulator: SpotifySimulator) -> None:
    fill(desk.store.tracks, KNOWN[:150])
    pause, progress = desk.work(TRACKS, calls_per_24h=2)
    assert pause is not None
    assert pause.until is not None
    assert pause.until - datetime.now(UTC) > timedelta(hours=23)
    assert (progress.done, progress.left, report(simulator)["calls"]) == (100, 50, 2)
    assert progress.problems == []


def test_a_worker_without_a_provider_leaves_everything(desk: Desk) -> None:
    fill(desk.store.tracks, KNOWN[:3])
    before = contents(desk.store.tracks)
    pause, progress = desk.work(TRACKS, mock=True)
    assert pause is not None
    assert (pause.until, progress.done) == (None, 0)
    assert contents(desk.store.tracks) == before


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


# --- killed


class Killed(Exception):
    """A worker ends here."""


@dataclass
class Dying:
    """A provider at whose nth look-up the worker dies, before it asks or after it was answered."""

    provider: Provider
    nth: int
    answered: bool
    seen: int = 0

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def batch_size(self) -> int:
        return self.provider.batch_size

    def look_up(self, ids: Sequence[str]) -> Lookup:
        self.seen += 1
        if self.seen == self.nth:
            if self.answered:
                self.provider.look_up(ids)
            raise Killed
        return self.provider.look_up(ids)


def work_and_die(desk: Desk, subject: Subject, *, nth: int, answered: bool) -> None:
    """Work as a worker that is killed."""
    line_up = desk.line_up(subject)
    keeper = desk.keeper(subject)
    queue = queue_of(desk.store, line_up, owner=keeper.progress.id)
    providers = [Dying(provider, nth, answered) for provider in line_up.providers()]
    with pytest.raises(Killed):
        Worker(queue, providers, keeper=keeper, gates=line_up.gates).work()


@pytest.mark.parametrize(
    ("cached", "same_worker"),
    [(True, True), (False, False)],
    ids=["cached, tried again", "without Redis, left to another"],
)
@pytest.mark.parametrize("answered", [True, False], ids=["after", "before"])
@pytest.mark.parametrize(("subject", "batch"), [(FEATURES, 100), (TRACKS, 50)])
def test_killed_and_started_again_it_comes_to_the_same(
    desk: Desk,
    simulator: SpotifySimulator,
    subject: Subject,
    batch: int,
    answered: bool,
    cached: bool,
    same_worker: bool,
) -> None:
    ids = ALL_IDS[:230]
    desk = desk if cached else without_redis(desk)
    fill(desk.store.tracks, ids)
    without_redis(desk).work(subject)
    undisturbed = contents(desk.store.tracks, without=TIMES)
    desk.store.tracks.delete_many({})
    fill(desk.store.tracks, ids)
    simulator.control.reset()
    work_and_die(desk, subject, nth=2, answered=answered)
    if not same_worker:
        let_time_pass(desk.store.tracks, subject.kind)
    pause, _ = desk.work(subject, worker=1 if same_worker else 2)
    assert pause is None
    assert contents(desk.store.tracks, without=TIMES) == undisturbed
    again = asked_again(simulator)
    assert len(again) <= (batch if answered and not cached else 0)
    assert set(again.values()) <= {2}


def test_a_worker_that_was_killed_and_started_again_does_not_count_twice(desk: Desk) -> None:
    fill(desk.store.tracks, ALL_IDS[:120])
    work_and_die(desk, TRACKS, nth=2, answered=True)
    _, progress = desk.work(TRACKS, most=100)
    assert progress.done <= 100


def test_killed_for_real_and_started_again_it_comes_to_the_same(
    desk: Desk, simulator: SpotifySimulator, mongodb_uri: str, redis_uri: str
) -> None:
    ids = ALL_IDS[:1_500]
    fill(desk.store.tracks, ids)
    without_redis(desk).work(FEATURES, providers="spotify")
    undisturbed = contents(desk.store.tracks, without=TIMES)
    desk.store.tracks.delete_many({})
    fill(desk.store.tracks, ids)
    simulator.control.reset()
    simulator.control.settings(latency_seconds=0.03)
    environment = {
        **os.environ,
        **simulator.settings,
        "MONGODB_URI": mongodb_uri,
        "REDIS_URL": redis_uri,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "plugins")]),
    }
    command = [sys.executable, "-m", "tests.support.working", desk.store.database.name, "run"]
    done_at_death = run_and_kill(command, environment, desk.store, 500)
    simulator.control.settings(latency_seconds=0)
    pause, _ = desk.work(FEATURES, run="run", providers="spotify")
    assert pause is None
    assert contents(desk.store.tracks, without=TIMES) == undisturbed
    assert 500 <= done_at_death < 1_500, "it was killed in the middle"
    assert len(asked_again(simulator)) <= 100, "no more than one batch"


def run_and_kill(command: Sequence[str], environment: Mapping[str, str], store: HistoryStore, least: int) -> int:
    """Start a worker and kill it when so many tracks are done; how many were."""
    done = {"enrichment.audio_features.status": {"$ne": "pending"}}
    with subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while store.tracks.count_documents(done) < least:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    return store.tracks.count_documents(done)


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


# --- several at once

WINDOW_SECONDS, CALLS_A_WINDOW, WORKERS = 0.5, 12, 4


def work_side_by_side(desk: Desk, redis_uri: str, calls: int) -> list[Any]:
    """Four workers on tracks with a limiter in Redis of a short window; their pauses."""
    begin = threading.Barrier(WORKERS)

    def work(worker: int) -> Any:
        with redis.Redis.from_url(redis_uri) as client:
            limiter = RedisLimiter(client, window_seconds=WINDOW_SECONDS)
            one = replace(desk, client=client, limiter=limiter, patience_seconds=60)
            begin.wait()
            return one.work(TRACKS, worker=worker, calls_per_30s=calls)[0]

    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(work, range(1, WORKERS + 1)))


def test_four_workers_never_exceed_the_limit_in_any_window(
    desk: Desk, simulator: SpotifySimulator, redis_uri: str
) -> None:
    simulator.control.settings(limit=CALLS_A_WINDOW, window_seconds=WINDOW_SECONDS)
    fill(desk.store.tracks, ALL_IDS[:1_800])
    assert work_side_by_side(desk, redis_uri, CALLS_A_WINDOW) == [None] * WORKERS
    told = report(simulator)
    assert (told["window"]["exceeded"], told["stops"]) == (False, [])
    assert told["window"]["largest"] <= CALLS_A_WINDOW
    assert told["endpoints"]["tracks"]["asked_again"] == {}
    assert "pending" not in statuses(desk.store.tracks, "catalog").values()
    assert told["calls"] <= 1_800 / 50 + WORKERS


def test_a_429_in_the_middle_stops_all_workers_and_loses_nothing(
    desk: Desk, simulator: SpotifySimulator, redis_uri: str
) -> None:
    simulator.control.settings(latency_seconds=0.02)
    simulator.control.set_rules([{"endpoint": "tracks", "what": "rate_limit", "nth": 10, "retry_after": 1}])
    ids = ALL_IDS[:1_800]
    fill(desk.store.tracks, ids)
    assert work_side_by_side(desk, redis_uri, 1_000) == [None] * WORKERS
    told = report(simulator)
    assert len(told["stops"]) == 1
    early = told["stops"][0]["early_calls"]
    assert len(early) < WORKERS
    assert all(offset < 0.15 for offset in early), "only calls that were on their way already"
    assert told["endpoints"]["tracks"]["answered_again"] == {}
    found = statuses(desk.store.tracks, "catalog")
    assert found == {one: "enriched" if true_values(TRACKS, one) else "not_found" for one in ids}
