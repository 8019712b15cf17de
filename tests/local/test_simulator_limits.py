"""The simulator's limits hold over every window, and its report tells exactly what came when."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.record import largest_window, utilisation
from local.simulator.window import Gate, Span
from tests.support.simulator import Caller, some_ids

# Steps that are sums of powers of two, so that edges of windows are hit exactly.
arrival_times = st.lists(st.integers(0, 40), max_size=60).map(
    lambda steps: [sum(steps[: place + 1]) / 8 for place in range(len(steps))]
)


@given(arrival_times, st.integers(1, 8), st.sampled_from([0.5, 1.0, 4.0]))
def test_no_window_ever_lets_more_in_than_the_limit(arrivals: list[float], limit: int, seconds: float) -> None:
    gate = Gate()
    span = (Span(limit=limit, seconds=seconds, reason="window"),)
    refusals = [(now, gate.admit(now, span)) for now in arrivals]
    assert largest_window(gate.admitted, seconds) <= limit
    assert len(gate.admitted) == sum(refusal is None for _, refusal in refusals)
    assert all(refusal.seconds >= 1 for _, refusal in refusals if refusal)


@given(arrival_times, st.sampled_from([0.5, 1.0, 4.0]))
def test_the_largest_window_is_found(arrivals: list[float], seconds: float) -> None:
    counted = [sum(end - seconds < arrival <= end for arrival in arrivals) for end in arrivals]
    assert largest_window(arrivals, seconds) == max(counted, default=0)


@pytest.mark.parametrize("arrivals", [[n / 10 for n in range(100)], [float(n // 10) for n in range(100)]])
def test_a_limit_that_is_kept_full_is_used_whole(arrivals: list[float]) -> None:
    assert utilisation(arrivals, limit=10, seconds=1) == pytest.approx(1, abs=0.01)
    assert utilisation(arrivals, limit=20, seconds=1) == pytest.approx(0.5, abs=0.01)


def test_a_call_over_the_limit_waits_until_the_oldest_leaves(caller: Caller) -> None:
    caller.simulator.control.settings(limit=3, window_seconds=0.9)
    begun = time.monotonic()
    assert [caller.batch("tracks", some_ids(1)).status_code for _ in range(3)] == [200] * 3
    refused = caller.batch("tracks", some_ids(1))
    answered = time.monotonic()
    error = {"status": 429, "message": "Too many requests"}
    assert (refused.status_code, refused.json()) == (429, {"error": error})
    assert refused.headers["Retry-After"] == "1"
    early = caller.batch("artists", some_ids(1))
    assert early.status_code == 429, "a 429 stops every endpoint"
    assert caller.reccobeats(some_ids(1)).status_code == 200, "and no other service"
    time.sleep(max(0, answered + 1 - time.monotonic()))
    assert caller.batch("tracks", some_ids(1)).status_code == 200
    report = caller.report()
    (stop,) = report["stops"]
    assert (stop["seconds"], stop["reason"]) == (1, "window")
    (offset,) = stop["early_calls"]
    assert 0 < offset < answered + 1 - begun
    assert report["window"]["largest"] == 5, "refused calls came, too"
    assert report["window"]["exceeded"]


def test_a_quota_says_so_and_lasts(caller: Caller) -> None:
    caller.simulator.control.settings(quota=2)
    asked = some_ids(1)
    assert [caller.batch("albums", asked).status_code for _ in range(2)] == [200, 200]
    for _ in range(2):
        refused = caller.batch("albums", asked)
        assert refused.json()["error"]["reason"] == "QUOTA_EXCEEDED"
        assert 86_390 < int(refused.headers["Retry-After"]) <= 86_400
    report = caller.report()
    assert report["quota"]["exceeded"]
    assert report["stops"][0]["reason"] == "quota"
    caller.simulator.control.reset()
    assert caller.batch("albums", asked).status_code == 200


def test_reccobeats_has_a_window_of_its_own(caller: Caller) -> None:
    caller.simulator.control.settings(reccobeats_limit=1)
    assert caller.reccobeats(some_ids(1)).status_code == 200
    refused = caller.reccobeats(some_ids(1))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert caller.batch("tracks", some_ids(1)).status_code == 200
    assert caller.report("spotify")["stops"] == []


def test_the_report_counts_calls_ids_and_answers(caller: Caller) -> None:
    ids = some_ids(10)
    caller.batch("tracks", ids)
    caller.batch("tracks", ids[:2])
    caller.get(f"tracks/{ids[0]}")
    caller.get("tracks/short")
    report = caller.report(full=True)
    tracks = report["endpoints"]["tracks"]
    assert (tracks["calls"], tracks["batches"], tracks["singles"]) == (4, 2, 2)
    assert (tracks["ids"], tracks["distinct_ids"]) == (14, 11)
    assert tracks["answers"] == {"200": 3, "400": 1}
    assert (tracks["asked_most"], tracks["asked_again"]) == (3, {ids[0]: 3, ids[1]: 2})
    assert tracks["answered_again"] == {ids[0]: 3, ids[1]: 2}
    assert tracks["asked"][ids[9]] == 1
    assert report["calls"] == len(report["arrivals"]) == 4
    assert all(first <= second for first, second in pairwise(report["arrivals"]))
    assert report["window"] == {**report["window"], "largest": 4, "limit": None, "exceeded": False}
    caller.simulator.control.reset()
    assert caller.report()["calls"] == 0
