"""The server that stands in for Spotify and ReccoBeats."""

from __future__ import annotations

import os

from local import processes
from local.errors import StackError
from local.files import PROJECT, write_json
from local.servers.base import Server, scripts_folder
from local.simulator.control import SimulatorControl
from local.simulator.tokens import CREDENTIALS_FILE

CLIENT_ID = "echotune-simulated-application"


class SpotifySimulator(Server):
    """The simulator in a process of its own; `password` is the client's secret."""

    name = "spotify"
    client_id = CLIENT_ID

    @property
    def uri(self) -> str:
        """Where it is, without a secret."""
        return f"http://{self.address}"

    @property
    def api_url(self) -> str:
        """What SPOTIFY_API_URL is set to."""
        return f"{self.uri}/v1"

    @property
    def accounts_url(self) -> str:
        """What SPOTIFY_ACCOUNTS_URL is set to."""
        return self.uri

    @property
    def reccobeats_url(self) -> str:
        """What RECCOBEATS_API_URL is set to."""
        return f"{self.uri}/reccobeats/v1"

    @property
    def settings(self) -> dict[str, str]:
        """The variables that point a client at it."""
        return {
            "SPOTIFY_CLIENT_ID": self.client_id,
            "SPOTIFY_CLIENT_SECRET": self.password,
            "SPOTIFY_API_URL": self.api_url,
            "SPOTIFY_ACCOUNTS_URL": self.accounts_url,
            "RECCOBEATS_API_URL": self.reccobeats_url,
            "SPOTIFY_SIMULATED": "true",
        }

    @property
    def control(self) -> SimulatorControl:
        """The client of its control API."""
        return SimulatorControl(self.uri)

    @property
    def service(self) -> processes.Service:
        """The simulator in the foreground of a detached session."""
        program = (str(scripts_folder() / "python"), "-m", "local.simulator")
        command = (*program, "--port", str(self.port), "--folder", str(self.folder))
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        return processes.Service(self.name, command, self.folder, environment, stop_seconds=5)

    def prepare(self) -> None:
        """Write the credentials it accepts."""
        write_json(self.folder / CREDENTIALS_FILE, {"client_id": self.client_id, "client_secret": self.password})

    def answers(self) -> bool:
        """Ask for its health."""
        try:
            return bool(self.control.health())
        except StackError:
            return False

    def configure(self) -> None:
        """Nothing is left to do once it answers."""

    def version(self) -> str:
        """Which Spotify it plays: the mode stands in place of a version."""
        return str(self.control.health()["mode"])
