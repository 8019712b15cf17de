"""ReccoBeats' audio features, every answer classified. It needs no key."""

from __future__ import annotations

from collections.abc import Sequence

from echotune.enrichment.addresses import RECCOBEATS_API, address
from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.classify import classify_reccobeats
from echotune.enrichment.http import Bounds, ClassifyingSession, Refused

AUDIO_FEATURES_AT_ONCE = 40


class ReccoBeatsClient:
    """Makes single calls: no retry, no wait, no batch cut to size.

    :param api_url: where the service is, by default its own address; a host alone gets the usual path
    """

    def __init__(self, api_url: str | None = None, *, bounds: Bounds | None = None) -> None:
        self.api_url = address(api_url, RECCOBEATS_API)
        self._session = ClassifyingSession(classify_reccobeats, bounds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(api_url={self.api_url!r})"

    def audio_features(self, ids: Sequence[str]) -> Answer:
        """Ask for 1 to 40 tracks by Spotify id. DATA is a list of the known ones, in no promised order."""
        try:
            response = self._session.get(f"{self.api_url}/audio-features?ids={','.join(ids)}")
        except Refused as refused:
            return refused.answer
        content = response.json().get("content")
        if isinstance(content, list):
            return Answer(outcome=Outcome.DATA, body=content, status=response.status_code)
        reason = "ReccoBeats answered without a list named content"
        return Answer(outcome=Outcome.BROKEN, reason=reason, status=response.status_code)
