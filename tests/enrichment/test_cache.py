"""The cache: true answers only, honest about their age, never an error."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.cache import AnswerCache, CachedProvider
from echotune.enrichment.providers.base import Lookup, Values
from echotune.enrichment.shared_state import SharedState

NOW = datetime(2026, 11, 23, 12, 0, 0, 123_000, tzinfo=UTC)
FEATURES: Values = {
    **dict.fromkeys(("danceability", "energy", "speechiness", "acousticness", "liveness"), 0.123456789),
    "instrumentalness": 2.5e-05,
    "valence": 0.5,
    "tempo": 120.001,
    "loudness": -7.25,
    "key": 11,
    "mode": 1,
    "time_signature": 4,
}
KEY = "echotune:answer:{test}:"


@pytest.fixture
def cache(redis_client: redis.Redis) -> AnswerCache:
    return AnswerCache(SharedState(redis_client), "test")


class Service:
    """A provider that knows some ids, has never heard of some, and remembers what it was asked."""

    name = "service"

    def __init__(self, known: Mapping[str, Values], *, broken: frozenset[str] = frozenset()) -> None:
        self.known, self.broken = known, broken
        self.batch_size = 3
        self.asked: list[list[str]] = []
        self.refusal: Answer | None = None

    def look_up(self, ids: Sequence[str]) -> Lookup:
        assert len(ids) <= self.batch_size
        self.asked.append(list(ids))
        if self.refusal:
            return Lookup(refusal=self.refusal)
        return Lookup(
            found={identity: self.known[identity] for identity in ids if identity in self.known},
            absent=frozenset(ids) - self.known.keys() - self.broken,
            broken={identity: "no number" for identity in ids if identity in self.broken},
        )


def test_answers_come_back_as_they_were_with_their_time(cache: AnswerCache) -> None:
    values = FEATURES | {"name": "Für Elise 🎹", "genres": ["a", "b"], "explicit": False}
    cache.put({"a": values, "empty": {}}, ["b"], NOW)
    known = cache.get_many(["a", "b", "c", "empty"])
    assert known == Lookup(
        found={"a": values, "empty": {}}, absent=frozenset({"b"}), fetched_at={"a": NOW, "b": NOW, "empty": NOW}
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("xyz", min_size=1), st.dictionaries(st.text("ab"), json_values, max_size=4), max_size=5))
def test_whatever_json_can_say_comes_back(redis_client: redis.Redis, found: dict[str, Values]) -> None:
    redis_client.flushdb()
    cache = AnswerCache(SharedState(redis_client), "test")
    cache.put(found, [], NOW)
    assert cache.get_many(sorted(found)).found == found


def test_the_time_is_kept_in_milliseconds(cache: AnswerCache) -> None:
    cache.put({"a": {}}, [], NOW.replace(microsecond=999_999))
    assert cache.get_many(["a"]).fetched_at["a"] == NOW.replace(microsecond=999_000)


def test_answers_live_for_a_week_and_absences_for_a_day(cache: AnswerCache, redis_client: redis.Redis) -> None:
    cache.put({"a": FEATURES}, ["b"], NOW)
    assert 604_700 < redis_client.ttl(KEY + "a") <= 604_800
    assert 86_300 < redis_client.ttl(KEY + "b") <= 86_400


def test_answers_that_are_too_old_do_not_count(cache: AnswerCache) -> None:
    cache.put({"old": {}}, ["gone"], NOW)
    cache.put({"new": {}}, [], NOW + timedelta(hours=1))
    known = cache.get_many(["old", "new", "gone"], not_before=NOW + timedelta(milliseconds=1))
    assert (list(known.found), known.absent) == (["new"], frozenset())
    assert len(cache.get_many(["old", "new", "gone"], not_before=NOW).fetched_at) == 3


def test_namespaces_do_not_mix(cache: AnswerCache, redis_client: redis.Redis) -> None:
    cache.put({"a": FEATURES}, [], NOW)
    assert AnswerCache(SharedState(redis_client), "other").get_many(["a"]).found == {}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_number_that_is_none_is_kept(
    cache: AnswerCache, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture, number: float
) -> None:
    cache.put({"a": {"tempo": number}, "b": {"tempo": 1}}, [], NOW)
    assert cache.get_many(["a", "b"]).found == {"b": {"tempo": 1}}
    assert "one of its values is no finite number" in caplog.text
    redis_client.set(KEY + "a", '[1700000000000,{"tempo":NaN}]')
    assert cache.get_many(["a"]).found == {}


BROKEN = [
    b"",
    b"no json",
    b"\xff\xfe\x00",
    b"17",
    b"[]",
    b"[1, {}, 3]",
    b'["monday", {}]',
    b"[1.5, {}]",
    b"[1, [2]]",
    b"[100000000000000000000, {}]",
    b"[true, {}]",
    b"[" * 100_000,
    json.dumps({"found": 1}).encode(),
]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: repr(text[:20]))
def test_a_broken_entry_is_asked_for_anew_and_overwritten(
    cache: AnswerCache, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture, text: bytes
) -> None:
    redis_client.set(KEY + "a", text)
    service = Service({"a": FEATURES})
    with caplog.at_level(logging.DEBUG):
        assert CachedProvider(service, cache).look_up(["a"]).found == {"a": FEATURES}
    assert [record.levelno for record in caplog.records if record.name.startswith("echotune")] == [logging.DEBUG]
    assert CachedProvider(service, cache).look_up(["a"]).found == {"a": FEATURES}
    assert service.asked == [["a"]]


def test_a_key_of_another_type_is_overwritten(cache: AnswerCache, redis_client: redis.Redis) -> None:
    redis_client.rpush(KEY + "a", "one")
    assert cache.get_many(["a"]).found == {}
    cache.put({"a": FEATURES}, [], NOW)
    assert cache.get_many(["a"]).found == {"a": FEATURES}


def test_a_second_look_up_makes_no_call(cache: AnswerCache) -> None:
    service = Service({"a": FEATURES, "b": {"tempo": 1}})
    provider = CachedProvider(service, cache)
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    first = provider.look_up(["a", "b", "x"])
    assert first == Lookup(found=service.known, absent=frozenset({"x"})), "fetched now: no time is told"
    second = provider.look_up(["a", "b", "x"])
    assert (second.found, second.absent) == (first.found, first.absent)
    assert second.fetched_at.keys() == {"a", "b", "x"}
    assert all(before <= at <= datetime.now(UTC) for at in second.fetched_at.values())
    assert service.asked == [["a", "b", "x"]]
    assert (provider.name, provider.batch_size) == ("service", 3)


def test_only_what_is_not_known_is_asked_for(cache: AnswerCache) -> None:
    service = Service({"a": FEATURES, "b": {}, "c": {}})
    provider = CachedProvider(service, cache)
    provider.look_up(["b"])
    third = provider.look_up(["a", "b", "c"])
    assert service.asked == [["b"], ["a", "c"]]
    assert third.found.keys() == {"a", "b", "c"}
    assert third.fetched_at.keys() == {"b"}


def test_only_true_answers_are_kept(cache: AnswerCache, redis_client: redis.Redis) -> None:
    service = Service({}, broken=frozenset({"odd"}))
    provider = CachedProvider(service, cache)
    for outcome in Outcome:
        service.refusal = Answer(outcome=outcome, reason="no")
        assert provider.look_up(["a"]) == Lookup(refusal=service.refusal)
    service.refusal = None
    assert provider.look_up(["odd"]).broken == {"odd": "no number"}
    assert redis_client.keys("*") == []


def test_a_batch_that_shrank_is_asked_for_in_pieces_until_a_refusal(cache: AnswerCache) -> None:
    service = Service({})
    provider = CachedProvider(service, cache)
    service.batch_size = 1
    assert provider.look_up(["a", "b"]).absent == {"a", "b"}
    service.refusal = Answer(outcome=Outcome.RATE_LIMITED, seconds=9)
    last = provider.look_up(["a", "c", "d"])
    assert last.absent == {"a"}
    assert last.refusal is service.refusal
    assert service.asked == [["a"], ["b"], ["c"]]


def test_a_refresh_asks_although_it_is_known(cache: AnswerCache) -> None:
    cache.put({"a": {"tempo": 1}}, [], datetime.now(UTC) - timedelta(days=2))
    service = Service({"a": {"tempo": 2}})
    provider = CachedProvider(service, cache, not_before=datetime.now(UTC) - timedelta(days=1))
    assert provider.look_up(["a"]) == Lookup(found={"a": {"tempo": 2}})
    assert provider.look_up(["a"]).found == {"a": {"tempo": 2}}
    assert service.asked == [["a"]]


def test_a_cluster_caches_too(redis_cluster: redis.Redis) -> None:
    cache = AnswerCache(SharedState(redis_cluster), "test")
    cache.put({f"id{number}": FEATURES for number in range(50)}, ["none"], NOW)
    known = cache.get_many([f"id{number}" for number in range(50)] + ["none"])
    assert len(known.found) == 50
    assert known.absent == {"none"}


def test_a_batch_costs_little(cache: AnswerCache) -> None:
    rounds = 30
    batches: list[dict[str, dict[str, Any]]] = [
        {f"{batch:011}{number:011}": FEATURES for number in range(100)} for batch in range(rounds)
    ]
    began = time.process_time()
    for batch in batches:
        cache.get_many(list(batch))
        cache.put(batch, [], NOW)
    spent = (time.process_time() - began) / rounds
    assert spent < 0.003, "seconds of our own to miss and store 100 ids; 1 ms on an idle machine"
