"""The simulator of all tests, with no listener known before each of them."""

from __future__ import annotations

import pytest

from local.servers.simulator import SpotifySimulator


@pytest.fixture
def simulator(simulator: SpotifySimulator) -> SpotifySimulator:
    simulator.control.forget_listeners()
    return simulator
