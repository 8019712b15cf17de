"""The connection to Spotify, and to ReccoBeats beside it."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowException, AirflowNotFoundException
from airflow.sdk.log import mask_secret

from echotune.connection_checks.spotify import check_spotify
from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.settings import SIMULATED, ProviderName
from echotune.enrichment.spotify_client import SpotifyClient
from echotune.enrichment.spotify_token import SharedToken
from echotune.names import SPOTIFY_CONNECTION
from echotune.spotify_account.tokens import AccountAuthorization

if TYPE_CHECKING:
    import redis
    from airflow.sdk import Connection


class SpotifyHook(BaseHook):
    """Makes clients of the two services out of one Airflow connection.

    Its login is the client's id and its password the client's secret; ``api_url``, ``accounts_url`` and
    ``reccobeats_api_url`` in its extra say where the services are when not in their usual places.

    :param spotify_conn_id: the Airflow connection
    """

    conn_name_attr = "spotify_conn_id"
    default_conn_name = SPOTIFY_CONNECTION
    hook_name = "Spotify"

    def __init__(self, spotify_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.spotify_conn_id = spotify_conn_id

    @property
    def is_configured(self) -> bool:
        """Whether there is a connection with an application's id or secret."""
        return bool(self._connection and (self._connection.login or self._connection.password))

    @property
    def client_id(self) -> str:
        """The application's id, which is no secret."""
        return self._credentials[0]

    @property
    def is_simulated(self) -> bool:
        """Whether a simulator answers, so that what it makes up is never taken for real."""
        return bool(self._connection and self._connection.extra_dejson.get("simulated"))

    def get_client(self, shared: redis.Redis | None = None) -> SpotifyClient:
        """Return a client of the Web API.

        :param shared: the Redis that shares the token between workers; without, each client fetches its own
        :raises AirflowException: the connection, the id or the secret is missing
        :raises EnrichmentError: the id or the secret has characters that none has
        """
        client_id, client_secret = self._credentials
        key = f"echotune:spotify:token:{hashlib.sha256(client_id.encode()).hexdigest()[:16]}"
        return SpotifyClient(
            client_id,
            client_secret,
            SharedToken(shared, key) if shared is not None else None,
            self._address("api_url"),
            self._address("accounts_url"),
            on_token=mask_secret,
        )

    def get_authorization(self) -> AccountAuthorization:
        """Return what refreshes listeners' tokens. It needs the application's id and not its secret.

        :raises AirflowException: the connection or the id is missing
        """
        if self._connection is None or not self._connection.login:
            raise AirflowException(
                f"connection {self.spotify_conn_id} has no SPOTIFY_CLIENT_ID: set it to what "
                "developer.spotify.com/dashboard shows of the application"
            )
        return AccountAuthorization(
            client_id=self._connection.login.strip(),
            accounts_url=self._address("accounts_url"),
            on_token=mask_secret,
        )

    @property
    def api_url(self) -> str | None:
        """Where the Web API is, when not in its usual place."""
        return self._address("api_url")

    @property
    def limited_as(self) -> str:
        """The name of Spotify to the limiter, which keeps a simulator's calls apart."""
        return ProviderName.SPOTIFY + (SIMULATED if self.is_simulated else "")

    def get_reccobeats_client(self) -> ReccoBeatsClient:
        """Return a client of ReccoBeats. It needs no account, so the connection may be missing."""
        return ReccoBeatsClient(self._address("reccobeats_api_url"))

    def test_connection(self) -> tuple[bool, str]:
        """Fetch a token and one track. Returns whether both worked, and what happened, for a person."""
        try:
            client = self.get_client()
        except (AirflowException, EnrichmentError) as error:
            return False, str(error)
        report = check_spotify(client)
        if report.problems:
            return False, " ".join(report.problems)
        return True, " ".join((f"Spotify gave a token and answered at {client.api_url}", *report.warnings))

    @cached_property
    def _connection(self) -> Connection | None:
        try:
            return self.get_connection(self.spotify_conn_id)
        except AirflowNotFoundException:
            return None

    @property
    def _credentials(self) -> tuple[str, str]:
        connection = self._connection
        client_id, client_secret = (connection.login, connection.password) if connection else (None, None)
        if not client_id or not client_secret:
            missing = [
                name
                for name, value in (("SPOTIFY_CLIENT_ID", client_id), ("SPOTIFY_CLIENT_SECRET", client_secret))
                if not value
            ]
            raise AirflowException(
                f"connection {self.spotify_conn_id} has no {' and no '.join(missing)}: set SPOTIFY_CLIENT_ID and "
                "SPOTIFY_CLIENT_SECRET to what developer.spotify.com/dashboard shows of the application"
            )
        mask_secret(client_secret)
        return client_id.strip(), client_secret.strip()

    def _address(self, name: str) -> str | None:
        connection = self._connection
        return connection.extra_dejson.get(name) if connection else None
