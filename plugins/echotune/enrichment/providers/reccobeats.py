"""ReccoBeats: audio features by Spotify id, without a key. It has no time signatures, and not every track."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.features import TIME_SIGNATURE, read_features
from echotune.enrichment.gate import Gate
from echotune.enrichment.providers.base import Lookup, Values
from echotune.enrichment.providers.findings import Findings, ask_in_halves, is_bad_request
from echotune.enrichment.reccobeats_client import AUDIO_FEATURES_AT_ONCE, ReccoBeatsClient

TRACK_ADDRESS = re.compile(r"https?://open\.spotify\.com/(?:intl-\w+/)?track/([0-9A-Za-z]{22})(?:[?/#].*)?")


class ReccoBeats:
    """Asks ReccoBeats for the audio features of tracks, 40 a call.

    :param gate: what calls to ReccoBeats go through
    """

    name = "reccobeats"
    batch_size = AUDIO_FEATURES_AT_ONCE

    def __init__(self, *, client: ReccoBeatsClient, gate: Gate) -> None:
        self._client, self._gate = client, gate

    def look_up(self, ids: Sequence[str]) -> Lookup:
        """Ask for up to 40 tracks."""
        findings = Findings()
        for batch, answer in ask_in_halves(findings.sort_out(ids), self._ask):
            if answer.outcome is Outcome.DATA:
                _join(findings, batch, answer.body)
            elif is_bad_request(answer) and len(batch) == 1:
                findings.broken[batch[0]] = answer.reason
            else:
                return findings.as_lookup(answer)
        return findings.as_lookup()

    def _ask(self, ids: Sequence[str]) -> Answer:
        return self._gate.call(lambda: self._client.audio_features(ids))


def _join(findings: Findings, ids: Sequence[str], content: Sequence[Any]) -> None:
    """Join items to the ids asked for, by the Spotify address in each. What the answer leaves out is absent.

    An item that is for none of the ids may be meant for one that seems left out.
    """
    by_id = {_spotify_id(item): item for item in content}
    has_strays = not by_id.keys() <= set(ids)
    for id_ in ids:
        if id_ in by_id:
            findings.read(id_, by_id[id_], _read)
        elif has_strays:
            findings.broken[id_] = "may be the item of ReccoBeats' answer that names no track that was asked for"
        else:
            findings.absent.add(id_)


def _spotify_id(item: Any) -> str | None:
    href = item.get("href") if isinstance(item, Mapping) else None
    match = TRACK_ADDRESS.fullmatch(href) if isinstance(href, str) else None
    return match[1] if match else None


def _read(item: Mapping[str, Any]) -> Values:
    return read_features(item, optional=(TIME_SIGNATURE,))
