"""What a service allows is found out once a day, not once a worker."""

from __future__ import annotations

import re
import time

import redis

from echotune.enrichment.capabilities import Capabilities, Capability
from echotune.enrichment.shared_state import SharedState


def test_what_one_worker_found_out_all_know(redis_client: redis.Redis) -> None:
    here, there = (Capabilities(SharedState(redis_client), "client-id") for _ in range(2))
    assert here.get("tracks") is None
    there.remember("tracks", Capability.SINGLE)
    there.remember("audio-features", Capability.CLOSED)
    assert here.get("tracks") is Capability.SINGLE
    assert here.get("audio-features") is Capability.CLOSED
    assert here.get("albums") is None


def test_each_application_has_its_own(redis_client: redis.Redis) -> None:
    state = SharedState(redis_client)
    Capabilities(state, "one").remember("tracks", Capability.BATCH)
    assert Capabilities(state, "two").get("tracks") is None


def test_it_is_forgotten_after_a_day(redis_client: redis.Redis) -> None:
    state = SharedState(redis_client)
    Capabilities(state, "client-id").remember("tracks", Capability.BATCH)
    [key] = redis_client.keys("*")
    assert re.fullmatch(r"b'echotune:capability:[0-9a-f]{16}:tracks'", repr(key))
    assert 86_000 < redis_client.ttl(key) <= 86_400
    brief = Capabilities(state, "client-id", seconds=0.05)
    brief.remember("tracks", Capability.BATCH)
    time.sleep(0.1)
    assert brief.get("tracks") is None


def test_something_else_under_its_key_is_not_known(redis_client: redis.Redis) -> None:
    capabilities = Capabilities(SharedState(redis_client), "client-id")
    capabilities.remember("tracks", Capability.BATCH)
    [key] = redis_client.keys("*")
    for foreign in (b"perhaps", b"\xff\xfe"):
        redis_client.set(key, foreign)
        assert capabilities.get("tracks") is None
    capabilities.remember("tracks", Capability.SINGLE)
    assert capabilities.get("tracks") is Capability.SINGLE


def test_a_cluster_remembers_too(redis_cluster: redis.Redis) -> None:
    capabilities = Capabilities(SharedState(redis_cluster), "client-id")
    for endpoint in ("tracks", "artists", "albums"):
        capabilities.remember(endpoint, Capability.BATCH)
        assert capabilities.get(endpoint) is Capability.BATCH
