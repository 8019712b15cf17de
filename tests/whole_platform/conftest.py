"""A chain of all DAGs over one history, the options of make faults, and what happened while they ran."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from echotune.names import NOTIFICATIONS_CONNECTION
from local import ports
from local.airflow_api import AirflowApi
from local.dag_runs import Run
from local.files import make_private_folder
from local.provision import connections_of
from local.sample import write_sample
from local.servers.base import new_password
from local.stack import Stack
from tests.support.dag_runs import run_alone
from tests.support.secret_search import command_lines, secrets_of
from tests.support.tcp_proxy import TcpProxy
from tests.whole_platform.chain import Chain
from tests.whole_platform.clock import Clock
from tests.whole_platform.plan import ARCHIVE, BACKFILL, CHECK, RECENTLY_PLAYED, RESTORE, plan_rounds
from tests.whole_platform.state import State
from tests.whole_platform.strikes import Target

ROWS, USERS, BAD_ROWS = 4_000, 2, 12
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
    """What the chain comes to without a fault, the seconds of each step, and its runs."""

    state: State
    seconds: dict[str, float]
    runs: list[Run]


@dataclass(frozen=True, kw_only=True)
class Story:
    """All DAGs have run over the history that the chain loaded, and one of them failed.

    :param secrets: what must be nowhere, by name
    :param commands: the command lines of every process that was there meanwhile
    """

    secrets: dict[str, str]
    runs: list[Run]
    states: list[str]
    commands: dict[str, str]


@pytest.fixture(scope="session")
def chain(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The chain on the stack: its workers have a clock of their own, its connections go through proxies."""
    folder = tmp_path_factory.mktemp("chain")
    source = folder / "history.csv"
    write_sample(source, rows=ROWS, users=USERS, bad_rows=BAD_ROWS)
    clock = Clock(make_private_folder(stack.folder / "faults") / "clock")
    clock.set(0)
    struck = replace(stack, workers_variables=clock.variables)
    _restart_workers(struck)
    with ExitStack() as open_things:
        servers = {name: stack.servers[name] for name in ("mongodb", "postgres", "redis")}
        proxies = {name: open_things.enter_context(TcpProxy(server.port)) for name, server in servers.items()}
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
    state, seconds, runs = chain.undisturbed()
    return Undisturbed(state=state, seconds=seconds, runs=runs)


@pytest.fixture(scope="session")
def planted(chain: Chain) -> Iterator[dict[str, str]]:
    """A connection for notices with secrets, to a webhook that is away: each notice is refused, and that is logged."""
    secrets = {"notifications_password": new_password(), "notifications_header": new_password()}
    host = f"http://127.0.0.1:{ports.free_port()}"
    extra = f'{{"headers": {{"Authorization": "{secrets["notifications_header"]}"}}}}'
    body = {"conn_type": "http", "host": host, "password": secrets["notifications_password"], "extra": extra}
    api = chain.target.api
    api.post("connections", {"connection_id": NOTIFICATIONS_CONNECTION, **body})
    yield secrets
    api.delete(f"connections/{NOTIFICATIONS_CONNECTION}")


@pytest.fixture(scope="session")
def story(chain: Chain, planted: dict[str, str], request: pytest.FixtureRequest) -> Story:
    api = chain.target.api
    with command_lines() as commands:
        undisturbed: Undisturbed = request.getfixturevalue("undisturbed")
        beside = [
            run_alone(api, BACKFILL, source=str(chain.folder / "nowhere.csv")),
            *(run_alone(api, dag, **chain.conf(dag)) for dag in (RECENTLY_PLAYED, ARCHIVE, RESTORE, CHECK)),
        ]
    return Story(
        secrets={**secrets_of(chain.stack), **planted},
        runs=[*undisturbed.runs, *(run for _, run in beside)],
        states=["success"] * len(undisturbed.runs) + [state for state, _ in beside],
        commands=commands,
    )


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.api() as client:
        yield client


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
