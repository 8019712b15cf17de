"""The client of the simulator's control API, for tests and the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from local.errors import StackError

TIMEOUT_SECONDS = 30.0


class SimulatorControl:
    """Steers one simulator and asks it what it saw. The package's docstring describes what is given and answered."""

    def __init__(self, url: str) -> None:
        """`url` is the simulator's own, such as http://127.0.0.1:8190."""
        self.url = url.rstrip("/")

    def health(self) -> dict[str, Any]:
        """That it is healthy, and which mode it plays."""
        return dict(self._call("GET", "health"))

    def settings(self, **values: object) -> dict[str, Any]:
        """Change the settings that are named, and return all of them."""
        return dict(self._call("POST", "settings", values))

    def set_rules(self, rules: Sequence[Mapping[str, object]]) -> None:
        """Replace the rules."""
        self._call("POST", "rules", [dict(rule) for rule in rules])

    def expire_tokens(self) -> None:
        """End every token that was given."""
        self._call("POST", "expire-tokens")

    def add_plays(self, user: str, plays: Sequence[Mapping[str, object]]) -> None:
        """Add plays to those of a listener: `uri`, `played_at` in milliseconds, `context` or a whole `item`."""
        self._call("POST", f"listeners/{user}/plays", [dict(play) for play in plays])

    def set_playlists(self, user: str, playlists: Sequence[Mapping[str, object]]) -> None:
        """Replace a listener's playlists: `id`, `name`, `description`, `public`."""
        self._call("POST", f"listeners/{user}/playlists", [dict(playlist) for playlist in playlists])

    def revoke(self, user: str) -> None:
        """Take back every authorization that a listener gave."""
        self._call("POST", f"listeners/{user}/revoke")

    def forget_listeners(self) -> None:
        """Forget everybody's plays, playlists and authorizations."""
        self._call("POST", "forget-listeners")

    def reset(self) -> None:
        """Forget counts, rules, windows and 429s; settings and tokens stay."""
        self._call("POST", "reset")

    def report(self, full: bool = False) -> dict[str, Any]:
        """What was counted since the start or the last reset."""
        return dict(self._call("GET", f"report?full={str(full).lower()}"))

    def _call(self, method: str, path: str, body: object = None) -> Any:
        try:
            answer = self._request(method, f"{self.url}/simulator/{path}", body)
        except httpx.TransportError as error:
            raise StackError(f"the Spotify simulator at {self.url} does not answer: {error}.") from error
        if answer.status_code != httpx.codes.OK:
            raise StackError(f"the Spotify simulator did not take {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json()

    def _request(self, method: str, url: str, body: object) -> httpx.Response:
        # Loopback without TLS: certificates are not read, which would take longer than the call, and no proxy asked.
        return httpx.request(method, url, json=body, timeout=TIMEOUT_SECONDS, verify=False, trust_env=False)
