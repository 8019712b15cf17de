"""Client credentials and the tokens given for them."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from dataclasses import dataclass, field

CREDENTIALS_FILE = "credentials.json"


@dataclass(frozen=True, repr=False)
class Credentials:
    """The one client that is known."""

    client_id: str
    client_secret: str

    def match(self, authorization: str) -> bool:
        """Whether an Authorization header of HTTP Basic is this client's."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(given, f"{self.client_id}:{self.client_secret}".encode())


@dataclass(repr=False)
class Tokens:
    """The tokens given so far and when each ends, on the monotonic clock; of listeners' ones also whose it is."""

    ends: dict[str, float] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def issue(self, seconds: float, owner: str | None = None) -> str:
        """A new token that is good for so long: the application's, or a listener's."""
        token = secrets.token_urlsafe(64)
        if owner is not None:
            self.owners[token] = owner
        self.ends[token] = time.monotonic() + seconds
        return token

    def expire(self) -> None:
        """End every token now."""
        self.ends = dict.fromkeys(self.ends, 0.0)

    def expire_of(self, owner: str) -> None:
        """End a listener's tokens now."""
        self.ends |= {token: 0.0 for token, one in self.owners.items() if one == owner}

    def owner(self, authorization: str) -> str | None:
        """The listener whose token a good Authorization header has; None for the application's own."""
        return self.owners.get(authorization.partition(" ")[2].strip())

    def problem(self, authorization: str) -> str | None:
        """Spotify's words about a bad Authorization header; None where the token is good."""
        scheme, _, token = authorization.partition(" ")
        if not authorization:
            return "No token provided"
        end = self.ends.get(token.strip()) if scheme.lower() == "bearer" else None
        if end is None:
            return "Invalid access token"
        return None if time.monotonic() < end else "The access token expired"
