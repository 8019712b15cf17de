"""A listener's authorization by OAuth with PKCE: asked for once, refreshed for each use.

Spotify gives another refresh token at each refresh, and the one before is worth nothing from then on. So whoever
refreshes keeps the new one before anything else happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyPKCE

from echotune.enrichment.addresses import SPOTIFY_ACCOUNTS, address
from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import TOKEN, Received, classify_token, parse
from echotune.enrichment.http import Bounds, ClassifyingSession, Refused
from echotune.enrichment.plain_text import excerpt
from echotune.enrichment.spotify_client import keep_secrets_out_of_logs

SCOPES = ("user-read-recently-played", "playlist-read-private")
AUTHORIZE_AGAIN = "run `make authorize` and sign in as this listener"
TOKEN_PATH, AUTHORIZE_PATH = "/api/token", "/authorize"
NOWHERE = "http://127.0.0.1/callback"
"""A redirect URI that is never called, which spotipy wants to have."""

Told = Callable[[str], object]


class AccountAuthorization(SpotifyPKCE):
    """The authorization of one listener, as spotipy asks for it and refreshes it.

    :param client_id: the application's id; PKCE needs no secret
    :param redirect_uri: where the browser is sent with the code, as the application's dashboard has it; a refresh sends
        nobody anywhere
    :param state: comes back with the code, so that no other page can bring one
    :param accounts_url: where the accounts service is, by default Spotify's own; a host alone gets the usual path
    :param on_token: told of each token before anything else, so that it can be kept out of logs
    """

    def __init__(
        self,
        *,
        client_id: str,
        redirect_uri: str = NOWHERE,
        state: str | None = None,
        accounts_url: str | None = None,
        on_token: Told | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        keep_secrets_out_of_logs()
        super().__init__(
            client_id=client_id,
            redirect_uri=redirect_uri,
            state=state,
            scope=SCOPES,
            requests_session=ClassifyingSession(classify_authorization, bounds),
            open_browser=False,
            cache_handler=MemoryCacheHandler(),
        )
        self.OAUTH_TOKEN_URL = address(accounts_url, SPOTIFY_ACCOUNTS)
        self.OAUTH_AUTHORIZE_URL = self.OAUTH_TOKEN_URL.removesuffix(TOKEN_PATH) + AUTHORIZE_PATH
        self._on_token = on_token

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def exchange(self, code: str) -> Answer:
        """Exchange the code of a consent. DATA has ``access_token`` and ``refresh_token``."""

        def ask() -> Any:
            self.get_access_token(code, check_cache=False)
            return self.cache_handler.get_cached_token()

        answer = _answer_of(ask)
        if answer.outcome is Outcome.DATA and not answer.body.get("refresh_token"):
            reason = "Spotify answered without a refresh token, so nothing could be asked for later"
            return Answer(outcome=Outcome.BROKEN, reason=reason, status=answer.status)
        return answer

    def refresh(self, refresh_token: str) -> Answer:
        """Ask for an access token. DATA has ``access_token``, and the ``refresh_token`` that is good from now on."""
        return _answer_of(lambda: self.refresh_access_token(refresh_token))

    def _add_custom_values_to_token_info(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """Tell of tokens as soon as they are there. A refresh token of null is none, so that the old one stays."""
        found = {name: value for name, value in token_info.items() if name != "refresh_token" or value is not None}
        if self._on_token is not None:
            for name in ("access_token", "refresh_token"):
                if found.get(name):
                    self._on_token(found[name])
        return dict(super()._add_custom_values_to_token_info(found))


def classify_authorization(received: Received) -> Answer:
    """Classify an answer of the token endpoint to a listener's code or refresh token."""
    answer, body = classify_token(received), parse(received.body)
    if received.status == HTTPStatus.BAD_REQUEST and isinstance(body, Mapping) and body.get("error") == "invalid_grant":
        said = excerpt(body.get("error_description") or "invalid_grant")
        reason = f"the authorization is over, or was taken back ({said})"
        return Answer(
            outcome=Outcome.ACCOUNT_PROBLEM, reason=f"{reason}: {AUTHORIZE_AGAIN}", status=HTTPStatus.BAD_REQUEST
        )
    if answer.outcome is Outcome.DATA and not _is_refresh_token(answer.body.get("refresh_token")):
        reason = "Spotify's token endpoint answered with a refresh token that cannot be one"
        return replace(answer, outcome=Outcome.BROKEN, body=None, reason=reason)
    return answer


def _is_refresh_token(found: object) -> bool:
    """Whether it can be one; an answer to a refresh may have none, where the old one stays good."""
    return found is None or (isinstance(found, str) and TOKEN.fullmatch(found) is not None)


def _answer_of(ask: Callable[[], Any]) -> Answer:
    try:
        return Answer(outcome=Outcome.DATA, body=ask(), status=HTTPStatus.OK)
    except Refused as refused:
        return refused.answer
