"""The options of make faults, and one chain for all rounds."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from local.files import make_private_folder
from local.provision import connections_of
from local.sample import write_sample
from local.stack import Stack
from tests.faults.chain import Chain
from tests.faults.clock import Clock
from tests.faults.plan import plan_rounds
from tests.faults.state import State
from tests.faults.strikes import Target
from tests.support.tcp_proxy import TcpProxy

ROWS, USERS = 4_000, 2
FAULTS, IN_A_ROUND, SEED = 10, 10, 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", type=int, default=FAULTS, help="how many faults strike in all")
    parser.addoption("--in-a-round", type=int, default=IN_A_ROUND, help="how many strike one chain of runs")
    parser.addoption("--every-position", action="store_true", help="clear each task of each DAG, not one of each")
    parser.addoption("--fault-seed", type=int, default=SEED, help="draws which fault strikes when")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "faults" in metafunc.fixturenames:
        asked = {name: metafunc.config.getoption(name) for name in ("--faults", "--in-a-round", "--fault-seed")}
        rounds = plan_rounds(seed=asked["--fault-seed"], faults=asked["--faults"], in_a_round=asked["--in-a-round"])
        names = [f"seed {asked['--fault-seed']}, round {one.number}" for one in rounds]
        metafunc.parametrize("faults", rounds, ids=names)


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """What the chain comes to without a fault, and the seconds of each step."""

    state: State
    seconds: dict[str, float]


@pytest.fixture(scope="session")
def chain(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The chain on the stack: its workers have a clock of their own, its connections go through proxies."""
    folder = tmp_path_factory.mktemp("faults")
    source = folder / "history.csv"
    write_sample(source, rows=ROWS, users=USERS, bad_rows=5)
    clock = Clock(make_private_folder(stack.folder / "faults") / "clock")
    clock.set(0)
    struck = replace(stack, workers_variables=clock.variables)
    _restart_workers(struck)
    with ExitStack() as open_things:
        ports = {name: stack.servers[name].port for name in ("mongodb", "postgres", "redis")}
        proxies = {name: open_things.enter_context(TcpProxy(port)) for name, port in ports.items()}
        api = open_things.enter_context(struck.api())
        target = Target(stack=struck, api=api, proxies=proxies, clock=clock)
        _connect(target, {**stack.variables, **_through(stack, proxies)})
        chain = Chain(target=target, source=str(source), username=_first_username(source), folder=folder)
        chain.settle()
        yield chain
        chain.supervise()
        chain.empty()
        _connect(target, stack.variables)
    _restart_workers(stack)


@pytest.fixture(scope="session")
def undisturbed(chain: Chain) -> Undisturbed:
    state, seconds = chain.undisturbed()
    return Undisturbed(state=state, seconds=seconds)


def _restart_workers(stack: Stack) -> None:
    stack.airflow.stop_workers()
    stack.up()


def _first_username(source: Path) -> str:
    with source.open(encoding="utf-8", newline="") as text:
        return next(csv.DictReader(text))["username"]


def _through(stack: Stack, proxies: dict[str, TcpProxy]) -> dict[str, str]:
    """The addresses of the servers through their proxies. A replica set would tell MongoDB's clients its own."""
    variables = {"mongodb": "MONGODB_URI", "postgres": "DATABASE_URL", "redis": "REDIS_URL"}
    changed = {
        name: stack.variables[name].replace(f":{stack.servers[server].port}/", f":{proxies[server].port}/")
        for server, name in variables.items()
    }
    return {**changed, "MONGODB_URI": changed["MONGODB_URI"].replace("replicaSet=rs0", "directConnection=true")}


def _connect(target: Target, variables: dict[str, str]) -> None:
    for connection in connections_of(variables, target.stack.secrets):
        target.api.patch(f"connections/{connection.connection_id}", connection.as_body())
