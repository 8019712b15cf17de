"""Every fault a rule can ask for arrives as that fault, when the rule says and not otherwise."""

from __future__ import annotations

import gzip
import json
import math
import time
import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from local.errors import StackError
from local.simulator.spoiling import STRANGE_ID, gzip_bomb
from tests.support.simulator import Caller, some_ids

IDS = some_ids(5)


def _set(caller: Caller, what: str, **details: Any) -> None:
    caller.simulator.control.set_rules([{"what": what, **details}])


def _features(caller: Caller) -> httpx.Response:
    return caller.batch("audio-features", IDS)


def _items(answer: httpx.Response) -> list[Any]:
    items = json.loads(answer.content)["audio_features"]
    assert isinstance(items, list)
    return items


@pytest.mark.parametrize("status", [401, 404, 408, 500, 502, 503, 504])
def test_any_status_can_be_had(caller: Caller, status: int) -> None:
    _set(caller, "status", status=status, times=1)
    first = _features(caller)
    assert (first.status_code, first.json()["error"]["status"]) == (status, status)
    assert _features(caller).status_code == 200


def test_the_three_403s_differ(caller: Caller) -> None:
    _set(caller, "closed_endpoint", endpoint="tracks")
    assert caller.batch("tracks", IDS).json() == {"error": {"status": 403}}
    assert _features(caller).status_code == 200
    _set(caller, "removed_batch")
    assert _features(caller).json() == {"error": {"status": 403, "message": "Forbidden"}}
    _set(caller, "premium")
    answer = _features(caller)
    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "text/plain; charset=utf-8")
    assert answer.text.startswith("Active premium subscription required")


def test_a_429_in_the_middle_stops_everybody_for_as_long_as_it_says(caller: Caller) -> None:
    _set(caller, "rate_limit", nth=2, retry_after=1)
    assert _features(caller).status_code == 200
    assert _features(caller).headers["Retry-After"] == "1"
    assert caller.batch("tracks", IDS).status_code == 429
    time.sleep(1)
    assert caller.batch("tracks", IDS).status_code == 200
    (stop,) = caller.report()["stops"]
    assert (stop["reason"], stop["seconds"], len(stop["early_calls"])) == ("rule", 1, 1)


@pytest.mark.parametrize(("given", "header"), [(0, "0"), (-5, "-5"), ("soon", "soon"), (2.5, "2.5"), (None, None)])
def test_a_retry_after_can_be_anything(caller: Caller, given: object, header: str | None) -> None:
    _set(caller, "rate_limit", retry_after=given, seconds=0, times=1)
    answer = _features(caller)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)
    assert _features(caller).status_code == 200


def test_a_retry_after_can_be_a_date(caller: Caller) -> None:
    _set(caller, "rate_limit", retry_after="http-date", seconds=5)
    end = parsedate_to_datetime(_features(caller).headers["Retry-After"])
    assert 4 < (end - datetime.now(UTC)).total_seconds() <= 6.5


def test_a_quota_can_be_met_at_once(caller: Caller) -> None:
    _set(caller, "quota", retry_after=7293)
    answer = _features(caller)
    assert answer.json()["error"]["reason"] == "QUOTA_EXCEEDED"
    assert answer.headers["Retry-After"] == "7293"
    assert _features(caller).json()["error"]["reason"] == "QUOTA_EXCEEDED"


def test_the_token_endpoint_can_be_limited(caller: Caller) -> None:
    _set(caller, "rate_limit", endpoint="token", retry_after=3)
    assert caller.token().status_code == 429
    assert _features(caller).status_code == 200


def test_an_answer_can_be_slow(caller: Caller) -> None:
    _set(caller, "slow", seconds=0.4, times=1)
    with pytest.raises(httpx.ReadTimeout):
        caller.http.get(f"{caller.simulator.api_url}/audio-features?ids={IDS[0]}", timeout=0.1)
    begun = time.monotonic()
    assert _features(caller).status_code == 200
    assert time.monotonic() - begun < 0.3, "the others do not wait"


def test_a_body_can_be_cut_off_and_a_connection_reset(caller: Caller) -> None:
    _set(caller, "cut_off", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        _features(caller)
    _set(caller, "reset", times=1)
    with pytest.raises(httpx.ReadError):
        _features(caller)
    assert _features(caller).status_code == 200
    assert caller.report()["endpoints"]["audio-features"]["answers"] == {"cut_off": 1, "reset": 1, "200": 1}
    assert "Traceback" not in caller.simulator.service.log.read_text()


def test_a_body_can_be_no_json(caller: Caller) -> None:
    _set(caller, "empty")
    assert (_features(caller).status_code, _features(caller).content) == (200, b"")
    _set(caller, "html")
    answer = _features(caller)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [("list", list), ("string", str), ("number", int), ("null", type(None)), ("missing_key", dict)],
)
def test_json_can_have_another_shape(caller: Caller, shape: str, expected: type) -> None:
    _set(caller, "shape", shape=shape)
    answer = _features(caller)
    assert answer.status_code == 200
    assert type(answer.json()) is expected
    if shape == "missing_key":
        assert answer.json() == {}


