"""What an HTTP answer means."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import (
    Classify,
    Received,
    classify_reccobeats,
    classify_spotify,
    classify_token,
    retry_after_seconds,
)

HTML = b"<!DOCTYPE html><html><head><title>Access denied</title></head></html>"
PREMIUM = b"Active premium subscription required for the owner of the app."
TOKEN = "BQ" + "aB3_-x" * 20
DEEP = b"[" * 100_000


def error(status: int, **more: Any) -> bytes:
    return json.dumps({"error": {"status": status, **more}}).encode()


def answer_of(classify: Classify, status: int, body: bytes = b"", **headers: str) -> Answer:
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return classify(Received(status=status, headers=named, body=body))


SPOTIFY_TABLE: list[tuple[str, int, bytes, Outcome]] = [
    ("data", 200, b'{"tracks": []}', Outcome.DATA),
    ("an empty 200", 200, b"", Outcome.BROKEN),
    ("a list", 200, b"[]", Outcome.BROKEN),
    ("null", 200, b"null", Outcome.BROKEN),
    ("a string", 200, b'"data"', Outcome.BROKEN),
    ("half a body", 200, b'{"tracks": [', Outcome.BROKEN),
    ("an HTML page", 200, HTML, Outcome.BROKEN),
    ("endless nesting", 200, DEEP, Outcome.BROKEN),
    ("a number of many digits", 200, b'{"a": ' + b"1" * 10_000 + b"}", Outcome.BROKEN),
    ("bytes that are no text", 200, b"\xff\xfe\x80", Outcome.BROKEN),
    ("no content", 204, b"", Outcome.BROKEN),
    ("a redirect", 302, b"", Outcome.BROKEN),
    ("a redirect for ever", 308, b"{}", Outcome.BROKEN),
    ("a bad request", 400, error(400, message="Invalid base62 id"), Outcome.BROKEN),
    ("a bad request whose error is a string", 400, b'{"error": "a string"}', Outcome.BROKEN),
    ("a refused token", 401, error(401, message="The access token expired"), Outcome.ACCOUNT_PROBLEM),
    ("a closed endpoint", 403, error(403), Outcome.FORBIDDEN_ENDPOINT),
    ("a removed batch", 403, error(403, message="Forbidden"), Outcome.FORBIDDEN_ENDPOINT),
    ("no premium", 403, PREMIUM, Outcome.ACCOUNT_PROBLEM),
    ("no premium as JSON text", 403, json.dumps(PREMIUM.decode()).encode(), Outcome.ACCOUNT_PROBLEM),
    ("an unknown user", 403, error(403, message="User not registered"), Outcome.ACCOUNT_PROBLEM),
    ("an unknown user as text", 403, b"User not registered in the Developer Dashboard", Outcome.ACCOUNT_PROBLEM),
    ("a proxy's 403", 403, HTML, Outcome.BROKEN),
    ("a 403 with nothing", 403, b"", Outcome.BROKEN),
    ("another service's 403", 403, b'{"detail": "no"}', Outcome.BROKEN),
    ("an unknown id", 404, error(404, message="Resource not found"), Outcome.NOT_FOUND),
    ("an unknown id without a message", 404, error(404), Outcome.NOT_FOUND),
    ("an address Spotify does not have", 404, error(404, message="Service not found"), Outcome.BROKEN),
    ("a proxy's 404", 404, HTML, Outcome.BROKEN),
    ("a 404 with nothing", 404, b"", Outcome.BROKEN),
    ("another service's 404", 404, b'{"detail": "Not Found"}', Outcome.BROKEN),
    ("a 404 whose error is a string", 404, b'{"error": "Not Found"}', Outcome.BROKEN),
    ("gone", 410, error(410), Outcome.BROKEN),
    ("too slow", 408, b"", Outcome.TRANSIENT),
    ("too early", 425, b"", Outcome.TRANSIENT),
    ("too many", 429, b"Too many requests", Outcome.RATE_LIMITED),
    ("a fault", 500, b"", Outcome.TRANSIENT),
    ("a fault with a page", 502, HTML, Outcome.TRANSIENT),
    ("overload", 503, DEEP, Outcome.TRANSIENT),
    ("a status nobody knows", 299, b"{}", Outcome.BROKEN),
    ("a status of no class", 999, b"{}", Outcome.BROKEN),
]


@pytest.mark.parametrize(
    ("status", "body", "outcome"), [row[1:] for row in SPOTIFY_TABLE], ids=[r[0] for r in SPOTIFY_TABLE]
)
def test_spotify_s_answers_are_told_apart(status: int, body: bytes, outcome: Outcome) -> None:
    answer = answer_of(classify_spotify, status, body)
    assert (answer.outcome, answer.status) == (outcome, status)
    assert (answer.reason == "") is (outcome is Outcome.DATA)


def test_data_carries_the_parsed_body() -> None:
    assert answer_of(classify_spotify, 200, '{"name": "Ümläut"}'.encode()).body == {"name": "Ümläut"}


GOOD_TOKEN = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
TOKEN_TABLE: list[tuple[str, int, Any, Outcome]] = [
    ("a token", 200, GOOD_TOKEN, Outcome.DATA),
    ("no token", 200, GOOD_TOKEN | {"access_token": None}, Outcome.BROKEN),
    ("an empty token", 200, GOOD_TOKEN | {"access_token": ""}, Outcome.BROKEN),
    ("a token that is a number", 200, GOOD_TOKEN | {"access_token": 5}, Outcome.BROKEN),
    ("a token that would end the header", 200, GOOD_TOKEN | {"access_token": "a\r\nHost: b"}, Outcome.BROKEN),
    ("no end", 200, {"access_token": TOKEN}, Outcome.BROKEN),
    ("an end that is text", 200, GOOD_TOKEN | {"expires_in": "3600"}, Outcome.BROKEN),
    ("an end that is true", 200, GOOD_TOKEN | {"expires_in": True}, Outcome.BROKEN),
    ("an end in the past", 200, GOOD_TOKEN | {"expires_in": -1}, Outcome.BROKEN),
    ("an end that is no number", 200, GOOD_TOKEN | {"expires_in": float("nan")}, Outcome.BROKEN),
    ("an end that never comes", 200, GOOD_TOKEN | {"expires_in": float("inf")}, Outcome.BROKEN),
    ("a list", 200, [GOOD_TOKEN], Outcome.BROKEN),
    ("an unknown client", 400, {"error": "invalid_client"}, Outcome.ACCOUNT_PROBLEM),
    ("an unknown client, refused", 401, {"error": "invalid_client"}, Outcome.ACCOUNT_PROBLEM),
    ("a bad request", 400, {"error": "unsupported_grant_type"}, Outcome.BROKEN),
    ("a client that is barred", 403, {"error": {"status": 403}}, Outcome.ACCOUNT_PROBLEM),
    ("no such address", 404, {"error": {"status": 404, "message": "Resource not found"}}, Outcome.BROKEN),
    ("too many", 429, {}, Outcome.RATE_LIMITED),
    ("a fault", 503, {}, Outcome.TRANSIENT),
    ("a redirect", 301, {}, Outcome.BROKEN),
]


@pytest.mark.parametrize(
    ("status", "body", "outcome"), [row[1:] for row in TOKEN_TABLE], ids=[r[0] for r in TOKEN_TABLE]
)
def test_the_token_endpoint_s_answers_are_told_apart(status: int, body: Any, outcome: Outcome) -> None:
    assert answer_of(classify_token, status, json.dumps(body).encode()).outcome is outcome


def test_an_unknown_client_is_told_which_settings_to_look_at() -> None:
    answer = answer_of(classify_token, 400, b'{"error":"invalid_client","error_description":"Invalid client secret"}')
    assert "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET" in answer.reason
    assert "Invalid client secret" in answer.reason


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"content": []}', Outcome.DATA),
        (200, HTML, Outcome.BROKEN),
        (400, b'{"status": 4004, "errors": [{"message": "size must be between 1 and 40"}]}', Outcome.BROKEN),
        (401, b'{"error": "key"}', Outcome.FORBIDDEN_ENDPOINT),
        (403, b'{"message": "key needed"}', Outcome.FORBIDDEN_ENDPOINT),
        (403, HTML, Outcome.BROKEN),
        (404, b'{"error": {"status": 404}}', Outcome.BROKEN),
        (429, b"", Outcome.RATE_LIMITED),
        (500, b"", Outcome.TRANSIENT),
    ],
)
def test_reccobeats_answers_are_told_apart(status: int, body: bytes, outcome: Outcome) -> None:
    assert answer_of(classify_reccobeats, status, body).outcome is outcome


def test_what_reccobeats_says_of_a_bad_request_is_told() -> None:
    body = b'{"status": 4004, "errors": [{"path": "ids", "message": "size must be between 1 and 40"}]}'
    assert "size must be between 1 and 40" in answer_of(classify_reccobeats, 400, body).reason


@pytest.mark.parametrize("classify", [classify_spotify, classify_token, classify_reccobeats])
@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("74214", 74_214),
        ("0", 1),
        ("0.0", 1),
        ("99999999999", 7 * 86_400),
        ("9" * 400, 30),
        ("-5", 30),
        ("soon", 30),
        ("", 30),
        ("nan", 30),
        ("inf", 30),
        ("²", 30),
        ("Thu, 32 Foo 2026 00:00:00 GMT", 30),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 30),
        ("Thu, 01 Jan 9999 00:00:00 GMT", 7 * 86_400),
    ],
)
def test_a_rate_limit_says_how_long_nobody_may_call(classify: Classify, written: str, seconds: float) -> None:
    answer = answer_of(classify, 429, retry_after=written)
    assert (answer.outcome, answer.seconds) == (Outcome.RATE_LIMITED, seconds)


def test_a_retry_after_date_is_compared_to_the_clock() -> None:
    now = 1_800_000_000
    headers = {"Retry-After": formatdate(now + 90, usegmt=True)}
    assert retry_after_seconds(headers, unknown=30, now=now) == 90


def test_a_quota_without_a_time_lasts_an_hour() -> None:
    body = error(429, message="Too many requests", reason="QUOTA_EXCEEDED")
    assert answer_of(classify_spotify, 429, body).seconds == 3600
    assert answer_of(classify_spotify, 429, body, retry_after="74214").seconds == 74_214
    assert "quota" in answer_of(classify_spotify, 429, body).reason


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["error", "message"]), inner),
    max_leaves=12,
)
errors = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("error", "errors", "message", "error_description", "access_token", "expires_in"), json_values
    ),
)
bodies = st.binary() | json_values.map(json.dumps).map(str.encode) | errors.map(json.dumps).map(str.encode)
header_values = st.text(st.characters(max_codepoint=255), max_size=40)


@pytest.mark.parametrize("classify", [classify_spotify, classify_token, classify_reccobeats])
@given(
    status=st.integers(100, 999) | st.sampled_from([200, 400, 401, 403, 404, 429]),
    retry_after=header_values,
    body=bodies,
)
def test_any_answer_is_one_of_the_seven_and_says_why_in_clean_text(
    classify: Classify, status: int, retry_after: str, body: bytes
) -> None:
    answer = answer_of(classify, status, body, retry_after=retry_after)
    assert answer.outcome in Outcome
    assert (answer.outcome is Outcome.DATA) is (answer.body is not None)
    assert (1 <= answer.seconds <= 7 * 86_400) if answer.outcome is Outcome.RATE_LIMITED else answer.seconds == 0
    assert answer.reason.isprintable()
    assert len(answer.reason) < 400
    answer.reason.encode()


@pytest.mark.parametrize("secret", [TOKEN, "0123456789abcdef" * 2, "QWxhZGRpbjpvcGVuIHNlc2FtZQ+/AB=="])
@pytest.mark.parametrize(
    ("classify", "status", "make_body"),
    [
        (classify_spotify, 400, lambda secret: error(400, message=f"bad token {secret}")),
        (classify_spotify, 401, lambda secret: error(401, message=secret)),
        (classify_spotify, 403, lambda secret: f"premium {secret}".encode()),
        (classify_spotify, 403, lambda secret: f"premium {'x ' * 95}{secret}".encode()),
        (classify_token, 400, lambda secret: json.dumps({"error": secret}).encode()),
        (classify_reccobeats, 400, lambda secret: json.dumps({"errors": [secret]}).encode()),
    ],
)
def test_a_secret_that_an_answer_repeats_is_not_told(
    classify: Classify, status: int, make_body: Callable[[str], bytes], secret: str
) -> None:
    reason = answer_of(classify, status, make_body(secret)).reason
    assert secret[:20] not in reason


def test_what_is_told_of_a_body_is_short() -> None:
    assert len(answer_of(classify_spotify, 400, error(400, message="why " * 1000)).reason) < 250
