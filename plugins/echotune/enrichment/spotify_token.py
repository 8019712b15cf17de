"""Spotify's access token: fetched with the application's credentials, shared by workers through Redis."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis
from spotipy.cache_handler import CacheHandler
from spotipy.oauth2 import SpotifyClientCredentials

from echotune.enrichment.addresses import SPOTIFY_ACCOUNTS, address
from echotune.enrichment.classify import TOKEN, classify_token, parse
from echotune.enrichment.http import Bounds, ClassifyingSession
from echotune.enrichment.shared_state import REDIS_ERRORS

log = logging.getLogger(__name__)

MARGIN_SECONDS = 60
"""A token that ends sooner than this is not used: it could end on its way."""


class SharedToken(CacheHandler):
    """Keeps the token in Redis for as long as it is valid. Away, Redis is missed once in the log, and no worker waits.

    spotipy's own handler warns at every call, keeps tokens for ever and fails on a value that is no JSON.

    :param key: where the token is kept
    """

    def __init__(self, client: redis.Redis, key: str) -> None:
        self._client, self._key = client, key
        self._away = False

    def get_cached_token(self) -> dict[str, Any] | None:
        """Return what is kept, or None where that is nothing or no JSON object."""
        try:
            kept: Any = self._client.get(self._key)
        except REDIS_ERRORS as error:
            self._miss(error)
            return None
        self._away = False
        token = parse(kept or b"")
        return token if isinstance(token, dict) else None

    def save_token_to_cache(self, token_info: Mapping[str, Any]) -> None:
        """Keep a token until it ends."""
        try:
            self._client.set(self._key, json.dumps(token_info), ex=max(int(token_info["expires_in"]), 1))
        except REDIS_ERRORS as error:
            self._miss(error)

    def _miss(self, error: Exception) -> None:
        if not self._away:
            log.warning("Redis cannot share Spotify's token, so each worker fetches its own (%s)", type(error).__name__)
        self._away = True


class Credentials(SpotifyClientCredentials):
    """The application's credentials as spotipy asks them for a token.

    :param cache: shares the token with others
    :param on_token: told of each token before its first use, so that it can be kept out of logs
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        cache: CacheHandler,
        accounts_url: str | None = None,
        on_token: Callable[[str], object] | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        super().__init__(
            client_id,
            client_secret,
            requests_session=ClassifyingSession(classify_token, bounds),
            cache_handler=cache,
        )
        self.OAUTH_TOKEN_URL = address(accounts_url, SPOTIFY_ACCOUNTS)
        self._on_token = on_token
        self._token: dict[str, Any] | None = None
        self._refused: str | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def get_access_token(self, as_dict: bool = False, check_cache: bool = True) -> str:
        """Return a token that is valid as far as anybody here knows.

        :raises Refused: the token endpoint gave none
        """
        if self._token is None or not self._is_usable(self._token):
            self._token = self._next_token()
        return str(self._token["access_token"])

    def refuse(self) -> None:
        """Tell that the API refused the token given last: it is not given again."""
        if self._token is not None:
            self._refused = self._token["access_token"]

    def _next_token(self) -> dict[str, Any]:
        """The token another worker may have fetched meanwhile, or a new one."""
        shared: Any = self.cache_handler.get_cached_token()
        if not self._is_usable(shared):
            shared = self._add_custom_values_to_token_info(self._request_access_token())
            self.cache_handler.save_token_to_cache(shared)
        if self._on_token is not None:
            self._on_token(shared["access_token"])
        return dict(shared)

    def _is_usable(self, token: Any) -> bool:
        """Whether something is a token at all, has time left and was not refused."""
        if not isinstance(token, Mapping):
            return False
        text, ends = token.get("access_token"), token.get("expires_at")
        if not isinstance(text, str) or not isinstance(ends, int | float):
            return False
        return TOKEN.fullmatch(text) is not None and text != self._refused and ends - time.time() > MARGIN_SECONDS
