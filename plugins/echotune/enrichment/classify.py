"""What an HTTP answer of Spotify or ReccoBeats means: status, headers and body to one of seven outcomes.

Status alone is not enough: three different things are a 403, and a proxy's error page is none of them. Sources of the
table: Spotify's Web API reference, and answers that its users reported.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.plain_text import excerpt

UNKNOWN_WAIT_SECONDS = 30
"""How long a rate limit lasts that does not say so: Spotify's rolling window."""
UNKNOWN_QUOTA_SECONDS = 3600
"""How long a used-up quota lasts that does not say so."""
LONGEST_WAIT_SECONDS = 7 * 86_400
LONGEST_TOKEN_SECONDS = 365 * 86_400

TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
BAD_CREDENTIALS = frozenset({"invalid_client", "unauthorized_client", "invalid_grant"})
TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")
ABOUT_THE_ACCOUNT = re.compile(r"premium|not registered|developer dashboard", re.IGNORECASE)
CHECK_CREDENTIALS = "check SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"

SERVER_ERRORS = range(500, 600)
REDIRECTS = range(300, 400)


@dataclass(frozen=True, kw_only=True)
class Received:
    """An HTTP answer as it came.

    :param headers: with names found in any case, as requests gives them
    :param body: decompressed
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


Classify = Callable[[Received], Answer]


def classify_spotify(received: Received) -> Answer:
    """Classify an answer of the Web API. A 401 is an account problem: whoever called may try a new token first."""
    body = parse(received.body)
    match received.status:
        case HTTPStatus.OK:
            return _data("Spotify", received, body)
        case HTTPStatus.UNAUTHORIZED:
            said = _said(body)
            return _answer(
                Outcome.ACCOUNT_PROBLEM, received, f"Spotify refused the access token ({said}): {CHECK_CREDENTIALS}"
            )
        case HTTPStatus.FORBIDDEN:
            return _spotify_forbidden(received, body)
        case HTTPStatus.NOT_FOUND:
            return _spotify_not_found(received, body)
        case _:
            return _by_status("Spotify", received, body)


def classify_token(received: Received) -> Answer:
    """Classify an answer of Spotify's token endpoint. DATA has a usable ``access_token`` and ``expires_in``."""
    body = parse(received.body)
    match received.status:
        case HTTPStatus.OK if _is_token(body):
            return Answer(outcome=Outcome.DATA, body=body, status=received.status)
        case HTTPStatus.OK:
            return _answer(Outcome.BROKEN, received, "Spotify's token endpoint answered without a usable token")
        case HTTPStatus.BAD_REQUEST if _error_code(body) not in BAD_CREDENTIALS:
            reason = f"Spotify's token endpoint did not understand the request (400): {_said(body)}"
            return _answer(Outcome.BROKEN, received, reason)
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNAUTHORIZED:
            reason = f"Spotify does not know this application ({_said(body)}): {CHECK_CREDENTIALS}"
            return _answer(Outcome.ACCOUNT_PROBLEM, received, reason)
        case HTTPStatus.FORBIDDEN if isinstance(body, Mapping) or ABOUT_THE_ACCOUNT.search(_text(received.body)):
            reason = f"Spotify gives this application no token (403): {_said(body, received)}"
            return _answer(Outcome.ACCOUNT_PROBLEM, received, reason)
        case _:
            return _by_status("Spotify's token endpoint", received, body)


def classify_reccobeats(received: Received) -> Answer:
    """Classify an answer of ReccoBeats. It leaves unknown ids out, so that a 404 says nothing of a track."""
    body = parse(received.body)
    match received.status:
        case HTTPStatus.OK:
            return _data("ReccoBeats", received, body)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN if isinstance(body, Mapping):
            reason = f"ReccoBeats no longer answers without a key ({received.status}): {_said(body)}"
            return _answer(Outcome.FORBIDDEN_ENDPOINT, received, reason)
        case _:
            return _by_status("ReccoBeats", received, body)


