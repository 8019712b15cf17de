"""From the settings a user makes (URIs) to the Airflow connections the hooks read.

Pure functions without Airflow, so that every kind of deployment can use them before Airflow is there.
What Airflow's own hooks build from such a connection has the same target as the URI it came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from echotune.names import (
    DEFAULT_COLLECTION,
    DEFAULT_DATABASE,
    MONGO_CONNECTION,
    PERSONAL_DATA_CONNECTION,
    REDIS_CONNECTION,
    SPOTIFY_CONNECTION,
    SUPABASE_CONNECTION,
)

# These mechanisms keep their users outside MongoDB, whatever database the URI names.
EXTERNAL_MECHANISMS = frozenset({"GSSAPI", "MONGODB-X509", "MONGODB-AWS", "MONGODB-OIDC"})
NUMBER = re.compile(r"[0-9]{1,9}")
UNFIT = re.compile(r"[\x00\ud800-\udfff]")
"""What Python makes of bytes in the environment that are no text, and what ends a text in C."""
HIGHEST_PORT = 65_535
SPOTIFY_ADDRESSES = {
    "api_url": "SPOTIFY_API_URL",
    "accounts_url": "SPOTIFY_ACCOUNTS_URL",
    "reccobeats_api_url": "RECCOBEATS_API_URL",
}

Extra = dict[str, str | int | bool | list[str]]


class SettingError(ValueError):
    """A setting that cannot be used. The message names the setting and never repeats a password."""


@dataclass(frozen=True)
class AirflowConnection:
    """The fields of an Airflow connection."""

    connection_id: str
    conn_type: str
    description: str
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: Extra = field(default_factory=dict, repr=False)

    def as_body(self) -> dict[str, str | int | None]:
        """The fields as Airflow's REST API takes them."""
        return {**asdict(self), "extra": json.dumps(self.extra, sort_keys=True)}

    def as_json(self) -> str:
        """The fields as Airflow reads them from AIRFLOW_CONN_… or a secrets backend, which know the id themselves."""
        fields = {name: value for name, value in asdict(self).items() if name != "connection_id" and value is not None}
        return json.dumps(fields, sort_keys=True)


def connections_from_settings(settings: Mapping[str, str]) -> list[AirflowConnection]:
    """Every connection the settings speak of; a setting that is absent or empty makes none."""
    for name, value in settings.items():
        if UNFIT.search(value):
            raise SettingError(f"{name} holds bytes that are no text in UTF-8: write it again.")
    connections = []
    if uri := settings.get("MONGODB_URI"):
        database = settings.get("MONGODB_DATABASE") or None
        connections.append(mongo_connection(uri, database, settings.get("MONGODB_COLLECTION") or DEFAULT_COLLECTION))
    if uri := settings.get("DATABASE_URL"):
        connections.append(postgres_connection(uri))
    if uri := settings.get("REDIS_URL"):
        connections.append(redis_connection(uri))
    if settings.get("SPOTIFY_CLIENT_ID") or settings.get("SPOTIFY_CLIENT_SECRET"):
        connections.append(spotify_connection(settings))
    return connections


def mongo_connection(uri: str, database: str | None, collection: str) -> AirflowConnection:
    """MONGODB_URI (mongodb:// or mongodb+srv://) as the MongoHook reads it.

    The collection travels in extra as "history_collection", which the platform's own hook takes out
    before it hands the other extras to the driver.
    """
    match = re.fullmatch(r"(mongodb|mongodb\+srv)://(?:([^/?]*)@)?([^/?@]+)(?:/([^?@]*))?(?:\?(.*))?", uri, re.DOTALL)
    if match is None:
        raise SettingError(
            "MONGODB_URI is not a MongoDB address: write mongodb://user:password@host:27017/ or "
            "mongodb+srv://user:password@host/, with special characters in the password percent-encoded."
        )
    scheme, user, hosts, path, query = match.groups()
    login, password = _user_and_password("MONGODB_URI", user)
    extra = _query("MONGODB_URI", query)
    source = unquote_plus(path or "") or None
    if login is not None:
        _keep_authentication(extra, login, password, source)
    if scheme == "mongodb+srv":
        if ":" in hosts or "," in hosts:
            raise SettingError("MONGODB_URI with mongodb+srv:// takes one host without a port.")
        extra["srv"] = True
    host, port = _mongo_hosts(hosts)
    extra["history_collection"] = collection
    return AirflowConnection(
        MONGO_CONNECTION,
        "mongo",
        "MongoDB: the analytics store (from MONGODB_URI)",
        host=host,
        port=port,
        login=login,
        password=password,
        schema=database or source or DEFAULT_DATABASE,
        extra=extra,
    )