def test_a_list_can_have_another_length_and_an_error_be_a_string(caller: Caller) -> None:
    _set(caller, "shape", shape="short")
    assert len(_items(_features(caller))) == 4
    _set(caller, "shape", shape="long")
    assert len(_items(_features(caller))) == 6
    _set(caller, "shape", shape="error_string")
    answer = _features(caller)
    assert (answer.status_code, answer.json()) == (400, {"error": "a string"})


def test_a_gzip_bomb_is_small_and_unpacks_to_valid_json(caller: Caller) -> None:
    _set(caller, "gzip_bomb", megabytes=200)
    with caller.http.stream("GET", f"{caller.simulator.api_url}/audio-features?ids={IDS[0]}") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        packed = b"".join(answer.iter_raw())
    assert len(packed) < 1_000_000
    unpacker, size = zlib.decompressobj(16 + zlib.MAX_WBITS), 0
    while not unpacker.eof:
        size += len(unpacker.decompress(packed, 1_000_000))
        packed = unpacker.unconsumed_tail
    assert size > 200 * 1024 * 1024
    assert json.loads(gzip.decompress(gzip_bomb("tracks", 2))) == {"tracks": []}


def test_a_redirect_leads_elsewhere(caller: Caller) -> None:
    _set(caller, "redirect", location="http://elsewhere.invalid/v1/tracks")
    answer = _features(caller)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://elsewhere.invalid/v1/tracks")


def test_one_item_can_be_wrong(caller: Caller) -> None:
    true = _items(_features(caller))
    wrong: dict[str, Any] = {}
    for what in ("strange_id", "out_of_range", "text_value", "missing_field", "not_a_number", "duplicate", "null_item"):
        _set(caller, what)
        wrong[what] = _items(_features(caller))
    assert wrong["strange_id"][0] == {**true[0], "id": STRANGE_ID}
    assert wrong["out_of_range"][0]["danceability"] == -7
    assert wrong["text_value"][0]["danceability"] == "loud"
    assert "danceability" not in wrong["missing_field"][0]
    assert math.isnan(wrong["not_a_number"][0]["danceability"])
    assert wrong["duplicate"] == [true[0], *true]
    assert wrong["null_item"] == [None, *true[1:]]
    assert all(items[1:] == true[1:] for what, items in wrong.items() if what != "duplicate")


def test_a_wrong_item_can_be_chosen_in_every_answer(caller: Caller) -> None:
    _set(caller, "out_of_range", field="tempo", value=1e9)
    assert _items(_features(caller))[0]["tempo"] == 1e9
    _set(caller, "strange_id", endpoint="reccobeats")
    hrefs = [item["href"] for item in caller.reccobeats(IDS).json()["content"]]
    assert hrefs[0] == f"https://open.spotify.com/track/{STRANGE_ID}"
    _set(caller, "out_of_range")
    assert caller.get(f"tracks/{IDS[0]}").json()["duration_ms"] == -7
    assert caller.get(f"artists/{IDS[0]}").json()["popularity"] == -7


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({"nth": 3}, [0, 0, 1, 0, 0, 0]),
        ({"nth": 2, "times": 2}, [0, 1, 1, 0, 0, 0]),
        ({"every": 2}, [0, 1, 0, 1, 0, 1]),
        ({"every": 2, "nth": 1}, [1, 0, 1, 0, 1, 0]),
        ({"times": 4}, [1, 1, 1, 1, 0, 0]),
        ({"ids": IDS[0]}, [1] * 6),
        ({"ids": "not in any"}, [0] * 6),
        ({"endpoint": "tracks"}, [0] * 6),
        ({"probability": 0}, [0] * 6),
    ],
)
def test_a_rule_says_when(caller: Caller, when: dict[str, Any], expected: list[int]) -> None:
    _set(caller, "status", status=503, **when)
    assert [int(_features(caller).status_code == 503) for _ in expected] == expected


def test_chance_repeats_with_its_seed(caller: Caller) -> None:
    def statuses(seed: int) -> list[int]:
        _set(caller, "status", status=500, probability=0.5, seed=seed)
        return [_features(caller).status_code for _ in range(20)]

    assert statuses(1) == statuses(1)
    assert set(statuses(1)) == {200, 500}
    assert statuses(1) != statuses(2)


def test_the_first_rule_that_applies_is_followed(caller: Caller) -> None:
    rules = [{"what": "status", "status": 502, "nth": 2}, {"what": "status", "status": 503}]
    caller.simulator.control.set_rules(rules)
    assert [_features(caller).status_code for _ in range(3)] == [503, 502, 503]
    assert caller.simulator.control.report()["rules_followed"] == [1, 2]
    caller.simulator.control.set_rules([])
    assert _features(caller).status_code == 200


def test_an_answer_that_a_rule_spoiled_is_not_counted_as_one(caller: Caller) -> None:
    _set(caller, "html", times=1)
    _features(caller)
    _features(caller)
    features = caller.report()["endpoints"]["audio-features"]
    assert (features["asked_most"], features["answered_most"]) == (2, 1)


@pytest.mark.parametrize("rule", [{"what": "status"}, {"what": "slow"}, {"what": "magic"}, {"what": "html", "when": 1}])
def test_a_rule_that_cannot_be_followed_is_refused(caller: Caller, rule: dict[str, Any]) -> None:
    with pytest.raises(StackError, match="422"):
        caller.simulator.control.set_rules([rule])
