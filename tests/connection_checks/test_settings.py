"""What a check says of real servers: the good case, and each thing that is usually wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import redis
from pymongo import MongoClient

from echotune.connection_checks.report import Report
from echotune.connection_checks.settings import check_settings
from local.ports import LOOPBACK, free_port
from local.servers.mongod import Mongod
from local.servers.redis import RedisServer
from local.servers.simulator import SpotifySimulator
from tests.support.supabase import OwnedPostgres

SECRET = "a-secret-of-a-user"


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    server = Mongod(tmp_path_factory.mktemp("mongod"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


def the_problem(report: Report) -> str:
    (problem,) = report.problems
    assert SECRET not in " ".join(report.lines)
    return problem


def test_a_mongodb_that_can_be_used(mongod: Mongod) -> None:
    mongod.add_user("loader", SECRET, ["readWriteAnyDatabase", "dbAdminAnyDatabase"])
    report = check_settings("MongoDB", {"MONGODB_URI": mongod.uri_of("loader", SECRET)})
    assert (report.problems, report.warnings, report.rights) == ((), (), "rights as needed")
    assert report.timing is not None
    assert report.timing.milliseconds < 1000
    assert abs(report.timing.clock_seconds or 0) < 1


def test_rights_in_another_database_are_not_enough(mongod: Mongod) -> None:
    with MongoClient[dict[str, Any]](mongod.uri) as client:
        roles = [{"role": "readWrite", "db": "other"}, {"role": "read", "db": "music"}]
        client.admin.command("createUser", "reader", pwd=SECRET, roles=roles)
    settings = {"MONGODB_URI": mongod.uri_of("reader", SECRET), "MONGODB_DATABASE": "music"}
    problem = the_problem(check_settings("MongoDB", settings))
    assert "may not" in problem
    assert "insert" in problem
    assert "MONGODB_DATABASE" in problem


def test_mongodb_with_a_wrong_password(mongod: Mongod) -> None:
    problem = the_problem(check_settings("MongoDB", {"MONGODB_URI": mongod.uri_of("admin", SECRET)}))
    assert "refuses the user or the password" in problem


def test_a_postgresql_that_is_to_be_set_up(postgres_server: OwnedPostgres, empty_supabase: str) -> None:
    report = check_settings("PostgreSQL", {"DATABASE_URL": empty_supabase})
    assert report.problems == ()
    assert report.rights == "not set up yet, rights to do so are there"


def test_a_postgresql_that_is_set_up(supabase_uri: str) -> None:
    assert check_settings("PostgreSQL", {"DATABASE_URL": supabase_uri}).rights == "set up, rights as needed"


def test_a_user_who_may_not_sync(postgres_server: OwnedPostgres, supabase_uri: str) -> None:
    postgres_server.add_role("stranger", SECRET)
    database = psycopg.conninfo.conninfo_to_dict(supabase_uri)["dbname"]
    uri = postgres_server.uri_of("stranger", SECRET, str(database))
    assert "grant echotune_sync" in the_problem(check_settings("PostgreSQL", {"DATABASE_URL": uri}))


@pytest.mark.parametrize(
    ("user", "database", "words"),
    [("platform", "none", "no such database"), ("platform", "postgres", "refuses the user or the password")],
)
def test_postgresql_with_a_wrong_address(postgres_server: OwnedPostgres, user: str, database: str, words: str) -> None:
    password = postgres_server.owner_password if database == "none" else SECRET
    uri = postgres_server.uri_of(user, password, database)
    assert words in the_problem(check_settings("PostgreSQL", {"DATABASE_URL": uri}))


def test_a_redis_that_can_be_used(redis_server: RedisServer) -> None:
    report = check_settings("Redis", {"REDIS_URL": redis_server.uri})
    assert (report.problems, report.warnings) == ((), ())


def test_a_redis_that_forgets_is_warned_of(redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.uri) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        (warning,) = check_settings("Redis", {"REDIS_URL": redis_server.uri}).warnings
        client.config_set("maxmemory-policy", "noeviction")
    assert "noeviction" in warning


def test_redis_with_a_wrong_password_or_user(redis_server: RedisServer) -> None:
    uri = f"redis://:{SECRET}@{redis_server.address}/0"
    assert "refuses the user or the password" in the_problem(check_settings("Redis", {"REDIS_URL": uri}))
    with redis.Redis.from_url(redis_server.uri) as client:
        client.acl_setuser(
            "reader", enabled=True, passwords=[f"+{SECRET}"], keys=["*"], commands=["+get", "+ping", "+info"]
        )
    uri = f"redis://reader:{SECRET}@{redis_server.address}/0"
    assert "may not do what limits and cache need" in the_problem(check_settings("Redis", {"REDIS_URL": uri}))


def spotify(simulator: SpotifySimulator, **changes: str) -> dict[str, str]:
    return {**simulator.settings, **changes}


def test_a_spotify_that_takes_the_application(simulator: SpotifySimulator) -> None:
    assert check_settings("Spotify", spotify(simulator)).problems == ()
    assert check_settings("ReccoBeats", spotify(simulator)).problems == ()


def test_a_wrong_client_secret_names_the_settings(simulator: SpotifySimulator) -> None:
    problem = the_problem(check_settings("Spotify", spotify(simulator, SPOTIFY_CLIENT_SECRET=SECRET)))
    assert "SPOTIFY_CLIENT_SECRET" in problem


def test_half_an_application_names_the_other_half() -> None:
    problem = the_problem(check_settings("Spotify", {"SPOTIFY_CLIENT_SECRET": SECRET}))
    assert "SPOTIFY_CLIENT_ID is missing" in problem


@pytest.mark.parametrize("system", ["MongoDB", "PostgreSQL", "Redis", "Spotify"])
def test_what_is_not_set_is_told_and_no_problem(system: str) -> None:
    report = check_settings(system, {})
    assert (report.configured, report.problems) == (False, ())
    assert "not set up" in report.lines[0]


@pytest.mark.parametrize(
    ("system", "setting", "scheme"),
    [
        ("MongoDB", "MONGODB_URI", "mongodb"),
        ("PostgreSQL", "DATABASE_URL", "postgresql"),
        ("Redis", "REDIS_URL", "redis"),
    ],
)
class TestAddresses:
    """What every driver meets on the network."""

    def test_nothing_listens(self, system: str, setting: str, scheme: str) -> None:
        address = f"{scheme}://user:{SECRET}@{LOOPBACK}:{free_port()}/"
        problem = the_problem(check_settings(system, {setting: address}))
        assert "nothing listens there" in problem
        assert setting in problem

    def test_there_is_no_such_host(self, system: str, setting: str, scheme: str) -> None:
        address = f"{scheme}://user:{SECRET}@no-such-host.invalid:1234/"
        problem = the_problem(check_settings(system, {setting: address}))
        assert "no host of that name" in problem

    def test_the_address_is_none(self, system: str, setting: str, scheme: str) -> None:
        problem = the_problem(check_settings(system, {setting: f"https://user:{SECRET}@host/"}))
        assert setting in problem

    def test_a_file_for_the_ca_that_is_none(self, system: str, setting: str, scheme: str, tmp_path: Path) -> None:
        options = {
            "MongoDB": "tls=true&tlsCAFile=",
            "PostgreSQL": "sslmode=verify-full&sslrootcert=",
            "Redis": "ssl_ca_certs=",
        }
        scheme = "rediss" if system == "Redis" else scheme
        address = f"{scheme}://user:{SECRET}@{LOOPBACK}:{free_port()}/?{options[system]}{quote(str(tmp_path / 'none'))}"
        assert setting in the_problem(check_settings(system, {setting: address}))