def postgres_connection(uri: str) -> AirflowConnection:
    """DATABASE_URL as the PostgresHook reads it; sslmode and every other parameter reach the driver in extra."""
    advice = (
        "DATABASE_URL is not a PostgreSQL address: write postgresql://user:password@host:5432/database, "
        "with special characters in the password percent-encoded."
    )
    plain = re.sub(r"^postgres(?:ql)?(?:\+\w+)?://", "postgresql://", uri)
    if not plain.startswith("postgresql://"):
        raise SettingError(advice)
    try:
        values = {name: str(value) for name, value in conninfo_to_dict(plain).items() if value is not None}
    except (psycopg.Error, UnicodeDecodeError):
        # The driver's message repeats parts of the address, so it is not passed on.
        raise SettingError(advice) from None
    path = plain.partition("://")[2].partition("/")[2].partition("?")[0]
    if "@" in values.get("host", "") or "@" in path:
        # What was taken for a host or a database is a part of a password with a special character.
        raise SettingError(advice)
    if "host" not in values and "hostaddr" not in values:
        raise SettingError("DATABASE_URL names no host: write postgresql://user:password@host:5432/database.")
    ports = values.pop("port", "")
    if not all(port == "" or _is_port(port) for port in ports.split(",")):
        raise SettingError("DATABASE_URL names a port that is none: give a number from 1 to 65535.")
    extra: Extra = {}
    if "," in ports:
        # Several hosts have several ports, which Airflow's one number cannot say: the driver's own form can.
        extra["port"] = ports
    connection = AirflowConnection(
        SUPABASE_CONNECTION,
        "postgres",
        "PostgreSQL: the application store (from DATABASE_URL)",
        host=values.pop("host", None),
        port=int(ports) if _is_port(ports) else None,
        login=values.pop("user", None),
        password=values.pop("password", None),
        schema=values.pop("dbname", None),
        extra=extra,
    )
    extra.update(values)
    return connection


def redis_connection(uri: str) -> AirflowConnection:
    """REDIS_URL (redis:// or rediss://) as the RedisHook reads it."""
    advice = (
        "REDIS_URL is not a Redis address: write redis://:password@host:6379/0, or rediss:// with TLS, "
        "with special characters in the password percent-encoded."
    )
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        # Its message repeats what it took for a port, which may be half a password.
        raise SettingError(advice) from None
    number = parts.path.strip("/")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or parts.fragment:
        raise SettingError(advice)
    extra = _query("REDIS_URL", parts.query)
    option = extra.pop("db", "")
    database = number or "0" if option == "" else str(option)
    if not all(NUMBER.fullmatch(text) for text in (database, number or "0")):
        raise SettingError(advice)
    extra["db"] = int(database)
    if parts.scheme == "rediss":
        extra["ssl"] = True
    return AirflowConnection(
        REDIS_CONNECTION,
        "redis",
        "Redis: shared cache and rate limits (from REDIS_URL)",
        host=parts.hostname,
        port=port or 6379,
        login=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        extra=extra,
    )


def spotify_connection(settings: Mapping[str, str]) -> AirflowConnection:
    """SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET, and where the services are when not in their usual places."""
    login, password = settings.get("SPOTIFY_CLIENT_ID"), settings.get("SPOTIFY_CLIENT_SECRET")
    if not login or not password:
        missing = "SPOTIFY_CLIENT_SECRET" if login else "SPOTIFY_CLIENT_ID"
        raise SettingError(f"{missing} is missing: Spotify wants both the client's id and its secret.")
    return AirflowConnection(
        SPOTIFY_CONNECTION,
        "generic",
        "Spotify Web API (from SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET)",
        login=login,
        password=password,
        extra=_spotify_extra(settings),
    )


def _spotify_extra(settings: Mapping[str, str]) -> Extra:
    extra: Extra = {name: settings[variable] for name, variable in SPOTIFY_ADDRESSES.items() if settings.get(variable)}
    if settings.get("SPOTIFY_SIMULATED"):
        extra["simulated"] = True
    return extra


def personal_data_connection(key: str) -> AirflowConnection:
    """The deployment's secret key for hashing IP addresses and user agents."""
    return AirflowConnection(
        PERSONAL_DATA_CONNECTION, "generic", "Key that hashes IP addresses and user agents", password=key
    )


def _keep_authentication(extra: Extra, login: str, password: str | None, source: str | None) -> None:
    """Say in extra what the URI's path meant for authentication: Airflow puts another database there."""
    known = {name.lower(): value for name, value in extra.items()}
    mechanism = str(known.get("authmechanism", "")).upper()
    if mechanism not in EXTERNAL_MECHANISMS and "authsource" not in known:
        fallback = "$external" if mechanism == "PLAIN" else "admin"
        extra["authSource"] = source or fallback
    if password is None:
        # The MongoHook puts a user into the URI only together with a password.
        extra["username"] = login


def _mongo_hosts(hosts: str) -> tuple[str, int | None]:
    """One host as host and port; several, as a replica set has, stay together as the driver reads them."""
    read = [_host_and_port(host) for host in hosts.split(",")]
    return read[0] if len(read) == 1 else (hosts, None)


def _host_and_port(written: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(\[[^\]]+\]|[^:\[\]]+)(?::(.*))?", written, re.DOTALL)
    if match is None or not (match[2] is None or _is_port(match[2])):
        raise SettingError("MONGODB_URI names a host or a port that is none: write host:27017 or [::1]:27017.")
    return match[1], int(match[2]) if match[2] else None


def _is_port(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None and 0 < int(text) <= HIGHEST_PORT


def _user_and_password(setting: str, user: str | None) -> tuple[str | None, str | None]:
    if not user:
        return None, None
    if "@" in user or user.count(":") > 1 or re.search(r"%(?![0-9a-fA-F]{2})", user):
        raise SettingError(f"{setting}: special characters in the user name or password must be percent-encoded.")
    login, colon, password = user.partition(":")
    return unquote_plus(login), unquote_plus(password) if colon else None


def _query(setting: str, query: str | None) -> Extra:
    """The options after the question mark; true and false become themselves, a repeated one a list."""
    try:
        options = parse_qs(query or "", keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise SettingError(f"{setting}: what follows the question mark must read name=value&name=value.") from None
    return {name: _plain(values[0]) if len(values) == 1 else values for name, values in options.items()}


def _plain(value: str) -> str | bool:
    return {"true": True, "false": False}.get(value.lower(), value)
