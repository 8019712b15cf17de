"""The authorization that a listener gave: a connection made by `make authorize`, and what became of its token since."""

from __future__ import annotations

import hashlib
import json

from airflow.sdk import BaseHook, Variable
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from echotune.names import LISTENERS_VARIABLE, listener_connection, rotated_token_variable
from echotune.spotify_account.errors import AccountError
from echotune.spotify_account.tokens import AUTHORIZE_AGAIN


class ListenerHook(BaseHook):
    """The refresh token of one listener.

    A task cannot write a connection. So the token that takes the place of the connection's is kept in a variable,
    encrypted like the connection, with a mark of the connection's token that it descends from: where `make authorize`
    brought another one meanwhile, what a task that was still at work wrote counts for nothing.

    :param username: the listener
    """

    def __init__(self, username: str) -> None:
        super().__init__()
        self.username = username
        self._origin: str | None = None

    def refresh_token(self) -> str:
        """Return the refresh token that is good as far as anybody here knows.

        :raises AccountError: the listener gave no authorization
        """
        given = self._given()
        self._origin = hashlib.sha256(given.encode()).hexdigest()[:16]
        kept = Variable.get(rotated_token_variable(self.username), default=None)
        return self._descendant(kept) or given

    def keep(self, refresh_token: str) -> None:
        """Keep the token that took the place of the one that ``refresh_token`` returned."""
        mask_secret(refresh_token)
        value = json.dumps({"origin": self._origin, "refresh_token": refresh_token})
        mask_secret(value)
        Variable.set(
            rotated_token_variable(self.username), value, description="Written by recently_played at each refresh"
        )

    def _given(self) -> str:
        try:
            token = self.get_connection(listener_connection(self.username)).password
        except AirflowNotFoundException:
            token = None
        if not token:
            raise AccountError(f"{self.username}: there is no authorization: {AUTHORIZE_AGAIN}")
        mask_secret(token)
        return token

    def _descendant(self, kept: str | None) -> str | None:
        """The token in what was kept; None where it is of another authorization, or somebody wrote something else."""
        try:
            found = json.loads(kept or "{}")
            token = found["refresh_token"] if found.get("origin") == self._origin else None
        except (ValueError, KeyError, AttributeError):
            return None
        if not isinstance(token, str) or not token:
            return None
        mask_secret(token)
        return token


def listeners() -> list[str]:
    """Everybody who gave an authorization.

    :raises AccountError: somebody wrote something else into the variable
    """
    found = json.loads(Variable.get(LISTENERS_VARIABLE, default="[]"))
    if not isinstance(found, list) or not all(isinstance(username, str) for username in found):
        raise AccountError(f"the variable {LISTENERS_VARIABLE} is no JSON list of user ids: run `make authorize`")
    return found
