"""Spotify's own audio features, for applications that may still ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.capabilities import Capabilities, Capability
from echotune.enrichment.features import read_features
from echotune.enrichment.gate import Gate
from echotune.enrichment.providers.base import Lookup
from echotune.enrichment.providers.findings import Findings, ask_in_halves, is_bad_request
from echotune.enrichment.spotify_client import AUDIO_FEATURES_AT_ONCE, SpotifyClient, twice_if_refused

ENDPOINT = "audio-features"


class SpotifyFeatures:
    """Asks Spotify for the audio features of tracks, 100 a call.

    :param gate: what calls to Spotify go through
    :param capabilities: remembers for all workers that the endpoint is closed
    """

    name = "spotify"
    batch_size = AUDIO_FEATURES_AT_ONCE

    def __init__(self, *, client: SpotifyClient, gate: Gate, capabilities: Capabilities) -> None:
        self._client, self._gate, self._capabilities = client, gate, capabilities

    @property
    def is_closed(self) -> bool:
        """Whether it is known that this application may not ask."""
        return self._capabilities.get(ENDPOINT) is Capability.CLOSED

    def look_up(self, ids: Sequence[str]) -> Lookup:
        """Ask for up to 100 tracks."""
        findings = Findings()
        asked = findings.sort_out(ids)
        if asked and self.is_closed:
            reason = "audio-features were found closed to this application within the past day"
            return findings.as_lookup(Answer(outcome=Outcome.FORBIDDEN_ENDPOINT, reason=reason))
        for batch, answer in ask_in_halves(asked, self._ask):
            if answer.outcome is Outcome.DATA:
                findings.join(batch, answer.body, read_features)
            elif answer.outcome is Outcome.NOT_FOUND and len(batch) == 1:
                findings.absent.update(batch)
            elif is_bad_request(answer) and len(batch) == 1:
                findings.broken[batch[0]] = answer.reason
            else:
                return findings.as_lookup(self._refusal(answer))
        return findings.as_lookup()

    def _ask(self, ids: Sequence[str]) -> Answer:
        return twice_if_refused(lambda: self._gate.call(lambda: self._client.audio_features(ids)))

    def _refusal(self, answer: Answer) -> Answer:
        if answer.outcome is Outcome.FORBIDDEN_ENDPOINT:
            self._capabilities.remember(ENDPOINT, Capability.CLOSED)
        if answer.outcome is Outcome.NOT_FOUND:
            reason = "Spotify answered 404 to several tracks at once, which says nothing of any of them"
            return replace(answer, outcome=Outcome.BROKEN, reason=reason)
        return answer
