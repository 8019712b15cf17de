"""Where services are: what the settings say, the usual place, or that a setting is no address."""

from __future__ import annotations

import pytest

from echotune.enrichment.addresses import RECCOBEATS_API, SETTINGS, SPOTIFY_ACCOUNTS, SPOTIFY_API, address
from echotune.enrichment.errors import EnrichmentError


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, SPOTIFY_API),
        ("", SPOTIFY_API),
        (" http://127.0.0.1:8190/v1/ ", "http://127.0.0.1:8190/v1"),
        ("http://127.0.0.1:8190", "http://127.0.0.1:8190/v1"),
    ],
)
def test_an_address_ends_without_a_slash_and_a_host_alone_has_the_usual_path(
    setting: str | None, expected: str
) -> None:
    assert address(setting, SPOTIFY_API) == expected


@pytest.mark.parametrize("usual", [SPOTIFY_API, SPOTIFY_ACCOUNTS, RECCOBEATS_API])
@pytest.mark.parametrize("written", ["http://[::1/s3cret", "https://[s3cret]"])
def test_what_is_no_address_is_told_by_the_name_of_its_setting(usual: str, written: str) -> None:
    with pytest.raises(EnrichmentError, match=SETTINGS[usual]) as caught:
        address(written, usual)
    assert "s3cret" not in str(caught.value)
