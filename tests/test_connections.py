"""From URIs to Airflow connections and, through Airflow's own hooks, back to the same target."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, cast
from unittest.mock import patch

import pymongo
import pytest
from airflow.models.connection import Connection
from airflow.providers.mongo.hooks.mongo import MongoHook
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.providers.redis.hooks.redis import RedisHook
from psycopg.conninfo import conninfo_to_dict
from redis import Redis
from redis.connection import SSLConnection

from echotune.connections import (
    AirflowConnection,
    SettingError,
    connections_from_settings,
    mongo_connection,
    personal_data_connection,
    postgres_connection,
    redis_connection,
)

PASSWORD = "p@ss:w/rd?#%&+ü"  # everything that needs escaping
ESCAPED = "p%40ss%3Aw%2Frd%3F%23%25%26%2B%C3%BC"


def _airflow(connection: AirflowConnection) -> Connection:
    """The connection as Airflow stores it: extra is text."""
    return Connection(
        conn_id=connection.connection_id,
        conn_type=connection.conn_type,
        host=connection.host,
        port=connection.port,
        login=connection.login,
        password=connection.password,
        schema=connection.schema,
        extra=str(connection.as_body()["extra"]),
    )


@pytest.fixture
def stored() -> Iterator[Callable[[AirflowConnection], None]]:
    """Makes the hooks find a connection."""
    with (
        patch.object(MongoHook, "get_connection") as mongo,
        patch.object(PostgresHook, "get_connection") as postgres,
        patch.object(RedisHook, "get_connection") as redis,
    ):

        def store(connection: AirflowConnection) -> None:
            for finder in (mongo, postgres, redis):
                finder.return_value = _airflow(connection)

        yield store


def _mongo_target(client: pymongo.MongoClient[Any]) -> dict[str, Any]:
    options = client.options
    return {
        "hosts": sorted(client._topology_settings.seeds),
        "credentials": options.pool_options._credentials,
        "tls": options.pool_options._ssl_context is not None,
        "invalid_hostnames": options.pool_options.tls_allow_invalid_hostnames,
        "replica_set": options.replica_set_name,
        "direct": options.direct_connection,
        "read_preference": options.read_preference,
        "write_concern": options.write_concern,
        "retry_writes": options.retry_writes,
        "pool": options.pool_options.max_pool_size,
        "timeout": options.pool_options.connect_timeout,
        "compressors": getattr(options.pool_options._compression_settings, "compressors", None),
        "application": options.pool_options.appname,
    }


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://localhost",
        "mongodb://127.0.0.1:27117/?replicaSet=rs0",
        f"mongodb://anna:{ESCAPED}@db.example:27018/music",
        f"mongodb://anna:{ESCAPED}@h1:27017,h2:27018,h3/?replicaSet=rs0&authSource=users&readPreference=nearest",
        "mongodb://anna:secret@h1/?tls=true&tlsAllowInvalidHostnames=true&retryWrites=false&w=majority",
        "mongodb://anna:secret@h1/?ssl=true&maxPoolSize=7&connectTimeoutMS=3500&compressors=zlib&appName=12",
        "mongodb://h1/?readPreference=secondary&readPreferenceTags=dc:east,use:batch&readPreferenceTags=",
        "mongodb://anna:secret@h1/?authMechanism=SCRAM-SHA-1&w=2&journal=true",
        "mongodb://CN%3Danna@h1/music?tls=true&authMechanism=MONGODB-X509",
        "mongodb://anna:secret@h1/?authMechanism=PLAIN",
        "mongodb://anna:secret@[::1]:27018/?directConnection=true",
    ],
)
def test_a_mongodb_uri_keeps_its_target(uri: str, stored: Callable[[AirflowConnection], None]) -> None:
    connection = mongo_connection(uri, "spotify_analytics", "plays")
    assert connection.schema == "spotify_analytics"
    stored(connection)
    hook = MongoHook()
    assert hook.extras.pop("history_collection") == "plays"
    with (
        pymongo.MongoClient[Any](uri, connect=False) as wanted,
        pymongo.MongoClient[Any](hook.uri, connect=False, **hook.extras) as built,
    ):
        assert _mongo_target(built) == _mongo_target(wanted)
        assert built.get_default_database().name == "spotify_analytics"


def test_a_seed_list_uri_keeps_its_scheme_and_options(stored: Callable[[AirflowConnection], None]) -> None:
    connection = mongo_connection(f"mongodb+srv://anna:{ESCAPED}@cluster0.ab1.example/?retryWrites=true", None, "plays")
    assert connection.port is None
    assert (connection.login, connection.password) == ("anna", PASSWORD)
    stored(connection)
    hook = MongoHook()
    assert hook.uri == f"mongodb+srv://anna:{ESCAPED}@cluster0.ab1.example/spotify_analytics"
    assert hook.extras == {"retryWrites": True, "authSource": "admin", "history_collection": "plays"}


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://anna:{ESCAPED}@db.example:6543/postgres?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgres://postgres.ref:secret@pooler.example/postgres",
        "postgresql://anna:secret@h1:5432,h2:5433/music?target_session_attrs=read-write",
        "postgresql://anna@[2001:db8::1]:5432/music?options=-c%20search_path%3Dechotune&connect_timeout=7",
        "postgresql+psycopg://anna:secret@h1/music?application_name=echotune",
    ],
)
def test_a_postgresql_url_keeps_its_target(url: str, stored: Callable[[AirflowConnection], None]) -> None:
    stored(postgres_connection(url))
    with patch.object(PostgresHook, "_create_connection") as create:
        cast(Any, PostgresHook()).get_conn()
    given = {name: str(value) for name, value in create.call_args.args[0].items() if value is not None}
    wanted = conninfo_to_dict(re.sub(r"^postgres(ql)?(\+psycopg)?:", "postgresql:", url))
    assert given == {name: str(value) for name, value in wanted.items()}


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        f"redis://:{ESCAPED}@cache.example:6380/3",
        f"redis://anna:{ESCAPED}@cache.example/0",
        "redis://cache.example/?db=4",
        "rediss://:secret@cache.example:6380/1?ssl_cert_reqs=none&ssl_check_hostname=false",
    ],
)
def test_a_redis_url_keeps_its_target(url: str, stored: Callable[[AirflowConnection], None]) -> None:
    stored(redis_connection(url))
    built, wanted = cast(Any, RedisHook()).get_conn().connection_pool, Redis.from_url(url).connection_pool
    for name in ("host", "port", "db", "username", "password", "ssl_cert_reqs", "ssl_check_hostname"):
        default = {"port": 6379, "db": 0}.get(name)
        assert built.connection_kwargs.get(name, default) == wanted.connection_kwargs.get(name, default), name
    assert issubclass(built.connection_class, SSLConnection) == url.startswith("rediss")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("MONGODB_URI", "postgresql://anna:hidden@h/db"),
        ("MONGODB_URI", "mongodb://anna:hid@den@h/"),
        ("MONGODB_URI", "mongodb://anna:hidden%zz@h/"),
        ("MONGODB_URI", "mongodb+srv://anna:hidden@h:27017/"),
        ("MONGODB_URI", "mongodb://anna:hidden@/db"),
        ("MONGODB_URI", "mongodb://anna:hidden@h/?hidden"),
        ("DATABASE_URL", "mysql://anna:hidden@h/db"),
        ("DATABASE_URL", "postgresql://anna:hidden%zz@h/db"),
        ("DATABASE_URL", "postgresql:///db"),
        ("DATABASE_URL", "postgresql://anna:hidden@h/db?nonsense=1"),
        ("REDIS_URL", "http://:hidden@h/0"),
        ("REDIS_URL", "redis://:hid/den@h:6379/0"),
        ("REDIS_URL", "redis://:hidden@h:6379/first"),
        ("MONGODB_URI", "mongodb://anna/b:hidden@h/"),
        ("DATABASE_URL", "postgresql://anna:hidden@%ff/x"),
        ("DATABASE_URL", "postgresql://:@hidden@"),
        ("DATABASE_URL", "postgresql://anna/b:hidden@h/"),
        ("MONGODB_URI", "mongodb://anna:hidden@h:99999/"),
        ("MONGODB_URI", "mongodb://anna:hidden@h1:27017,h2:" + "1" * 5000),
        ("MONGODB_URI", "mongodb://anna:hidden\udcff@h/"),
        ("DATABASE_URL", "postgresql://anna:hidden\udcff@h/db"),
        ("DATABASE_URL", "postgresql://anna:hidden@h:²/db"),
        ("DATABASE_URL", "postgresql://anna:hidden@h1:5432,h2:65536/db"),
        ("REDIS_URL", "redis://:hidden@h:6379/?db=²"),
        ("REDIS_URL", "redis://:hidden@h:6379/?db=false"),
        ("REDIS_URL", "redis://:hidden@h:6379/" + "1" * 5000),
        ("SPOTIFY_CLIENT_SECRET", "hidden"),
        ("SPOTIFY_CLIENT_ID", "hidden"),
    ],
)
def test_a_bad_setting_is_named_and_its_password_is_not(setting: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        connections_from_settings({setting: value})
    message = str(caught.value)
    assert re.match(r"(MONGODB_URI|DATABASE_URL|REDIS_URL|SPOTIFY_CLIENT_(ID|SECRET))\b", message)
    assert "hidden" not in message
    assert "hid" not in message.lower().replace("hidden", "")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_only_the_settings_that_are_there_make_connections() -> None:
    assert connections_from_settings({"MONGODB_URI": "", "SPOTIFY_API_URL": "http://localhost:9"}) == []
    made = connections_from_settings(
        {
            "REDIS_URL": "redis://h",
            "SPOTIFY_CLIENT_ID": "id",
            "SPOTIFY_CLIENT_SECRET": "secret",
            "SPOTIFY_API_URL": "http://localhost:9",
        }
    )
    assert [one.connection_id for one in made] == ["echotune_redis", "echotune_spotify"]
    assert made[1].extra == {"api_url": "http://localhost:9"}


def test_a_connection_shows_no_secret_when_printed() -> None:
    assert "key-of-keys" not in repr(personal_data_connection("key-of-keys"))
    assert json.loads(str(personal_data_connection("key-of-keys").as_body()["extra"])) == {}
