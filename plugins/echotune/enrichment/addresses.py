"""Where the services are, when a setting does not say otherwise."""

from __future__ import annotations

from urllib.parse import urlsplit

SPOTIFY_API = "https://api.spotify.com/v1"
SPOTIFY_ACCOUNTS = "https://accounts.spotify.com/api/token"
RECCOBEATS_API = "https://api.reccobeats.com/v1"


def address(setting: str | None, usual: str) -> str:
    """Return a service's address without a slash at its end.

    :param setting: an address from the settings; one that is a host alone gets the path of the usual one
    """
    written = (setting or usual).strip().rstrip("/")
    has_path = bool(urlsplit(written).path)
    return written if has_path else written + urlsplit(usual).path
