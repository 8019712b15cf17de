"""Where make authorize waits for the browser; the whole way is in tests/dags/test_recently_played.py."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from echotune.deployment.authorize import HOST, Callback
from echotune.deployment.listener_store import AuthorizationError
from local.ports import free_port


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callback]:
    """Listens, and nobody types anything."""
    here, there = socket.socketpair()
    monkeypatch.setattr("sys.stdin", here.makefile("r"))
    waiting = Callback(free_port(), seconds=10)
    assert waiting.listen()
    yield waiting
    waiting.close()
    here.close()
    there.close()


def browse(callback: Callback, **told: str) -> threading.Thread:
    """Come back from Spotify, after an icon was asked for."""

    def come() -> None:
        with httpx.Client(trust_env=False, timeout=10) as browser:
            browser.get(f"http://{HOST}:{callback.port}/favicon.ico")
            browser.get(f"{callback.redirect_uri}?{urlencode(told)}")

    thread = threading.Thread(target=come)
    thread.start()
    return thread


def test_the_code_is_found_behind_what_else_a_browser_does(callback: Callback) -> None:
    with socket.create_connection((HOST, callback.port)):  # opened in advance, and never used
        browser = browse(callback, code="the-code", state="mine")
        assert callback.wait("mine") == "the-code"
        browser.join()


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"code": "the-code", "state": "another"}, "its state differs"),
        ({"code": "the-code"}, "its state differs"),
        ({"error": "access_denied", "state": "mine"}, "access_denied"),
    ],
)
def test_what_is_no_consent_to_this_attempt_is_told(callback: Callback, told: dict[str, str], problem: str) -> None:
    browser = browse(callback, **told)
    with pytest.raises(AuthorizationError, match=problem):
        callback.wait("mine")
    browser.join()


def test_a_port_that_is_taken_leaves_pasting(callback: Callback, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Callback(callback.port, seconds=5)
    assert not other.listen()
    monkeypatch.setattr("select.select", lambda sources, *_: (sources, [], []))
    monkeypatch.setattr("sys.stdin", io.StringIO("nonsense\n  http://x/callback?code=typed&state=mine \n"))
    assert other.wait("mine") == "typed"
    with pytest.raises(AuthorizationError, match="nothing came back"):
        other.wait("mine")
