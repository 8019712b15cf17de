"""Spotify's and ReccoBeats' clients against the simulator, and against answers it does not give."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from spotipy.cache_handler import MemoryCacheHandler

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.http import Bounds
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.spotify_client import AT_ONCE, Kind, SpotifyClient, twice_if_refused
from echotune.enrichment.spotify_token import SharedToken
from local.ports import free_port
from local.servers.simulator import SpotifySimulator
from tests.support.http_server import RawServer, raw_server, replies, reply

KNOWN = [f"{number:022d}" for number in range(100) if number % 10]
UNKNOWN = "9" * 22
QUICK = Bounds(connect_seconds=1, read_seconds=0.4, total_seconds=2)
KEY = "echotune:spotify:token:test"
TOKEN = {"access_token": "BQ-a-token-nobody-may-read", "token_type": "Bearer", "expires_in": 3600}

Ask = Callable[[SpotifyClient], Answer]
ASKS: dict[str, Ask] = {
    "audio-features": lambda client: client.audio_features(KNOWN[:3]),
    "tracks": lambda client: client.several(Kind.TRACKS, KNOWN[:3]),
    "artists": lambda client: client.several(Kind.ARTISTS, KNOWN[:3]),
    "albums": lambda client: client.several(Kind.ALBUMS, KNOWN[:3]),
    "one track": lambda client: client.one(Kind.TRACKS, KNOWN[0]),
    "one artist": lambda client: client.one(Kind.ARTISTS, KNOWN[0]),
    "one album": lambda client: client.one(Kind.ALBUMS, KNOWN[0]),
}
ENDPOINTS = ("audio-features", "tracks", "artists", "albums")
every_ask = pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())


def client_of(simulator: SpotifySimulator, cache: Any = None, **more: Any) -> SpotifyClient:
    secret = more.pop("secret", simulator.password)
    return SpotifyClient(
        simulator.client_id, secret, cache, simulator.api_url, simulator.accounts_url, bounds=QUICK, **more
    )


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def client_at(server: RawServer, cache: Any = None) -> SpotifyClient:
    return SpotifyClient("id", "secret", cache or valid_token(), server.url, server.url, bounds=QUICK)


def valid_token() -> MemoryCacheHandler:
    return MemoryCacheHandler(TOKEN | {"expires_at": time.time() + 3600})


def test_audio_features_come_in_the_order_of_the_ids_with_nulls(simulator: SpotifySimulator) -> None:
    simulator.control.settings(unknown_ids=[UNKNOWN])
    answer = client_of(simulator).audio_features([KNOWN[1], UNKNOWN, KNOWN[0]])
    assert answer.outcome is Outcome.DATA
    assert [item and item["id"] for item in answer.body] == [KNOWN[1], None, KNOWN[0]]


@pytest.mark.parametrize("kind", Kind)
def test_a_full_batch_of_a_kind_comes_in_one_call(simulator: SpotifySimulator, kind: Kind) -> None:
    ids = (KNOWN * 2)[: AT_ONCE[kind]]
    answer = client_of(simulator).several(kind, ids)
    assert (answer.outcome, len(answer.body)) == (Outcome.DATA, len(ids))


@pytest.mark.parametrize("kind", Kind)
def test_one_of_a_kind_comes_alone_or_is_not_found(simulator: SpotifySimulator, kind: Kind) -> None:
    simulator.control.settings(unknown_ids=[UNKNOWN])
    client = client_of(simulator)
    assert client.one(kind, KNOWN[0]).body["id"] == KNOWN[0]
    assert client.one(kind, UNKNOWN).outcome is Outcome.NOT_FOUND


def test_a_market_is_never_sent(server: RawServer) -> None:
    client = client_at(server)
    for ask in ASKS.values():
        ask(client)
    assert len(server.asked) == len(ASKS)
    assert not [asked.path for asked in server.asked if "market" in asked.path]


@pytest.mark.parametrize(
    ("given", "asked"),
    [("", "/v1/tracks/x"), ("/", "/v1/tracks/x"), ("/v1", "/v1/tracks/x"), ("/proxy/v1/", "/proxy/v1/tracks/x")],
)
def test_the_address_may_be_a_host_alone_or_have_a_path(server: RawServer, given: str, asked: str) -> None:
    client = SpotifyClient("id", "secret", valid_token(), server.url + given, server.url, bounds=QUICK)
    client.one(Kind.TRACKS, "x")
    assert [one.path for one in server.asked] == [asked]


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({"what": "closed_endpoint"}, Outcome.FORBIDDEN_ENDPOINT),
        ({"what": "removed_batch"}, Outcome.FORBIDDEN_ENDPOINT),
        ({"what": "premium"}, Outcome.ACCOUNT_PROBLEM),
        ({"what": "rate_limit", "retry_after": 7, "seconds": 0}, Outcome.RATE_LIMITED),
        ({"what": "quota", "seconds": 0}, Outcome.RATE_LIMITED),
        ({"what": "status", "status": 400}, Outcome.BROKEN),
        ({"what": "status", "status": 404}, Outcome.NOT_FOUND),
        ({"what": "status", "status": 418}, Outcome.BROKEN),
        ({"what": "status", "status": 500}, Outcome.TRANSIENT),
        ({"what": "status", "status": 503}, Outcome.TRANSIENT),
        ({"what": "cut_off"}, Outcome.TRANSIENT),
        ({"what": "reset"}, Outcome.TRANSIENT),
        ({"what": "slow", "seconds": 0.6}, Outcome.TRANSIENT),
        ({"what": "empty"}, Outcome.BROKEN),
        ({"what": "html"}, Outcome.BROKEN),
        ({"what": "gzip_bomb", "megabytes": 40}, Outcome.BROKEN),
        ({"what": "redirect"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "list"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "string"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "number"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "null"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "error_string"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "error_string", "status": 500}, Outcome.TRANSIENT),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else "",
)
def test_every_bad_answer_is_classified(simulator: SpotifySimulator, rule: dict[str, object], outcome: Outcome) -> None:
    simulator.control.set_rules([rule | {"endpoint": endpoint} for endpoint in ENDPOINTS])
    client = client_of(simulator)
    answers = {name: ask(client) for name, ask in ASKS.items()}
    assert {name: answer.outcome for name, answer in answers.items()} == dict.fromkeys(ASKS, outcome)
    assert all(answer.reason and answer.body is None for answer in answers.values())


@pytest.mark.parametrize("shape", ["missing_key", "short", "long"])
def test_a_batch_of_another_length_is_broken(simulator: SpotifySimulator, shape: str) -> None:
    simulator.control.set_rules([{"endpoint": endpoint, "what": "shape", "shape": shape} for endpoint in ENDPOINTS])
    client = client_of(simulator)
    answers = [ASKS[endpoint](client) for endpoint in ENDPOINTS]
    assert [answer.outcome for answer in answers] == [Outcome.BROKEN] * 4
    assert all("3 were asked for" in answer.reason for answer in answers)


def test_a_rate_limit_tells_its_seconds(simulator: SpotifySimulator) -> None:
    simulator.control.set_rules([{"endpoint": "tracks", "what": "rate_limit", "retry_after": 48925, "seconds": 0}])
    assert ASKS["tracks"](client_of(simulator)).seconds == 48_925


@every_ask
def test_a_withdrawn_token_is_replaced_once(simulator: SpotifySimulator, ask: Ask) -> None:
    client = client_of(simulator)
    assert ask(client).outcome is Outcome.DATA
    simulator.control.expire_tokens()
    simulator.control.reset()
    assert twice_if_refused(lambda: ask(client)).outcome is Outcome.DATA
    report = simulator.control.report()
    assert (report["tokens_issued"], report["services"]["spotify"]["calls"]) == (1, 2)


def test_a_second_refusal_is_an_account_problem(simulator: SpotifySimulator) -> None:
    simulator.control.set_rules([{"endpoint": "tracks", "what": "status", "status": 401}])
    client = client_of(simulator)
    answer = twice_if_refused(lambda: ASKS["tracks"](client))
    assert (answer.outcome, answer.status) == (Outcome.ACCOUNT_PROBLEM, 401)
    report = simulator.control.report()
    assert (report["tokens_issued"], report["services"]["spotify"]["calls"]) == (2, 2)


def test_a_token_that_another_worker_fetched_is_used_instead_of_a_new_one(simulator: SpotifySimulator) -> None:
    cache = MemoryCacheHandler()
    first, second = client_of(simulator, cache), client_of(simulator, cache)
    ASKS["tracks"](first)
    ASKS["tracks"](second)
    simulator.control.expire_tokens()
    simulator.control.reset()
    assert twice_if_refused(lambda: ASKS["tracks"](first)).outcome is Outcome.DATA
    assert twice_if_refused(lambda: ASKS["tracks"](second)).outcome is Outcome.DATA
    assert simulator.control.report()["tokens_issued"] == 1


def test_a_token_about_to_end_is_not_used(simulator: SpotifySimulator) -> None:
    simulator.control.settings(token_seconds=30)
    client = client_of(simulator)
    ASKS["tracks"](client)
    ASKS["tracks"](client)
    assert simulator.control.report()["tokens_issued"] == 2


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"access_token": "t"},
        {"expires_at": 9e12},
        {"access_token": None, "expires_at": 9e12},
        {"access_token": "a b", "expires_at": 9e12},
        {"access_token": "t\r\nHost: x", "expires_at": 9e12},
        {"access_token": "t", "expires_at": "tomorrow"},
        {"access_token": "t", "expires_at": None},
        {"access_token": "t", "expires_at": 0},
        [],
        "token",
        7,
    ],
)
def test_a_useless_token_in_the_cache_is_replaced(simulator: SpotifySimulator, kept: Any) -> None:
    cache = MemoryCacheHandler(kept)
    assert ASKS["tracks"](client_of(simulator, cache)).outcome is Outcome.DATA
    assert cache.get_cached_token()["expires_at"] > time.time()


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({"what": "status", "status": 400}, Outcome.BROKEN),
        ({"what": "status", "status": 404}, Outcome.BROKEN),
        ({"what": "rate_limit", "retry_after": 7}, Outcome.RATE_LIMITED),
        ({"what": "status", "status": 502}, Outcome.TRANSIENT),
        ({"what": "reset"}, Outcome.TRANSIENT),
        ({"what": "cut_off"}, Outcome.TRANSIENT),
        ({"what": "empty"}, Outcome.BROKEN),
        ({"what": "html"}, Outcome.BROKEN),
        ({"what": "redirect"}, Outcome.BROKEN),
        ({"what": "gzip_bomb", "megabytes": 40}, Outcome.BROKEN),
        ({"what": "shape", "shape": "missing_key"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "list"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "error_string"}, Outcome.BROKEN),
        ({"what": "text_value", "field": "expires_in"}, Outcome.BROKEN),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else "",
)
def test_every_bad_answer_of_the_token_endpoint_is_classified(
    simulator: SpotifySimulator, rule: dict[str, object], outcome: Outcome
) -> None:
    simulator.control.set_rules([rule | {"endpoint": "token"}])
    answer = ASKS["tracks"](client_of(simulator))
    assert answer.outcome is outcome
    assert simulator.control.report()["services"]["spotify"]["calls"] == 0


def test_a_wrong_secret_says_what_to_check(simulator: SpotifySimulator) -> None:
    answer = ASKS["tracks"](client_of(simulator, secret="wrong"))
    assert answer.outcome is Outcome.ACCOUNT_PROBLEM
    assert "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET" in answer.reason


@pytest.mark.parametrize(
    ("client_id", "secret", "named"),
    [("", "s", "SPOTIFY_CLIENT_ID"), ("i", "", "SPOTIFY_CLIENT_SECRET"), ("i", "geheimnis-ü", "SPOTIFY_CLIENT_SECRET")],
)
def test_credentials_that_cannot_be_are_named(client_id: str, secret: str, named: str) -> None:
    with pytest.raises(EnrichmentError, match=named) as raised:
        SpotifyClient(client_id, secret)
    assert "geheimnis" not in str(raised.value)


def test_the_token_of_a_run_is_told_once_before_its_use(simulator: SpotifySimulator) -> None:
    told: list[str] = []
    client = client_of(simulator, on_token=told.append)
    ASKS["tracks"](client)
    ASKS["tracks"](client)
    assert len(told) == 1


def test_an_id_that_cannot_be_one_is_never_asked_for(server: RawServer) -> None:
    client = client_at(server)
    answer = client.several(Kind.TRACKS, ["spotify:local:Artist:Album:Title:200"])
    assert answer.outcome is Outcome.BROKEN
    assert server.asked == []


def test_a_redirect_takes_the_token_nowhere(server: RawServer) -> None:
    with raw_server() as elsewhere:
        server.answer = reply(307, headers={"Location": elsewhere.url})
        assert ASKS["tracks"](client_at(server)).outcome is Outcome.BROKEN
        assert client_at(server, MemoryCacheHandler()).one(Kind.TRACKS, "x").outcome is Outcome.BROKEN
        assert elsewhere.asked == []


def test_nothing_is_written_into_the_working_directory(
    simulator: SpotifySimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ASKS["tracks"](client_of(simulator))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("error")
def test_no_token_and_no_secret_reach_the_log(simulator: SpotifySimulator, caplog: pytest.LogCaptureFixture) -> None:
    cache = MemoryCacheHandler()
    with caplog.at_level(logging.DEBUG):
        client = client_of(simulator, cache)
        answers = [ask(client) for ask in ASKS.values()]
        simulator.control.set_rules([{"what": "status", "status": 401}])
        answers += [ask(client) for ask in ASKS.values()]
    told = caplog.text + repr([client, client.__dict__, answers[len(ASKS) :]])
    token = cache.get_cached_token()["access_token"]
    assert token not in told
    assert simulator.password not in told
    assert "Authorization" not in caplog.text


def test_workers_share_one_token_through_redis_until_it_ends(
    simulator: SpotifySimulator, redis_client: redis.Redis
) -> None:
    for _ in range(3):
        assert ASKS["tracks"](client_of(simulator, SharedToken(redis_client, KEY))).outcome is Outcome.DATA
    assert simulator.control.report()["tokens_issued"] == 1
    assert 3500 < redis_client.ttl(KEY) <= 3600


@pytest.mark.parametrize(
    "kept", [b"", b"\xff\x80", b"not json", b"[]", b"null", b'{"access_token": 5}', b"[" * 100_000]
)
def test_a_damaged_token_in_redis_is_replaced(
    simulator: SpotifySimulator, redis_client: redis.Redis, kept: bytes
) -> None:
    redis_client.set(KEY, kept)
    assert ASKS["tracks"](client_of(simulator, SharedToken(redis_client, KEY))).outcome is Outcome.DATA
    assert json.loads(redis_client.get(KEY))["access_token"]  # type: ignore[arg-type]


def test_a_key_of_another_type_is_no_obstacle(simulator: SpotifySimulator, redis_client: redis.Redis) -> None:
    redis_client.rpush(KEY, "a list")
    assert ASKS["tracks"](client_of(simulator, SharedToken(redis_client, KEY))).outcome is Outcome.DATA


def test_redis_away_is_told_once_and_without_its_password(
    simulator: SpotifySimulator, caplog: pytest.LogCaptureFixture
) -> None:
    away = redis.Redis.from_url(f"redis://:hidden-password@127.0.0.1:{free_port()}/0")
    client = client_of(simulator, SharedToken(away, KEY))
    for _ in range(3):
        assert ASKS["tracks"](client).outcome is Outcome.DATA
        simulator.control.expire_tokens()
        assert ASKS["tracks"](client).status == 401
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "hidden-password" not in caplog.text


def test_reccobeats_answers_with_the_tracks_it_has(simulator: SpotifySimulator) -> None:
    answer = ReccoBeatsClient(simulator.reccobeats_url, bounds=QUICK).audio_features(KNOWN[:40])
    assert answer.outcome is Outcome.DATA
    assert 20 < len(answer.body) <= 40
    assert all(item["href"].rpartition("/")[2] in KNOWN for item in answer.body)


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({"what": "status", "status": 400}, Outcome.BROKEN),
        ({"what": "status", "status": 404}, Outcome.BROKEN),
        ({"what": "rate_limit", "retry_after": 7, "seconds": 0}, Outcome.RATE_LIMITED),
        ({"what": "status", "status": 500}, Outcome.TRANSIENT),
        ({"what": "cut_off"}, Outcome.TRANSIENT),
        ({"what": "reset"}, Outcome.TRANSIENT),
        ({"what": "empty"}, Outcome.BROKEN),
        ({"what": "html"}, Outcome.BROKEN),
        ({"what": "redirect"}, Outcome.BROKEN),
        ({"what": "gzip_bomb", "megabytes": 40}, Outcome.BROKEN),
        ({"what": "shape", "shape": "list"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "missing_key"}, Outcome.BROKEN),
        ({"what": "shape", "shape": "error_string"}, Outcome.BROKEN),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else "",
)
def test_every_bad_answer_of_reccobeats_is_classified(
    simulator: SpotifySimulator, rule: dict[str, object], outcome: Outcome
) -> None:
    simulator.control.set_rules([rule | {"endpoint": "reccobeats"}])
    answer = ReccoBeatsClient(simulator.reccobeats_url, bounds=QUICK).audio_features(KNOWN[:3])
    assert (answer.outcome, answer.body) == (outcome, None)


def test_more_than_reccobeats_takes_at_once_is_broken_and_says_so(simulator: SpotifySimulator) -> None:
    answer = ReccoBeatsClient(simulator.reccobeats_url, bounds=QUICK).audio_features(KNOWN[:41])
    assert answer.outcome is Outcome.BROKEN
    assert "size must be between 1 and 40" in answer.reason


def test_a_content_that_is_no_list_is_broken(server: RawServer) -> None:
    server.answer = replies(reply(body=b'{"content": {}}'), reply(body=b'{"content": null}'))
    client = ReccoBeatsClient(server.url, bounds=QUICK)
    assert [client.audio_features(KNOWN[:1]).outcome for _ in range(2)] == [Outcome.BROKEN] * 2