def parse(body: bytes) -> Any:
    """The JSON value of a body, or None where it is no JSON (or is ``null``, which nobody sends on purpose)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def retry_after_seconds(headers: Mapping[str, str], *, unknown: float, now: float | None = None) -> float:
    """How long a Retry-After header (seconds, or an HTTP date) says to wait, at least 1 second and at most 7 days.

    :param unknown: the seconds where there is no such header, or one that makes no sense
    :param now: seconds since 1970, to which a date is compared
    """
    written = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{0,15})?", written):
        return min(max(float(written), 1), LONGEST_WAIT_SECONDS)
    try:
        until = parsedate_to_datetime(written).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return unknown
    seconds = until - (time.time() if now is None else now)
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds >= 1 else unknown


def _data(service: str, received: Received, body: Any) -> Answer:
    if isinstance(body, dict):
        return Answer(outcome=Outcome.DATA, body=body, status=received.status)
    what = "nothing" if not received.body else "something that is no JSON object"
    return _answer(Outcome.BROKEN, received, f"{service} answered 200 with {what}")


def _spotify_forbidden(received: Received, body: Any) -> Answer:
    error = _error(body)
    if isinstance(error, Mapping):
        message = error.get("message")
        if not message or message == "Forbidden":
            reason = "Spotify does not let this application call this endpoint (403)"
            return _answer(Outcome.FORBIDDEN_ENDPOINT, received, reason)
    elif not error and not ABOUT_THE_ACCOUNT.search(_text(received.body)):
        return _answer(Outcome.BROKEN, received, "a 403 that is not Spotify's: is a proxy in between?")
    said = _said(body, received)
    return _answer(Outcome.ACCOUNT_PROBLEM, received, f"Spotify refuses this application's account (403): {said}")


def _spotify_not_found(received: Received, body: Any) -> Answer:
    error = _error(body)
    message = error.get("message") if isinstance(error, Mapping) else None
    # What Spotify says of a path that it does not have: nothing about the track.
    if not isinstance(error, Mapping) or message == "Service not found":
        return _answer(Outcome.BROKEN, received, "a 404 for the address, not for what was asked: check SPOTIFY_API_URL")
    return _answer(Outcome.NOT_FOUND, received, f"Spotify does not have it (404): {_said(body)}")


def _by_status(service: str, received: Received, body: Any) -> Answer:
    """What a status means that every service uses alike."""
    status = received.status
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _rate_limited(service, received, body)
    if status in TRY_AGAIN or status in SERVER_ERRORS:
        return _answer(Outcome.TRANSIENT, received, f"{service} has a fault of its own ({status})")
    if status in REDIRECTS:
        reason = f"{service} sent a redirect ({status}), which is never followed: check the address in the settings"
        return _answer(Outcome.BROKEN, received, reason)
    return _answer(Outcome.BROKEN, received, f"{service} answered {status}: {_said(body)}")


def _rate_limited(service: str, received: Received, body: Any) -> Answer:
    error = _error(body)
    quota = isinstance(error, Mapping) and error.get("reason") == "QUOTA_EXCEEDED"
    seconds = retry_after_seconds(received.headers, unknown=UNKNOWN_QUOTA_SECONDS if quota else UNKNOWN_WAIT_SECONDS)
    why = "the application's quota is used up" if quota else "too many calls"
    reason = f"{service}: {why} (429)"
    return Answer(outcome=Outcome.RATE_LIMITED, seconds=seconds, reason=reason, status=received.status)


def _answer(outcome: Outcome, received: Received, reason: str) -> Answer:
    return Answer(outcome=outcome, reason=reason, status=received.status)


def _error(body: Any) -> Any:
    return body.get("error") if isinstance(body, Mapping) else None


def _error_code(body: Any) -> str:
    error = _error(body)
    return error if isinstance(error, str) else ""


def _is_token(body: Any) -> bool:
    if not isinstance(body, Mapping):
        return False
    token, seconds = body.get("access_token"), body.get("expires_in")
    return (
        isinstance(token, str)
        and TOKEN.fullmatch(token) is not None
        and isinstance(seconds, int | float)
        and not isinstance(seconds, bool)
        and 0 < seconds <= LONGEST_TOKEN_SECONDS
    )


def _said(body: Any, received: Received | None = None) -> str:
    """What an error body says to a person, whatever its shape: Spotify's, OAuth's, ReccoBeats' or plain text."""
    error = _error(body)
    errors = body.get("errors") if isinstance(body, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    for place, name in ((error, "message"), (body, "error_description"), (body, "message"), (first, "message")):
        if isinstance(place, Mapping) and (text := place.get(name)) and isinstance(text, str):
            return excerpt(text)
    if isinstance(error, str) and error:
        return excerpt(error)
    return excerpt(_text(received.body)) if received is not None else "no explanation"


def _text(body: bytes) -> str:
    return body[:2000].decode("utf-8", errors="replace")
