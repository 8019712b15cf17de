"""One simulator for all tests of it, as at its start before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.servers.simulator import SpotifySimulator
from local.simulator.settings import Settings
from tests.support.simulator import Caller


@pytest.fixture(scope="session")
def one_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpotifySimulator]:
    server = SpotifySimulator(tmp_path_factory.mktemp("simulator") / "spotify")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def simulator(one_simulator: SpotifySimulator) -> SpotifySimulator:
    one_simulator.control.settings(**Settings().model_dump(mode="json"))
    one_simulator.control.reset()
    return one_simulator


@pytest.fixture
def caller(simulator: SpotifySimulator) -> Iterator[Caller]:
    """A client with a token, whose own request is not in the counts."""
    with Caller(simulator) as one:
        simulator.control.reset()
        yield one
