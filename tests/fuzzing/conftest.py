"""The option of make fuzz: how many cases each target gets, drawn anew; without it, the few of every test run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from tests.support.http_server import RawServer, raw_server


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, help="how many cases each target gets; --hypothesis-seed draws them")


def pytest_configure(config: pytest.Config) -> None:
    if cases := config.getoption("--cases", default=None):
        phases = (Phase.explicit, Phase.generate, Phase.target, Phase.shrink)
        usual = settings.get_profile("echotune")
        settings.register_profile("fuzzing", usual, derandomize=False, phases=phases, max_examples=cases)
        settings.load_profile("fuzzing")


@pytest.fixture(scope="module")
def server() -> Iterator[RawServer]:
    """Answers over HTTP whatever it is told to."""
    with raw_server() as started:
        yield started
