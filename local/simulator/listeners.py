"""Listeners: what they played, their playlists, and what they let the application do.

Spotify remembers a listener's last 50 plays and gives a new refresh token at each refresh of an authorization by PKCE;
the old one is worth nothing from then on, and neither is any after a revocation.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from local.simulator import catalog

MOST_ITEMS = 50


class Play(BaseModel):
    """A play as a test adds it.

    uri: of a track of the catalog, or of a local file. played_at: milliseconds since 1970. context: uri of the
    playlist, album or artist it was played from. item: what Spotify answers instead of what follows from the others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    played_at: int = Field(ge=0)
    context: str | None = None
    item: dict[str, Any] | None = None

    def as_item(self) -> dict[str, Any]:
        """The play history object."""
        if self.item is not None:
            return self.item
        context = {"type": self.context.split(":")[1], "uri": self.context} if self.context else None
        moment = datetime.fromtimestamp(self.played_at / 1000, UTC).isoformat(timespec="milliseconds")
        return {"track": _track(self.uri), "played_at": moment.replace("+00:00", "Z"), "context": context}


class Playlist(BaseModel):
    """A playlist as a test adds it; `public` is null where Spotify does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    description: str | None = ""
    public: bool | None = True

    def as_item(self, owner: str) -> dict[str, Any]:
        """The simplified playlist object."""
        uri = f"spotify:playlist:{self.id}"
        return {**self.model_dump(), "type": "playlist", "uri": uri, "collaborative": False, "owner": {"id": owner}}


@dataclass
class Listener:
    """What is known of one listener."""

    plays: dict[tuple[int, str], Play] = field(default_factory=dict)
    playlists: list[Playlist] = field(default_factory=list)

    def add(self, plays: list[Play], kept: int) -> None:
        """Remember plays, of all the latest only."""
        self.plays |= {(play.played_at, play.uri): play for play in plays}
        self.plays = {place: self.plays[place] for place in sorted(self.plays)[-kept:]}

    def recently_played(self, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of plays, the newest first: those that follow `after`, or those that `before` follows."""
        limit = min(int(query.get("limit", "20")), MOST_ITEMS)
        after, before = int(query.get("after", "-1")), int(query.get("before", str(2**63)))
        found = [play for play in self.plays.values() if after < play.played_at < before]
        page = (found[:limit] if "after" in query else found[-limit:])[::-1]
        cursors = {"after": str(page[0].played_at), "before": str(page[-1].played_at)} if page else None
        more = len(found) > len(page)
        return {
            "items": [play.as_item() for play in page],
            "next": "https://api.spotify.com/v1/me/player/recently-played" if more else None,
            "cursors": cursors,
            "limit": limit,
        }

    def page_of_playlists(self, owner: str, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of playlists in their order."""
        limit, offset = min(int(query.get("limit", "20")), MOST_ITEMS), int(query.get("offset", "0"))
        page = self.playlists[offset : offset + limit]
        more = offset + limit < len(self.playlists)
        return {
            "items": [playlist.as_item(owner) for playlist in page],
            "total": len(self.playlists),
            "limit": limit,
            "offset": offset,
            "next": "https://api.spotify.com/v1/me/playlists" if more else None,
        }


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What a code stands for until it is exchanged, once."""

    user: str
    client_id: str
    redirect_uri: str
    challenge: str
    scope: str

    def matches(self, *, client_id: str, redirect_uri: str, verifier: str) -> bool:
        """Whether who brings the code is who asked for it: the hash of the verifier is the challenge."""
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return (client_id, redirect_uri, challenge) == (self.client_id, self.redirect_uri, self.challenge)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a refresh token stands for."""

    user: str
    scope: str


@dataclass(repr=False)
class Listeners:
    """Everybody, with the codes and refresh tokens that are good."""

    known: dict[str, Listener] = field(default_factory=dict)
    codes: dict[str, Consent] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)

    def of(self, user: str) -> Listener:
        """A listener, known from now on."""
        return self.known.setdefault(user, Listener())

    def consent(self, consent: Consent) -> str:
        """A code for a consent."""
        code = secrets.token_urlsafe(48)
        self.codes[code] = consent
        return code

    def redeem(self, code: str, *, client_id: str, redirect_uri: str, verifier: str) -> Grant | None:
        """What a code stands for; it is spent by this, whoever brought it."""
        consent = self.codes.pop(code, None)
        if consent is None or not consent.matches(client_id=client_id, redirect_uri=redirect_uri, verifier=verifier):
            return None
        return Grant(user=consent.user, scope=consent.scope)

    def issue(self, grant: Grant) -> str:
        """A refresh token."""
        token = secrets.token_urlsafe(64)
        self.grants[token] = grant
        return token

    def revoke(self, user: str) -> None:
        """End every authorization of a user."""
        self.grants = {token: grant for token, grant in self.grants.items() if grant.user != user}


def _track(uri: str) -> dict[str, Any]:
    kind, rest = uri.split(":")[1:3]
    if kind == "local":
        return _local_track(uri)
    found = catalog.track(rest)
    if found is None:
        raise ValueError(f"no track has the id {rest}")
    track: dict[str, Any] = json.loads(found)
    return track


def _local_track(uri: str) -> dict[str, Any]:
    """A file on the listener's own disk: Spotify has its names from the uri, and no id."""
    artist, album, name, seconds = (part.replace("+", " ") for part in uri.split(":")[2:6])
    return {
        "album": {"name": album, "artists": [], "id": None, "uri": None},
        "artists": [{"name": artist, "id": None, "uri": None}],
        "duration_ms": int(seconds) * 1000,
        "explicit": False,
        "external_ids": {},
        "id": None,
        "is_local": True,
        "name": name,
        "type": "track",
        "uri": uri,
    }
