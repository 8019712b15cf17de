"""Spotify's catalog of tracks, artists or albums: in batches where the application may, one by one where it may not."""

from __future__ import annotations

from collections.abc import Sequence

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.capabilities import Capabilities, Capability
from echotune.enrichment.catalog_entries import READERS, answers_for
from echotune.enrichment.gate import Gate
from echotune.enrichment.providers.base import Lookup
from echotune.enrichment.providers.findings import Findings, ask_in_halves, is_bad_request
from echotune.enrichment.spotify_client import AT_ONCE, Kind, SpotifyClient, twice_if_refused

SINGLE_AT_ONCE = 10
"""How many single calls make one look-up, whose results are saved together."""
NO_BATCHES = (Outcome.FORBIDDEN_ENDPOINT, Outcome.NOT_FOUND)


class SpotifyCatalog:
    """Asks Spotify for one kind of its catalog.

    :param gate: what calls to Spotify go through
    :param capabilities: remembers for all workers whether the endpoint takes batches
    """

    name = "spotify"

    def __init__(self, kind: Kind, *, client: SpotifyClient, gate: Gate, capabilities: Capabilities) -> None:
        self.kind = kind
        self._client, self._gate, self._capabilities = client, gate, capabilities
        self._read = READERS[kind]

    @property
    def is_closed(self) -> bool:
        """Whether it is known that this application may not ask at all."""
        return self._capabilities.get(self.kind) is Capability.CLOSED

    @property
    def batch_size(self) -> int:
        """The most ids one look-up takes: fewer where each is a call."""
        single = self._capabilities.get(self.kind) is Capability.SINGLE
        return SINGLE_AT_ONCE if single else AT_ONCE[self.kind]

    def look_up(self, ids: Sequence[str]) -> Lookup:
        """Ask for up to ``batch_size`` ids."""
        findings = Findings()
        asked = findings.sort_out(ids)
        if not asked:
            return findings.as_lookup()
        known = self._capabilities.get(self.kind)
        if known is Capability.CLOSED:
            reason = f"Spotify's {self.kind} were found closed to this application within the past day"
            return findings.as_lookup(Answer(outcome=Outcome.FORBIDDEN_ENDPOINT, reason=reason))
        if known is not Capability.SINGLE:
            refusal, asked = self._look_up_together(asked, findings)
            if refusal is not None or not asked:
                return findings.as_lookup(refusal)
            self._capabilities.remember(self.kind, Capability.SINGLE)
        return findings.as_lookup(self._look_up_singly(asked, findings))

    def _look_up_together(self, ids: Sequence[str], findings: Findings) -> tuple[Answer | None, list[str]]:
        """Ask in batches. Returns what ended it early, and the ids left to be asked for singly."""
        for batch, answer in ask_in_halves(ids, self._ask_together):
            if answer.outcome is Outcome.DATA:
                findings.join(batch, answer.body, self._read)
            elif answer.outcome in NO_BATCHES:
                return None, [id_ for id_ in ids if not findings.has(id_)]
            elif is_bad_request(answer) and len(batch) == 1:
                findings.broken[batch[0]] = answer.reason
            else:
                return answer, []
        return None, []

    def _look_up_singly(self, ids: Sequence[str], findings: Findings) -> Answer | None:
        """Ask one by one. Returns what ended it early."""
        for id_ in ids:
            answer = self._ask_one(id_)
            if answer.outcome is Outcome.DATA:
                self._add(id_, answer, findings)
            elif answer.outcome is Outcome.NOT_FOUND:
                findings.absent.add(id_)
            elif answer.outcome is Outcome.BROKEN:
                findings.broken[id_] = answer.reason
            else:
                if answer.outcome is Outcome.FORBIDDEN_ENDPOINT:
                    self._capabilities.remember(self.kind, Capability.CLOSED)
                return answer
        return None

    def _add(self, id_: str, answer: Answer, findings: Findings) -> None:
        if answers_for(answer.body, id_):
            findings.read(id_, answer.body, self._read)
        else:
            findings.broken[id_] = "was answered with something that was not asked for"

    def _ask_together(self, ids: Sequence[str]) -> Answer:
        return twice_if_refused(lambda: self._gate.call(lambda: self._client.several(self.kind, ids)))

    def _ask_one(self, id_: str) -> Answer:
        return twice_if_refused(lambda: self._gate.call(lambda: self._client.one(self.kind, id_)))
