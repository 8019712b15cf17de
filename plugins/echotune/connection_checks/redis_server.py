"""Redis: reachable, recent enough, encrypted, with the commands that limits and cache need, and not forgetting them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import redis
from redis.connection import SSLConnection
from redis.exceptions import RedisClusterException

from echotune.connection_checks.network import is_here, network_trouble
from echotune.connection_checks.report import Report, measure, timing_warnings

SYSTEM = "Redis"
SETTING = "REDIS_URL"
OLDEST = 6
KEY = "echotune:check"
SCRIPT = "return redis.call('set', KEYS[1], ARGV[1], 'px', 1000)"


def check_redis(open_client: Callable[[], redis.Redis]) -> Report:
    """Look at the server, and run a script that writes one key for a second."""
    try:
        with open_client() as client:
            return _look(client)
    except (redis.RedisError, RedisClusterException, OSError) as error:
        return Report(system=SYSTEM, setting=SETTING, problems=(_trouble(error),))


def _look(client: redis.Redis) -> Report:
    client.ping()
    told: dict[str, Any] = client.info()
    timing = measure(lambda: datetime.fromtimestamp(sum(part / size for part, size in _time(client)), UTC))
    client.eval(SCRIPT, 1, KEY, "1")
    version = str(told["redis_version"])
    problems = (
        [f"Redis {version} is older than {OLDEST}: upgrade it."]
        if int(version.split(".", maxsplit=1)[0]) < OLDEST
        else []
    )
    warnings = timing_warnings(SYSTEM, timing)
    policy = told.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        warnings.append(f"it may forget limits when it is full: set maxmemory-policy to noeviction, it is {policy}.")
    if not _is_encrypted(client) and not is_here(client.get_connection_kwargs().get("host")):
        warnings.append(f"the way to {SYSTEM} is not encrypted: write rediss:// in {SETTING}.")
    return Report(
        system=SYSTEM,
        setting=SETTING,
        version=f"{told.get('server_name', 'redis').capitalize()} {version}",
        tls=_tls(client),
        rights="rights as needed",
        timing=timing,
        problems=tuple(problems),
        warnings=tuple(warnings),
    )


def _time(client: redis.Redis) -> list[tuple[float, float]]:
    seconds, microseconds = client.time()
    return [(seconds, 1), (microseconds, 1_000_000)]


def _is_encrypted(client: redis.Redis) -> bool:
    pool = getattr(client, "connection_pool", None)
    return pool is not None and issubclass(pool.connection_class, SSLConnection)


def _tls(client: redis.Redis) -> str:
    if not _is_encrypted(client):
        return "not encrypted"
    verified = str(client.get_connection_kwargs().get("ssl_cert_reqs", "required")).lower()
    return f"encrypted, certificate {'not ' if verified in ('none', 'verifymode.cert_none') else ''}verified"


def _trouble(error: Exception) -> str:
    if isinstance(error, redis.AuthenticationError) or "wrongpass" in str(error).lower():
        return f"it refuses the user or the password: copy them again ({SETTING})."
    if isinstance(error, redis.exceptions.NoPermissionError):
        return f"its user may not do what limits and cache need: allow it +@all ~echotune:* ({SETTING})."
    told = f"{error} {error.__cause__ or ''}"
    found = network_trouble(told, ca="ssl_ca_certs", tls="rediss://")
    return f"{found or f'it refuses what the check asks ({type(error).__name__})'} ({SETTING})."
