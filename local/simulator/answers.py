"""An answer before it is sent, and the ones Spotify and ReccoBeats give for what they do not like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from local.simulator.catalog import encode

JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Status, body and headers. `ending` says what becomes of the connection: kept, or cut off, or reset."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: str = ""


def spotify_error(status: int, message: str | None) -> Reply:
    """Spotify's error; without a message where the facts say so."""
    error: dict[str, int | str] = {"status": status}
    if message is not None:
        error["message"] = message
    return Reply(status=status, body=encode({"error": error}))


def accounts_error(error: str, description: str) -> Reply:
    """The error of the token endpoint."""
    return Reply(status=400, body=encode({"error": error, "error_description": description}))


def closed_endpoint() -> Reply:
    """The 403 of audio-features for an application they are closed to."""
    return spotify_error(403, None)


def removed_batch() -> Reply:
    """The 403 of a batch endpoint in development mode."""
    return spotify_error(403, "Forbidden")


def premium_required() -> Reply:
    """The 403 of an application whose owner has no Premium: plain text."""
    text = b"Active premium subscription required for the owner of the app."
    return Reply(status=403, body=text, content_type="text/plain; charset=utf-8")


def too_many_requests(retry_after: str | None, quota: bool) -> Reply:
    """A 429, with its header where there is one."""
    error: dict[str, int | str] = {"status": 429, "message": "Too many requests"}
    if quota:
        error["reason"] = "QUOTA_EXCEEDED"
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Reply(status=429, body=encode({"error": error}), headers=headers)


def reccobeats_size_error() -> Reply:
    """What ReccoBeats says when there are not 1 to 40 ids."""
    error = {"path": "getAudioFeatures.ids", "message": "size must be between 1 and 40"}
    return Reply(status=400, body=encode({"status": 4004, "errors": [error]}))
