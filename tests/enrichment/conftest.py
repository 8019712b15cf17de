"""What tests of the enrichment share: one simulator for all of them, as new for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.servers.simulator import SpotifySimulator
from local.simulator.settings import Settings


@pytest.fixture(scope="session")
def simulator_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpotifySimulator]:
    server = SpotifySimulator(tmp_path_factory.mktemp("simulator"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def simulator(simulator_server: SpotifySimulator) -> SpotifySimulator:
    """The simulator with its first settings, no rule, nothing counted and no token valid."""
    control = simulator_server.control
    control.reset()
    control.settings(**Settings().model_dump(mode="json"))
    control.expire_tokens()
    return simulator_server
