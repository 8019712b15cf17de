"""Checks straight from settings, as a person types them: for the wizard, before there is any Airflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import redis
from pymongo import MongoClient

from echotune.connection_checks.mongodb import SETTING as MONGODB_URI
from echotune.connection_checks.mongodb import SYSTEM as MONGODB
from echotune.connection_checks.mongodb import check_mongodb
from echotune.connection_checks.postgresql import SETTING as DATABASE_URL
from echotune.connection_checks.postgresql import SYSTEM as POSTGRESQL
from echotune.connection_checks.postgresql import check_postgresql
from echotune.connection_checks.redis_server import SETTING as REDIS_URL
from echotune.connection_checks.redis_server import SYSTEM as REDIS
from echotune.connection_checks.redis_server import check_redis
from echotune.connection_checks.report import Report
from echotune.connection_checks.spotify import (
    RECCOBEATS,
    RECCOBEATS_SETTING,
    SPOTIFY,
    SPOTIFY_SETTING,
    check_reccobeats,
    check_spotify,
)
from echotune.connections import SettingError, connections_from_settings
from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.spotify_client import SpotifyClient
from echotune.names import DEFAULT_DATABASE

WAIT_SECONDS = 5
Settings = Mapping[str, str]


def check_settings(system: str, settings: Settings) -> Report:
    """Check one system with these settings.

    :param system: a key of ``CHECKS``
    """
    names, check = CHECKS[system]
    if not any(settings.get(name) for name in names) and system != RECCOBEATS:
        return Report(system=system, setting=" and ".join(names), configured=False)
    try:
        connections_from_settings({name: settings[name] for name in settings if name in (*names, *ADDRESSES)})
        return check(settings)
    except (SettingError, EnrichmentError) as error:
        return Report(system=system, setting=" and ".join(names), problems=(str(error),))


def _mongodb(settings: Settings) -> Report:
    def open_client() -> MongoClient[dict[str, Any]]:
        return MongoClient(
            settings[MONGODB_URI],
            serverSelectionTimeoutMS=WAIT_SECONDS * 1000,
            connectTimeoutMS=WAIT_SECONDS * 1000,
            appname="echotune-check",
        )

    return check_mongodb(open_client, settings.get("MONGODB_DATABASE") or DEFAULT_DATABASE)


def _postgresql(settings: Settings) -> Report:
    return check_postgresql(
        lambda: psycopg.connect(
            settings[DATABASE_URL], connect_timeout=WAIT_SECONDS, autocommit=True, prepare_threshold=None
        )
    )


def _redis(settings: Settings) -> Report:
    return check_redis(
        lambda: redis.Redis.from_url(
            settings[REDIS_URL], socket_connect_timeout=WAIT_SECONDS, socket_timeout=WAIT_SECONDS, retry=None
        )
    )


def _spotify(settings: Settings) -> Report:
    return check_spotify(
        SpotifyClient(
            settings["SPOTIFY_CLIENT_ID"],
            settings["SPOTIFY_CLIENT_SECRET"],
            api_url=settings.get("SPOTIFY_API_URL") or None,
            accounts_url=settings.get("SPOTIFY_ACCOUNTS_URL") or None,
        )
    )


def _reccobeats(settings: Settings) -> Report:
    return check_reccobeats(ReccoBeatsClient(settings.get(RECCOBEATS_SETTING) or None))


ADDRESSES = ("SPOTIFY_API_URL", "SPOTIFY_ACCOUNTS_URL", RECCOBEATS_SETTING, "MONGODB_DATABASE", "MONGODB_COLLECTION")
CHECKS: dict[str, tuple[tuple[str, ...], Callable[[Settings], Report]]] = {
    MONGODB: ((MONGODB_URI,), _mongodb),
    POSTGRESQL: ((DATABASE_URL,), _postgresql),
    REDIS: ((REDIS_URL,), _redis),
    SPOTIFY: (tuple(SPOTIFY_SETTING.split(" and ")), _spotify),
    RECCOBEATS: ((RECCOBEATS_SETTING,), _reccobeats),
}
