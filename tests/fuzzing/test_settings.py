"""Whatever is typed as a setting: something to work with comes of it, or an error that names the setting."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from echotune.archive.errors import ArchiveError
from echotune.archive.settings import ArchiveSettings, RestoreSettings
from echotune.connections import SettingError, connections_from_settings
from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.settings import EnrichmentSettings
from echotune.enrichment.spotify_client import SpotifyClient
from echotune.forgetting.errors import ForgettingError
from echotune.forgetting.settings import ForgetSettings
from echotune.history.errors import HistoryError
from echotune.history.settings import LoadSettings
from echotune.indexes.settings import IndexesError, MaintenanceSettings
from echotune.spotify_account.errors import AccountError
from echotune.spotify_account.settings import AccountSettings
from echotune.statistics.errors import StatisticsError
from echotune.statistics.settings import StatisticsSettings
from echotune.storage.errors import StorageError
from echotune.storage.settings import StorageSettings
from echotune.sync.errors import SyncError
from echotune.sync.settings import SyncSettings
from local.errors import StackError
from local.settings import parse_ports, parse_workers
from tests.fuzzing.cases import in_time, part_of_cases

NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)
LARGEST_INTEGER = 2**63 - 1


class Kind(NamedTuple):
    """The settings of one domain, and the error that says what is wrong with them."""

    model: type[BaseModel]
    error: type[Exception]


KINDS = [
    Kind(ArchiveSettings, ArchiveError),
    Kind(RestoreSettings, ArchiveError),
    Kind(EnrichmentSettings, EnrichmentError),
    Kind(ForgetSettings, ForgettingError),
    Kind(LoadSettings, HistoryError),
    Kind(MaintenanceSettings, IndexesError),
    Kind(AccountSettings, AccountError),
    Kind(StatisticsSettings, StatisticsError),
    Kind(StorageSettings, StorageError),
    Kind(SyncSettings, SyncError),
]

ODD_TEXTS = st.sampled_from(
    [
        *(
            "",
            " ",
            "\n",
            "\0",
            "a\0b",
            "\ud800",
            "😀",
            "null",
            "None",
            "true",
            "yes",
            "off",
            "[]",
            "{}",
            '{"a": 1}',
            '["a"]',
        ),
        *(
            "[" * 3000,
            '{"a":' * 3000,
            '{"a": NaN}',
            "1" * 5000,
            "{" + "1" * 5000,
            "0",
            "1",
            "-1",
            "1.0",
            "1e3",
            "²",
            "１２",
        ),
        *(
            "1_000",
            "inf",
            "nan",
            "0x10",
            " 7 ",
            "1e400",
            f"{2**63}",
            "9" * 400,
            "spotify,spotify",
            ",",
            "a,,b",
            "local",
        ),
        *(
            "spotify",
            "reccobeats",
            "mock",
            "catalog",
            "audio_features",
            "plays",
            "tracks, users",
            "drop",
            "hash",
            "keep",
        ),
        *("UTC", "Europe/Amsterdam", "Europe", "../UTC", "/etc/passwd", "posixrules", "tzdata.zi", "zone.tab", "a/b.c"),
        *(
            ".",
            "..",
            "Europe/",
            "__init__.py",
            "localtime",
            '{"anna": "UTC"}',
            '{"anna": "Europe"}',
            '{"anna": ["UTC"]}',
        ),
        *("2024-01-01", "2024-01-01T00:00:00+25:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024"),
        *("20 GiB", "1e999 GB", "nan GB", "² GiB", "-1 GB", "0", "M0", "none", "free", "s3://bucket/a", "/", "//", "~"),
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(
        [0, 1, -1, 7, 10**6, 2**31, 2**63 - 1, 2**63, 10**30, 10**4000, 0.5, 1e308, float("nan"), float("inf")]
    )
    | st.integers()
    | st.floats()
    | ODD_TEXTS
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)


@part_of_cases(0.4)
@given(st.data(), st.sampled_from(KINDS))
@in_time
def test_settings_are_read_or_the_wrong_one_is_named(data: st.DataObject, kind: Kind) -> None:
    fields = list(kind.model.model_fields)
    names = st.sampled_from(fields) | st.text(max_size=5)
    values: dict[str, Any] = data.draw(st.dictionaries(names, VALUES, max_size=4))
    if data.draw(st.booleans()):
        values = {name: str(value) for name, value in values.items()}
    if "target" in fields and data.draw(st.booleans()):
        values = {"target": "/archive", "older_than_years": 3} | values
    if "confirmation" in fields and data.draw(st.booleans()):
        values["confirmation"] = values.get("username", "")
    try:
        settings = kind.model.of(values)  # type: ignore[attr-defined]
    except kind.error as error:
        assert any(name in str(error) for name in [*values, *fields]), f"names no setting: {error}"
        return
    require_usable(settings)


def require_usable(settings: BaseModel) -> None:
    """Every number fits what it is counted in and stored as, and what is derived from settings is there."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        assert not isinstance(value, int | float) or abs(value) <= LARGEST_INTEGER, f"{name} is {value}"
    if isinstance(settings, ArchiveSettings):
        assert settings.before(NOW) < NOW
    for name in dir(type(settings)):
        if isinstance(getattr(type(settings), name), property) and not name.startswith(("model_", "__")):
            getattr(settings, name)


