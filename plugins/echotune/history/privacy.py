"""What becomes of personal data (IP address and user agent) on its way into the database."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from ipaddress import ip_address

from echotune.history.errors import HistoryError

ADDRESS_LIKE = re.compile(r"[0-9A-Fa-f.:]{3,}")
USER_AGENT_LIKE = re.compile(r"(?<![\w.+-])[A-Za-z][\w.+-]*/\d[^,\"]*")
"""Such as ``Mozilla/5.0 (X11; Linux)`` and ``Spotify/8.6.0 Android/29``."""
REMOVED = "[removed]"


class PersonalDataPolicy(StrEnum):
    """What becomes of IP addresses and user agents: left out, hashed with a key, or kept."""

    DROP = "drop"
    HASH = "hash"
    KEEP = "keep"


@dataclass(frozen=True, kw_only=True)
class PersonalData:
    """A policy with what it needs: ``hash`` needs the deployment's key, the others need none."""

    policy: PersonalDataPolicy
    key: bytes | None = None

    def __post_init__(self) -> None:
        if self.policy is PersonalDataPolicy.HASH and not self.key:
            raise HistoryError(
                "pii_policy is 'hash' and the deployment has no key for it: make an Airflow connection "
                "'echotune_pii' of type generic with a long random password, or choose 'drop' or 'keep'"
            )

    def transformation(self) -> Callable[[str], str | None]:
        """Return the function from a personal cell to what is stored for it, None to store nothing."""
        if self.policy is PersonalDataPolicy.KEEP:
            return str
        if self.policy is PersonalDataPolicy.DROP:
            return lambda cell: None
        key = self.key or b""
        return lambda cell: hmac.new(key, cell.encode(errors="surrogatepass"), sha256).hexdigest()

    def redact(self, text: str) -> str:
        """Remove what looks like an address or a user agent from the text of a row that could not be read."""
        if self.policy is PersonalDataPolicy.KEEP:
            return text
        without_agents = USER_AGENT_LIKE.sub(REMOVED, text)
        return ADDRESS_LIKE.sub(lambda found: REMOVED if is_address(found[0]) else found[0], without_agents)


def is_address(text: str) -> bool:
    """Whether a text is an IP address, also with a port or a full stop behind it."""
    return any(_is_ip_address(part) for part in (text, text.strip(".:"), text.partition(":")[0]))


def _is_ip_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
