"""How long an index was not used, over many looks, servers and restarts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from echotune.indexes.mongo_usage import Count, Remembered, hidden, hiding, usage_of, watch

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(day: float) -> datetime:
    return START + timedelta(days=day)


Seen = tuple[float, Mapping[str, tuple[float, int]]]
"""A day, and for each host since which day it counts and how much."""


def looks(*seen: Seen) -> Remembered:
    """Look on some days."""
    memory: Remembered | None = None
    for day, hosts in seen:
        counts = {host: Count(since=at(since), operations=operations) for host, (since, operations) in hosts.items()}
        memory = watch(memory, "a", counts, at(day))
    assert memory
    return memory


def unused_days(*seen: Seen) -> float:
    return looks(*seen).unused / timedelta(days=1)


def test_what_a_server_did_not_count_since_its_start_was_not_used_since_then() -> None:
    assert unused_days((40, {"one": (10, 0)})) == 30


def test_what_it_counted_may_have_been_now() -> None:
    assert unused_days((40, {"one": (10, 1)})) == 0


def test_the_days_between_looks_without_a_use_count() -> None:
    assert unused_days((10, {"one": (0, 5)}), (17, {"one": (0, 5)}), (24, {"one": (0, 5)})) == 14


def test_a_use_begins_the_count_anew() -> None:
    assert unused_days((10, {"one": (0, 0)}), (17, {"one": (0, 1)}), (20, {"one": (0, 1)})) == 3


def test_a_use_on_any_server_counts() -> None:
    one, both = {"one": (0, 0), "two": (0, 0)}, {"one": (0, 0), "two": (0, 1)}
    assert unused_days((10, one), (17, both)) == 0


def test_a_restart_keeps_what_was_seen_and_loses_only_the_days_that_nobody_watched() -> None:
    assert unused_days((10, {"one": (0, 0)}), (17, {"one": (15, 0)})) == 10 + 2


def test_a_use_after_a_restart_is_seen_though_the_number_is_smaller() -> None:
    assert unused_days((10, {"one": (0, 7)}), (17, {"one": (15, 3)})) == 0


def test_a_use_before_a_restart_stays_known() -> None:
    assert unused_days((10, {"one": (0, 7)}), (17, {"one": (10, 0)})) == 7


def test_a_server_that_is_new_counts_from_its_start() -> None:
    assert unused_days((10, {"one": (0, 0)}), (17, {"one": (0, 0), "two": (14, 0)})) == 10 + 3


def test_another_index_of_the_same_name_begins_anew() -> None:
    before = looks((10, {"one": (0, 0)}))
    after = watch(before, "b", {"one": Count(since=at(11), operations=0)}, at(12))
    assert after.unused == timedelta(days=1)
    assert not usage_of(before, after, "", at(12)).known


def test_one_that_somebody_shows_again_begins_anew() -> None:
    before = hidden(hiding(looks((10, {"one": (0, 0)})), at(10)))
    after = watch(before, "a", {"one": Count(since=at(0), operations=0)}, at(12))
    assert (after.unused, after.hiding_at) == (timedelta(), None)


def test_one_whose_hiding_was_killed_is_still_unused() -> None:
    before = hiding(looks((10, {"one": (0, 0)})), at(10))
    after = watch(before, "a", {"one": Count(since=at(0), operations=0)}, at(12))
    assert after.unused == timedelta(days=12)


RUNS = st.lists(st.tuples(st.floats(0.1, 9), st.booleans(), st.floats(0, 1), st.integers(0, 2)), min_size=1, max_size=8)


@given(RUNS)
def test_no_history_of_looks_restarts_and_uses_makes_it_longer_than_the_last_use_that_was_seen(
    runs: list[tuple[float, bool, float, int]],
) -> None:
    """Each run: days since the last, whether the server restarted meanwhile, when, and uses after that."""
    memory, day, since, operations, used_by = None, 0.0, 0.0, 0, 0.0
    for days, restarted, share, uses in runs:
        if restarted:
            since, operations = day + days * share, 0
        before, day = day, day + days
        operations += uses
        if uses:
            # At the earliest then: after the last look, and after a restart.
            used_by = max(before, since)
        memory = watch(memory, "a", {"one": Count(since=at(since), operations=operations)}, at(day))
    assert memory
    assert memory.unused <= at(day) - at(used_by) + timedelta(milliseconds=1)