SECRET = "s3cr3tW0rd"
SPECIAL = st.sampled_from(
    [
        *(
            "",
            "@",
            ":",
            "/",
            "?",
            "#",
            "%",
            "%zz",
            "%40",
            "%00",
            "%ff",
            "%C3%A9",
            "[",
            "]",
            "[::1]",
            ",",
            ";",
            "=",
            "&",
            " ",
            "\t",
        ),
        *(
            "\0",
            "\n",
            "\ud800",
            "é",
            "²",
            "٣",
            "😀",
            "1" * 5000,
            "99999",
            "-1",
            "0",
            "65536",
            "a.b",
            "+",
            "\\",
            "'",
            '"',
            "\u2100",
        ),
        *("localhost", "127.0.0.1", "host", "[fe80::1%25eth0]", "host:27017", ":5432", "h1,h2:27018", "h1:1,h2:2"),
    ]
)
SHORT = SPECIAL | st.text(string.printable, max_size=6)
SCHEMES = st.sampled_from(
    [
        *(
            "mongodb://",
            "mongodb+srv://",
            "postgresql://",
            "postgres://",
            "postgresql+psycopg://",
            "redis://",
            "rediss://",
        ),
        *("http://", "", "mongodb:", "redis:", "unix://", "MONGODB://", "Redis://", "postgresql:///", "//"),
    ]
)
OPTIONS = st.sampled_from(
    [
        *("", "?", "?a", "?a=1&a=2", "?=", "?tls=true", "?authSource=x", "?authMechanism=PLAIN", "?db=²", "?db=1&db=2"),
        *(
            "?db=false",
            "?sslmode=require",
            "?sslmode=nonsense",
            "?port=²",
            "?port=1,2",
            "?host=a,b",
            "?password=" + SECRET,
        ),
        *(
            "?options=-c%20x",
            "?connect_timeout=x",
            "#fragment",
            "?replicaSet=rs0&directConnection=true",
            "?w=-1",
            "?&&",
        ),
    ]
)
URIS = st.builds(
    lambda scheme, user, before, after, at, host, path, options: (
        f"{scheme}{user}:{before}{SECRET}{after}{at}{host}{path}{options}"
    ),
    SCHEMES,
    SHORT,
    SHORT.filter(lambda before: "@" not in before),  # what stands behind one is a host, whatever it was meant to be
    SHORT,
    st.sampled_from(["@", "@", "@", "", "@@"]),
    SHORT,
    st.just("") | st.sampled_from(["/", "/0", "/db", "/²", "//", "/" + "1" * 5000, "/a/b", "/%00"]) | SHORT,
    OPTIONS,
)
VARIABLES = ("MONGODB_URI", "DATABASE_URL", "REDIS_URL")


@part_of_cases(0.4)
@given(st.sampled_from(VARIABLES), URIS, st.sampled_from([None, "", "db", "a b", "\ud800"]), st.booleans())
@in_time
def test_an_address_makes_a_connection_or_is_named_without_its_password(
    variable: str, uri: str, database: str | None, is_usual: bool
) -> None:
    if is_usual:
        usual = {"MONGODB_URI": "mongodb://", "DATABASE_URL": "postgresql://", "REDIS_URL": "redis://"}[variable]
        uri = usual + uri.partition("://")[2]
    settings = {variable: uri} | ({} if database is None else {"MONGODB_DATABASE": database})
    try:
        (connection,) = connections_from_settings(settings)
    except SettingError as error:
        assert any(name in str(error) for name in settings)
        assert SECRET not in str(error)
        assert error.__suppress_context__ or error.__context__ is None
        return
    assert SECRET not in repr(connection)
    assert json.loads(connection.as_json())["conn_type"] == connection.conn_type
    assert connection.port is None or 0 < connection.port < 65536
    assert json.loads(str(connection.as_body()["extra"])) == connection.extra


ADDRESSES = st.builds(
    lambda scheme, host, path: f"{scheme}{host}{path}",
    st.sampled_from(["http://", "https://", "", "ftp://", "http:", "//", "HTTP://"]),
    SHORT,
    st.just("") | st.sampled_from(["/", "/v1", "/v1/", "/[", "?a=b", "#"]) | SHORT,
)


@part_of_cases(0.1)
@given(st.sampled_from(["api_url", "accounts_url"]), ADDRESSES, SHORT, SHORT)
@in_time
def test_a_services_address_makes_a_client_or_is_refused(name: str, url: str, client_id: str, secret: str) -> None:
    clients: list[Callable[[], object]] = [
        lambda: SpotifyClient(client_id, secret + SECRET, **{name: url}),  # type: ignore[arg-type]
        lambda: ReccoBeatsClient(url),
    ]
    for make in clients:
        try:
            made = make()
        except EnrichmentError as error:
            assert "SPOTIFY_" in str(error) or "RECCOBEATS_" in str(error)
            assert SECRET not in str(error)
        else:
            assert SECRET not in repr(made)


NAMES = st.sampled_from(["AIRFLOW_PORT", "MONGODB_PORT", "WORKERS", "PORT", ""])


@part_of_cases(0.1)
@given(
    st.lists(st.builds(lambda name, sign, value: name + sign + value, NAMES, st.sampled_from(["=", "", "=="]), SHORT))
)
@in_time
def test_ports_and_workers_are_read_or_the_wrong_one_is_named(arguments: list[str]) -> None:
    for read in (parse_ports, parse_workers):
        try:
            found: Any = read(arguments)
        except StackError as error:
            assert any(name in str(error) for name in ("PORT", "WORKERS"))
        else:
            ports: Mapping[str, int] = found if isinstance(found, dict) else {}
            assert all(0 < port < 65536 for port in ports.values())
