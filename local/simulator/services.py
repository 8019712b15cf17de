"""The true answers: what Spotify, its accounts service and ReccoBeats say to a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from local.simulator import answers, catalog, features
from local.simulator.answers import Reply
from local.simulator.catalog import encode
from local.simulator.chance import ID_PATTERN
from local.simulator.listeners import Listeners
from local.simulator.settings import Settings
from local.simulator.spoiling import ITEM_KEYS
from local.simulator.tokens import Credentials, Tokens

SPOTIFY = "spotify"
RECCOBEATS = "reccobeats"
ACCOUNTS = "accounts"
BATCH_SIZES = {"audio-features": 100, "tracks": 50, "artists": 50, "albums": 20}
RECCOBEATS_BATCH_SIZE = 40
LISTENERS_PATHS = {"me": "me", "me/player/recently-played": "recently-played", "me/playlists": "playlists"}
"""What a listener's token is for, and the name of each."""
_ID = re.compile(ID_PATTERN, re.ASCII)

Maker = Callable[[str, bool], bytes | None]
_MAKERS: dict[str, Maker] = {
    "audio-features": lambda one, development: features.spotify_features(one),
    "tracks": catalog.track,
    "artists": catalog.artist,
    "albums": catalog.album,
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call as it came: `ids` are those asked for; `batch` tells whether by ids= or in the path."""

    service: str
    endpoint: str
    ids: tuple[str, ...] = ()
    batch: bool = True
    authorization: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


def spotify(call: Call, settings: Settings, tokens: Tokens, listeners: Listeners) -> Reply:
    """Answer a call below /v1."""
    problem = tokens.problem(call.authorization)
    if problem:
        return answers.spotify_error(401, problem)
    if call.endpoint in LISTENERS_PATHS.values():
        return _listeners_own(call, tokens, listeners)
    if call.endpoint not in BATCH_SIZES:
        return answers.spotify_error(404, "Service not found")
    if call.endpoint == "audio-features" and settings.features_closed:
        return answers.closed_endpoint()
    if not call.batch:
        return _single(call, settings)
    if settings.development and call.endpoint != "audio-features":
        return answers.removed_batch()
    return _batch(call, settings)


def token(authorization: str, form: bytes, settings: Settings, credentials: Credentials, tokens: Tokens) -> Reply:
    """Answer the request for a token."""
    grant = parse_qs(form.decode("utf-8", "replace")).get("grant_type", [""])[0]
    if not credentials.match(authorization):
        return answers.accounts_error("invalid_client", "Invalid client")
    if grant != "client_credentials":
        return answers.accounts_error("unsupported_grant_type", "grant_type must be client_credentials")
    body = {
        "access_token": tokens.issue(settings.token_seconds),
        "token_type": "Bearer",
        "expires_in": int(settings.token_seconds),
    }
    return Reply(body=encode(body), headers={"Cache-Control": "no-store"})


def reccobeats(call: Call, settings: Settings) -> Reply:
    """Answer ReccoBeats' audio features: what is known, in an order of its own."""
    if not 1 <= len(call.ids) <= RECCOBEATS_BATCH_SIZE:
        return answers.reccobeats_size_error()
    asked = [one for one in dict.fromkeys(call.ids) if one not in settings.unknown_ids and _ID.fullmatch(one)]
    known = sorted(filter(None, map(features.reccobeats_features, asked)))
    return Reply(body=b'{"content":[' + b",".join(body for _, body in known) + b"]}")


def _listeners_own(call: Call, tokens: Tokens, listeners: Listeners) -> Reply:
    user = tokens.owner(call.authorization)
    if user is None:
        return answers.spotify_error(401, "Valid user authentication required")
    listener = listeners.of(user)
    if call.endpoint == "me":
        return Reply(body=encode({"id": user, "display_name": user.title(), "type": "user"}))
    if call.endpoint == "playlists":
        return Reply(body=encode(listener.page_of_playlists(user, call.query)))
    return Reply(body=encode(listener.recently_played(call.query)))


def _single(call: Call, settings: Settings) -> Reply:
    (one,) = call.ids
    if not _ID.fullmatch(one):
        return answers.spotify_error(400, "Invalid base62 id")
    body = _item(call.endpoint, one, settings)
    return answers.spotify_error(404, "Resource not found") if body is None else Reply(body=body)


def _batch(call: Call, settings: Settings) -> Reply:
    if not call.ids:
        return answers.spotify_error(400, "Missing required field: ids")
    if len(call.ids) > BATCH_SIZES[call.endpoint]:
        return answers.spotify_error(400, "Too many ids requested")
    if not all(map(_ID.fullmatch, call.ids)):
        return answers.spotify_error(400, "invalid id")
    items = [_item(call.endpoint, one, settings) or b"null" for one in call.ids]
    return Reply(body=b'{"%s":[%s]}' % (ITEM_KEYS[call.endpoint].encode(), b",".join(items)))


def _item(endpoint: str, one: str, settings: Settings) -> bytes | None:
    return None if one in settings.unknown_ids else _MAKERS[endpoint](one, settings.development)
