"""The values of a play that enrichment may write, and how the export's own are told from them.

``enriched`` of a play names each field that enrichment wrote, with the provider; ``source.replaced`` keeps what the
file had there, so that every source cell can still be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENRICHED_FIELDS = {
    "audio_features": "audio_features",
    "duration_ms": "track.duration_ms",
    "popularity": "track.popularity",
    "genres": "metadata.genres",
}
"""The field of a track, and where a play has it."""


def as_exported(play: Mapping[str, Any]) -> dict[str, Any]:
    """Return a play as it was before enrichment wrote to it."""
    enriched = play.get("enriched")
    if not enriched:
        return dict(play)
    exported = {**play, "source": dict(play["source"])}
    del exported["enriched"]
    replaced = exported["source"].pop("replaced", {})
    for field in enriched:
        _set(exported, ENRICHED_FIELDS[field], replaced.get(field))
    return exported


def _set(play: dict[str, Any], path: str, value: Any) -> None:
    """Set a value, or remove it where it is None, together with a section that is left empty."""
    section, _, name = path.rpartition(".")
    target = play
    if section:
        target = play[section] = dict(play.get(section, {}))
    if value is None:
        target.pop(name, None)
    else:
        target[name] = value
    if section and not target:
        del play[section]
