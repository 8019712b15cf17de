"""A listener's account: its calls, each through the gate, each answered with data or an error that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, NoReturn

from spotipy import Spotify

from echotune.enrichment.addresses import SPOTIFY_API, address
from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import Received, classify_spotify
from echotune.enrichment.gate import Gate
from echotune.enrichment.http import Bounds, ClassifyingSession, Refused
from echotune.enrichment.spotify_client import keep_secrets_out_of_logs
from echotune.spotify_account.errors import AccountError, AccountUnavailable, Postponed
from echotune.spotify_account.tokens import AUTHORIZE_AGAIN, AccountAuthorization

ITEMS_AT_ONCE = 50
"""The most plays, or playlists, in one answer."""
MOST_PLAYLISTS = 20_000
"""Spotify lets a listener have some ten thousand. Who tells more tells the same ones again and again."""


class AccountClient:
    """Makes single calls with a listener's access token: no retry, no wait.

    :param api_url: where the Web API is, by default Spotify's own; a host alone gets the usual path
    """

    def __init__(self, access_token: str, api_url: str | None = None, *, bounds: Bounds | None = None) -> None:
        keep_secrets_out_of_logs()
        self._spotify = Spotify(auth=access_token, requests_session=ClassifyingSession(classify_account, bounds))
        self._spotify.prefix = self.api_url = address(api_url, SPOTIFY_API) + "/"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_url={self.api_url!r})"

    def profile(self) -> Answer:
        """Ask whose account it is. DATA is the profile, with its ``id``."""
        return _call(self._spotify.me)

    def recently_played(self, after: int | None) -> Answer:
        """Ask for up to 50 plays, the newest first.

        :param after: a time in milliseconds since 1970 that all of them follow; None for the latest there are
        """
        return _call(lambda: self._spotify.current_user_recently_played(limit=ITEMS_AT_ONCE, after=after))

    def playlists(self, offset: int) -> Answer:
        """Ask for up to 50 playlists, from one on, counted from 0."""
        return _call(lambda: self._spotify.current_user_playlists(limit=ITEMS_AT_ONCE, offset=offset))


class Account:
    """The account of one listener.

    The first call refreshes the access token on its way, so that it counts as one call. All methods raise AccountError,
    AccountUnavailable or Postponed, each of which names the listener.

    :param refresh_token: the listener's, as it was kept last
    :param keep: keeps the refresh token that takes its place; called before the access token is used
    :param gate: what every call goes through
    :param api_url: where the Web API is, by default Spotify's own
    """

    def __init__(
        self,
        username: str,
        authorization: AccountAuthorization,
        refresh_token: str,
        *,
        keep: Callable[[str], object],
        gate: Gate,
        api_url: str | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self.username = username
        self._authorization, self._refresh_token, self._keep = authorization, refresh_token, keep
        self._gate, self._api_url, self._bounds = gate, api_url, bounds
        self._client: AccountClient | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.username!r})"

    def recently_played(self, after: int | None) -> list[Any]:
        """One page of plays; see AccountClient."""
        return self._items(lambda client: client.recently_played(after))

    def playlists(self) -> Iterator[Any]:
        """All playlists, page by page."""
        offset = 0
        while items := self._page_of_playlists(offset):
            yield from items
            offset += len(items)
            if len(items) < ITEMS_AT_ONCE:
                return
            if offset >= MOST_PLAYLISTS:
                raise AccountUnavailable(f"{self.username}: Spotify tells of playlists without an end")

    def _page_of_playlists(self, offset: int) -> list[Any]:
        return self._items(lambda client: client.playlists(offset))

    def _items(self, ask: Callable[[AccountClient], Answer]) -> list[Any]:
        items = data_of(self.username, self._gate.call(lambda: self._ask(ask))).get("items")
        if not isinstance(items, list):
            raise AccountUnavailable(f"{self.username}: Spotify answered without a list of items")
        return items

    def _ask(self, ask: Callable[[AccountClient], Answer]) -> Answer:
        if self._client is None:
            tokens = self._authorization.refresh(self._refresh_token)
            if tokens.outcome is not Outcome.DATA:
                return tokens
            self._take(tokens.body)
            self._client = AccountClient(tokens.body["access_token"], self._api_url, bounds=self._bounds)
        return ask(self._client)

    def _take(self, tokens: Mapping[str, str]) -> None:
        if tokens["refresh_token"] != self._refresh_token:
            self._refresh_token = tokens["refresh_token"]
            self._keep(self._refresh_token)


def classify_account(received: Received) -> Answer:
    """Classify an answer of the Web API to a listener's token, which was given a moment before."""
    answer = classify_spotify(received)
    if received.status != HTTPStatus.UNAUTHORIZED:
        return answer
    return replace(answer, reason=f"Spotify refused the access token (401): {AUTHORIZE_AGAIN}")


def data_of(username: str, answer: Answer) -> Mapping[str, Any]:
    """The body of a good answer.

    :raises AccountError, AccountUnavailable, Postponed: it is no good one
    """
    if answer.outcome is not Outcome.DATA:
        _refuse(username, answer)
    body: Mapping[str, Any] = answer.body
    return body


def _refuse(username: str, answer: Answer) -> NoReturn:
    told = f"{username}: {answer.reason}"
    if answer.outcome is Outcome.RATE_LIMITED:
        raise Postponed(told, seconds=answer.seconds)
    if answer.outcome in (Outcome.TRANSIENT, Outcome.BROKEN):
        raise AccountUnavailable(told)
    raise AccountError(told)


def _call(ask: Callable[[], Any]) -> Answer:
    try:
        return Answer(outcome=Outcome.DATA, body=ask(), status=HTTPStatus.OK)
    except Refused as refused:
        return refused.answer
