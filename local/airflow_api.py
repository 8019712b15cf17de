"""A small client of Airflow's REST API: the same door the UI uses, and faster than its command line."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from local.errors import StackError

TIMEOUT_SECONDS = 30.0
Json = dict[str, Any]


class AirflowApi:
    """Calls under /api/v2 as one user; use it as a context manager."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        # Loopback needs no proxy, whatever the caller's environment says.
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)
        try:
            answer = self._client.post("/auth/token", json={"username": user, "password": password})
        except httpx.TransportError as error:
            raise StackError(f"Airflow does not answer at {url}: run make up, or look at make status.") from error
        if answer.status_code != httpx.codes.CREATED:
            raise StackError(f"Airflow at {url} refused the stack's password (HTTP {answer.status_code}).")
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, **parameters: str | int) -> Json:
        """GET a path under /api/v2; anything but success is an error."""
        return self._json("GET", path, params=parameters)

    def find(self, path: str) -> Json | None:
        """GET a path; None when there is no such thing."""
        answer = self._send("GET", path)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._checked(answer)

    def post(self, path: str, body: Json) -> Json:
        """POST JSON."""
        return self._json("POST", path, json=body)

    def patch(self, path: str, body: Json) -> Json:
        """PATCH JSON."""
        return self._json("PATCH", path, json=body)

    def delete(self, path: str) -> None:
        """DELETE a path."""
        self._json("DELETE", path)

    def text(self, path: str) -> str:
        """GET a path as plain text."""
        answer = self._send("GET", path, headers={"Accept": "text/plain"})
        answer.raise_for_status()
        return answer.text

    def _json(self, method: str, path: str, **options: Any) -> Json:
        return self._checked(self._send(method, path, **options))

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._client.request(method, f"/api/v2/{path}", **options)
        except httpx.TransportError as error:
            raise StackError(f"Airflow stopped answering at {self.url}: look at make status.") from error

    def _checked(self, answer: httpx.Response) -> Json:
        if answer.is_success:
            return dict(answer.json()) if answer.content else {}
        # Airflow repeats what it was sent in its error, which may be a password: only its own words are shown.
        request = answer.request
        raise StackError(
            f"Airflow refused {request.method} {request.url.path} with HTTP {answer.status_code}: {_reason(answer)}"
        )


def _reason(answer: httpx.Response) -> str:
    try:
        detail = answer.json().get("detail")
    except ValueError:
        return "see its log"
    if isinstance(detail, list):
        return "; ".join(str(problem.get("msg")) for problem in detail)
    if isinstance(detail, dict):
        return str(detail.get("reason", "see its log"))
    return str(detail)
