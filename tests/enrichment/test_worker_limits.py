"""Workers and the limits of a service: one alone, and four side by side."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from echotune.enrichment.limiter import RedisLimiter
from local.servers.simulator import SpotifySimulator
from tests.support.asking import (
    ALL_IDS,
    KNOWN,
    LATER,
    TRACKS,
    asked_again,
    forget_refusals,
    report,
)
from tests.support.working import (
    Desk,
    fill,
    statuses,
    true_values,
)

WINDOW_SECONDS, CALLS_A_WINDOW, WORKERS = 0.5, 12, 4


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
