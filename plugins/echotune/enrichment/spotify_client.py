"""Spotify's Web API through spotipy, every answer classified."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from spotipy import Spotify, SpotifyException
from spotipy.cache_handler import CacheHandler, MemoryCacheHandler

from echotune.enrichment.addresses import SPOTIFY_API, address
from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import classify_spotify
from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.http import Bounds, ClassifyingSession, Refused
from echotune.enrichment.spotify_token import Credentials

AUDIO_FEATURES_AT_ONCE = 100
WORD = re.compile(r"[\x21-\x7e]+")


class Kind(StrEnum):
    """What Spotify's catalog has of one shape. The value is the name in its addresses and answers."""

    TRACKS = "tracks"
    ARTISTS = "artists"
    ALBUMS = "albums"


AT_ONCE = {Kind.TRACKS: 50, Kind.ARTISTS: 50, Kind.ALBUMS: 20}
"""The most ids in one call."""


class SpotifyClient:
    """Makes single calls: no retry, no wait, no batch cut to size. Not for use by several threads at once.

    After an answer with status 401 the next call goes with another token, so it is worth making: ``twice_if_refused``.
    ``market`` is never sent, because it makes Spotify answer with other tracks than those asked for.

    :param token_cache: shares the token with others; by default it stays in this object's memory
    :param api_url: where the Web API is, by default Spotify's own; a host alone gets the usual path
    :param accounts_url: likewise, where tokens come from
    :param on_token: told of each token before its first use, so that it can be kept out of logs
    :raises EnrichmentError: the client's id or secret cannot be one
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        token_cache: CacheHandler | None = None,
        api_url: str | None = None,
        accounts_url: str | None = None,
        *,
        on_token: Callable[[str], object] | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        for setting, value in (("SPOTIFY_CLIENT_ID", client_id), ("SPOTIFY_CLIENT_SECRET", client_secret)):
            if not WORD.fullmatch(value):
                raise EnrichmentError(f"{setting} is empty, or has characters that no such value has: copy it again")
        keep_secrets_out_of_logs()
        self._credentials = Credentials(
            client_id=client_id,
            client_secret=client_secret,
            cache=token_cache or MemoryCacheHandler(),
            accounts_url=accounts_url,
            on_token=on_token,
            bounds=bounds,
        )
        session = ClassifyingSession(classify_spotify, bounds)
        self._spotify = Spotify(auth_manager=self._credentials, requests_session=session)
        self._spotify.prefix = self.api_url = address(api_url, SPOTIFY_API) + "/"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_url={self.api_url!r})"

    def audio_features(self, ids: Sequence[str]) -> Answer:
        """Ask for the audio features of 1 to 100 tracks. DATA is a list as long, with null for an unknown id."""
        return _list_in(self._call(lambda: self._audio_features(ids)), "audio_features", len(ids))

    def several(self, kind: Kind, ids: Sequence[str]) -> Answer:
        """Ask for a batch, of ``AT_ONCE`` ids at the most. DATA is a list as long, with null for an unknown id."""
        ask = {
            Kind.TRACKS: self._spotify.tracks,
            Kind.ARTISTS: self._spotify.artists,
            Kind.ALBUMS: self._spotify.albums,
        }
        return _list_in(self._call(lambda: ask[kind](ids)), kind.value, len(ids))

    def one(self, kind: Kind, id_: str) -> Answer:
        """Ask for one. DATA is its object; NOT_FOUND says that Spotify does not have it."""
        ask = {Kind.TRACKS: self._spotify.track, Kind.ARTISTS: self._spotify.artist, Kind.ALBUMS: self._spotify.album}
        return self._call(lambda: ask[kind](id_))

    def _audio_features(self, ids: Sequence[str]) -> Any:
        with warnings.catch_warnings():
            # The method works for applications that were let keep the endpoint.
            warnings.simplefilter("ignore", DeprecationWarning)
            return {"audio_features": self._spotify.audio_features(ids)}

    def _call(self, ask: Callable[[], Any]) -> Answer:
        try:
            return Answer(outcome=Outcome.DATA, body=ask(), status=HTTPStatus.OK)
        except Refused as refused:
            if refused.answer.status == HTTPStatus.UNAUTHORIZED:
                self._credentials.refuse()
            return refused.answer
        except SpotifyException:
            # The session lets no bad answer through, so this is what spotipy makes of an id that cannot be one.
            return Answer(outcome=Outcome.BROKEN, reason="not called: one of the ids cannot be a Spotify id")


def twice_if_refused(ask: Callable[[], Answer]) -> Answer:
    """Ask, and after a 401 ask again: the token may have been withdrawn before its time, and then a new one helps."""
    answer = ask()
    return ask() if answer.status == HTTPStatus.UNAUTHORIZED else answer


def _list_in(answer: Answer, name: str, length: int) -> Answer:
    """The list under a name of a good answer; broken where it is no list of that length."""
    if answer.outcome is not Outcome.DATA:
        return answer
    items = answer.body.get(name)
    if isinstance(items, list) and len(items) == length:
        return Answer(outcome=Outcome.DATA, body=items, status=answer.status)
    what = f"{len(items)} entries" if isinstance(items, list) else "no list"
    reason = f"Spotify answered {what} of {name} where {length} were asked for"
    return Answer(outcome=Outcome.BROKEN, reason=reason, status=answer.status)


def keep_secrets_out_of_logs() -> None:
    """spotipy writes the Authorization header at DEBUG, refresh tokens, and whole answers."""
    for name in ("spotipy", "spotipy.client", "spotipy.oauth2"):
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.INFO))
