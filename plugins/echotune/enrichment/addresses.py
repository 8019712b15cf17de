"""Where the services are, when a setting does not say otherwise."""

from __future__ import annotations

from urllib.parse import urlsplit

from echotune.enrichment.errors import EnrichmentError

SPOTIFY_API = "https://api.spotify.com/v1"
SPOTIFY_ACCOUNTS = "https://accounts.spotify.com/api/token"
RECCOBEATS_API = "https://api.reccobeats.com/v1"
SETTINGS = {
    SPOTIFY_API: "SPOTIFY_API_URL",
    SPOTIFY_ACCOUNTS: "SPOTIFY_ACCOUNTS_URL",
    RECCOBEATS_API: "RECCOBEATS_API_URL",
}
"""The setting that takes the place of each."""


def address(setting: str | None, usual: str) -> str:
    """Return a service's address without a slash at its end.

    :param setting: an address from the settings; one that is a host alone gets the path of the usual one
    :raises EnrichmentError: it cannot be an address; the message names the setting, and does not repeat it
    """
    written = (setting or usual).strip().rstrip("/")
    try:
        has_path = bool(urlsplit(written).path)
    except ValueError:
        raise EnrichmentError(f"{SETTINGS[usual]} is no address: write such as {usual}") from None
    return written if has_path else written + urlsplit(usual).path
