"""One simulator for all tests of accounts, with no listener known before each of them."""

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
    control = simulator_server.control
    control.reset()
    control.settings(**Settings().model_dump(mode="json"))
    control.forget_listeners()
    return simulator_server
