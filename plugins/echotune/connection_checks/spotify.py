"""Spotify's Web API and ReccoBeats: whether they answer, and take the application."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from echotune.connection_checks.network import is_here
from echotune.connection_checks.report import Report, Timing
from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.spotify_client import Kind, SpotifyClient, twice_if_refused

SPOTIFY = "Spotify"
SPOTIFY_SETTING = "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET"
RECCOBEATS = "ReccoBeats"
RECCOBEATS_SETTING = "RECCOBEATS_API_URL"
KNOWN_TRACK = "11dFghVXANMlKmJXsNCbNl"
"""The track of Spotify's own examples: asked for to see whether the API answers."""


def check_spotify(client: SpotifyClient) -> Report:
    """Fetch a token and one track: one call of the day's budget."""
    return _report(
        SPOTIFY,
        SPOTIFY_SETTING,
        client.api_url,
        lambda: twice_if_refused(lambda: client.one(Kind.TRACKS, KNOWN_TRACK)),
    )


def check_reccobeats(client: ReccoBeatsClient) -> Report:
    """Ask for one track."""
    return _report(RECCOBEATS, RECCOBEATS_SETTING, client.api_url, lambda: client.audio_features([KNOWN_TRACK]))


def _report(system: str, setting: str, address: str, ask: Callable[[], Answer]) -> Report:
    begun = time.perf_counter()
    answer = ask()
    timing = Timing(milliseconds=(time.perf_counter() - begun) * 1000)
    place = urlsplit(address)
    encrypted = place.scheme == "https"
    warnings = [] if encrypted or is_here(place.hostname) else [f"the way to {system} is not encrypted: use https."]
    problems = []
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        warnings.append(f"it wants no call for {answer.seconds:,.0f} s; the enrichment waits as long.")
    elif answer.outcome not in (Outcome.DATA, Outcome.NOT_FOUND):
        problems.append(f"{answer.reason.rstrip('.')} ({setting}).")
    return Report(
        system=system,
        setting=setting,
        version=f"at {place.netloc}",
        tls="encrypted, certificate verified" if encrypted else "not encrypted",
        rights=None if problems else "answers",
        timing=timing,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )
