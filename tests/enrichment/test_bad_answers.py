"""A worker whom services answer badly: each answer is classified, and nothing wrong is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from echotune.enrichment.settings import Subject
from echotune.enrichment.worker import MOST_FAILURES
from local.servers.simulator import SpotifySimulator
from tests.support.asking import (
    ALBUMS,
    ALL_IDS,
    ARTISTS,
    ENDPOINTS,
    FEATURES,
    KNOWN,
    LATER,
    ONLY_SPOTIFY,
    TRACKS,
    collection_of,
    forget_refusals,
)
from tests.support.databases import contents
from tests.support.working import (
    Desk,
    fill,
    let_time_pass,
    state_of,
    statuses,
    true_reccobeats,
    true_values,
    values_in,
)


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
