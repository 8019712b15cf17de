"""Databases with TLS and a CA of their own, as DigitalOcean's are: through settings, and through hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echotune.connection_checks.mongodb import check_mongodb
from echotune.connection_checks.postgresql import check_postgresql
from echotune.connection_checks.redis_server import check_redis
from echotune.connection_checks.report import Report
from echotune.connection_checks.settings import check_settings
from echotune.connections import connections_from_settings
from echotune.hooks.mongo import HistoryMongoHook
from echotune.hooks.redis import SharedRedisHook
from echotune.hooks.supabase import SupabaseHook
from local.ports import LOOPBACK
from local.servers.redis import RedisServer
from tests.support import supabase as postgres
from tests.support.pgbouncer import PROGRAM
from tests.support.supabase import OwnedPostgres
from tests.support.tls import NAME, Authority, TlsMongod, TlsPgbouncer, tls_before

SYSTEMS = ("MongoDB", "PostgreSQL", "Redis")
SETTINGS = {"MongoDB": "MONGODB_URI", "PostgreSQL": "DATABASE_URL", "Redis": "REDIS_URL"}
Address = Callable[..., str]
Check = Callable[[str, str], Report]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.in_folder(tmp_path_factory.mktemp("authority") / "own")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.in_folder(tmp_path_factory.mktemp("authority") / "other")


@pytest.fixture(scope="module")
def mongodb(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Address]:
    server = TlsMongod(tmp_path_factory.mktemp("mongod"))
    server.authority = authority
    server.start()
    yield (
        lambda host, ca: (
            f"mongodb://admin:{server.password}@{host}:{server.port}/?directConnection=true&tls=true&tlsCAFile={ca}"
        )
    )
    server.stop()


@pytest.fixture(scope="module")
def postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: OwnedPostgres, authority: Authority
) -> Iterator[Address]:
    if PROGRAM is None:
        pytest.skip("pgbouncer is not there")
    with postgres.fresh_database(postgres_server) as database:
        server = TlsPgbouncer(
            tmp_path_factory.mktemp("pgbouncer"), target=postgres_server.owners_uri(database), sessions=2
        )
        server.authority = authority
        server.start()
        yield (
            lambda host, ca: (
                f"postgresql://platform:{postgres_server.owner_password}@{host}:{server.port}/{database}"
                f"?sslmode=verify-full&sslrootcert={ca}"
            )
        )
        server.stop()


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Address]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    with tls_before(server.port, authority) as port:
        yield lambda host, ca: f"rediss://:{server.password}@{host}:{port}/0?ssl_ca_certs={ca}"
    server.stop()


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def address(system: str, mongodb: Address, postgresql: Address, redis_server: Address) -> Address:
    return {"MongoDB": mongodb, "PostgreSQL": postgresql, "Redis": redis_server}[system]


def through_settings(system: str, address: str) -> Report:
    return check_settings(system, {SETTINGS[system]: address})


def through_hooks(system: str, _: str) -> Report:
    if system == "MongoDB":
        hook = HistoryMongoHook()
        hook.extras["serverSelectionTimeoutMS"] = 5000
        return check_mongodb(hook.get_conn, hook.get_store().database.name)
    if system == "PostgreSQL":
        return check_postgresql(SupabaseHook().get_conn)
    return check_redis(SharedRedisHook().get_client)


@pytest.fixture(params=[through_settings, through_hooks])
def check(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Both ways; Airflow knows the connection that the deployment makes of the setting."""

    def run(system: str, address: str) -> Report:
        (connection,) = connections_from_settings({SETTINGS[system]: address})
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection.connection_id.upper()}", connection.as_json())
        report: Report = request.param(system, address)
        return report

    return run


def test_the_right_ca_is_taken(system: str, address: Address, authority: Authority, check: Check) -> None:
    report = check(system, address(NAME, authority.ca_file))
    assert report.problems == ()
    assert report.tls == "encrypted, certificate verified"


def test_a_wrong_ca_is_refused_with_what_to_change(
    system: str, address: Address, other_authority: Authority, check: Check
) -> None:
    (problem,) = check(system, address(NAME, other_authority.ca_file)).problems
    assert "signed by nobody this machine trusts" in problem
    assert SETTINGS[system] in problem


def test_a_certificate_for_another_name_is_refused(
    system: str, address: Address, authority: Authority, check: Check
) -> None:
    (problem,) = check(system, address(LOOPBACK, authority.ca_file)).problems
    assert "certificate is for another name" in problem
    assert SETTINGS[system] in problem


def test_a_ca_file_that_is_not_there_is_told(system: str, address: Address, tmp_path: Path) -> None:
    (problem,) = through_settings(system, address(NAME, tmp_path / "none.pem")).problems
    assert "is not there" in problem
    assert SETTINGS[system] in problem
