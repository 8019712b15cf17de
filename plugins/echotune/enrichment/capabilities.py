"""What a service allows this application, found out once and remembered for a day."""

from __future__ import annotations

import hashlib
import logging
from enum import StrEnum

from echotune.enrichment.limits import DAY_SECONDS
from echotune.enrichment.shared_state import SharedState

log = logging.getLogger(__name__)


class Capability(StrEnum):
    """What an endpoint allows: many ids a call (BATCH), one (SINGLE) or none (CLOSED)."""

    BATCH = "batch"
    SINGLE = "single"
    CLOSED = "closed"


class Capabilities:
    """Remembers what endpoints allow: for all workers in Redis, or for this one where Redis is away.

    :param application: who is allowed, such as a client id; it is kept as a hash
    :param seconds: how long it is believed
    """

    def __init__(self, state: SharedState, application: str, *, seconds: float = DAY_SECONDS) -> None:
        self._state = state
        self._application = hashlib.sha256(application.encode()).hexdigest()[:16]
        self._milliseconds = round(seconds * 1000)
        self._known: dict[str, Capability] = {}

    def get(self, endpoint: str) -> Capability | None:
        """What is known of an endpoint, such as ``audio-features`` or ``tracks``."""
        key = self._key(endpoint)
        known = self._state.run(lambda client: _parse(key, client.get(key)), lambda: self._known.get(endpoint))
        if known is not None:
            self._known[endpoint] = known
        return known

    def remember(self, endpoint: str, capability: Capability) -> None:
        """Remember what a service's own answer has shown."""
        self._known[endpoint] = capability
        key = self._key(endpoint)
        self._state.run(lambda client: client.set(key, capability.value, px=self._milliseconds), lambda: None)

    def _key(self, endpoint: str) -> str:
        return f"echotune:capability:{self._application}:{endpoint}"


def _parse(key: str, text: bytes | str | None) -> Capability | None:
    value = text.decode(errors="replace") if isinstance(text, bytes) else text
    if value is None:
        return None
    try:
        return Capability(value)
    except ValueError:
        log.debug("%s holds something else: it is found out anew", key)
        return None
