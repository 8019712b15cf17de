"""MongoDB: reachable, recent enough, encrypted, with the rights that loading and maintenance need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from echotune.connection_checks.network import is_here, network_trouble
from echotune.connection_checks.report import CheckFailed, Report, Timing, measure, timing_warnings

SYSTEM = "MongoDB"
SETTING = "MONGODB_URI"
OLDEST = (6, 0)
AUTHENTICATION_FAILED = 18
NEEDED = frozenset(
    {"find", "insert", "update", "remove", "createCollection", "createIndex", "dropIndex", "collMod", "collStats"}
)
"""What readWrite and dbAdmin on the database give: https://www.mongodb.com/docs/manual/reference/built-in-roles/"""
ATLAS = ".mongodb.net"
Client = MongoClient[dict[str, Any]]


def check_mongodb(open_client: Callable[[], Client], database: str) -> Report:
    """Look at the server, and at what its user may do in a database; nothing is written."""
    try:
        with open_client() as client:
            return _look(client, database)
    except CheckFailed as failed:
        return Report(system=SYSTEM, setting=SETTING, problems=(str(failed),))
    except (PyMongoError, OSError) as error:
        return Report(system=SYSTEM, setting=SETTING, problems=(_trouble(error),))


def _look(client: Client, database: str) -> Report:
    hello = client.admin.command("hello")
    version = client.server_info()["version"]
    timing = measure(lambda: client.admin.command("hello")["localTime"].replace(tzinfo=UTC))
    privileges = client.admin.command("connectionStatus", showPrivileges=True)["authInfo"]
    missing = _missing(privileges, database)
    problems = []
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        problems.append(f"MongoDB {version} is older than {'.'.join(map(str, OLDEST))}: upgrade it.")
    if missing:
        problems.append(
            f"the user may not {', '.join(sorted(missing))} in {database}: give it the roles readWrite and dbAdmin "
            f"there, or change {SETTING} or MONGODB_DATABASE."
        )
    return Report(
        system=SYSTEM,
        setting=SETTING,
        version=f"MongoDB {version}",
        tls=_tls(client),
        rights="rights as needed" if not missing else "rights are missing",
        timing=timing,
        problems=tuple(problems),
        warnings=tuple(_warnings(client, hello, privileges, timing)),
    )


def _missing(privileges: dict[str, Any], database: str) -> set[str]:
    if not privileges["authenticatedUsers"]:
        return set()  # a server without access control
    had: set[str] = set()
    for privilege in privileges["authenticatedUserPrivileges"]:
        resource = privilege["resource"]
        whole = resource.get("collection") == "" and resource.get("db") in ("", database)
        if whole or resource.get("anyResource"):
            had |= set(privilege["actions"])
    return set(NEEDED - had)


def _warnings(client: Client, hello: dict[str, Any], privileges: dict[str, Any], timing: Timing) -> list[str]:
    warnings = timing_warnings(SYSTEM, timing)
    hosts = {host for host, _ in client.nodes}
    if not _is_encrypted(client) and not all(map(is_here, hosts)):
        warnings.append(f"the way to {SYSTEM} is not encrypted: add tls=true to {SETTING}.")
    if not privileges["authenticatedUsers"]:
        warnings.append("it asks nobody for a password: switch its access control on.")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        warnings.append("it is no replica set, so it has no transactions: archiving is less safe against kills.")
    return warnings


def _is_encrypted(client: Client) -> bool:
    return getattr(client.options.pool_options, "_ssl_context", None) is not None


def _tls(client: Client) -> str:
    if not _is_encrypted(client):
        return "not encrypted"
    context = getattr(client.options.pool_options, "_ssl_context", None)
    # OpenSSL's number for a certificate that is looked at.
    verified = getattr(context, "verify_mode", 0)
    return "encrypted, certificate verified" if verified else "encrypted, certificate not verified"


def _trouble(error: Exception) -> str:
    told = str(error)
    if (isinstance(error, OperationFailure) and error.code == AUTHENTICATION_FAILED) or "bad auth" in told.lower():
        return f"it refuses the user or the password: copy them again, and see authSource ({SETTING})."
    found = network_trouble(told, ca="tlsCAFile", tls="tls=true")
    if found and ATLAS in told and "does not answer" in found:
        found = "it does not answer: add this machine's address to the project's Network Access list in Atlas"
    if found:
        return f"{found} ({SETTING})."
    if isinstance(error, ConfigurationError):
        return f"{SETTING} has options that the driver does not take: compare it with what the provider shows."
    return f"it refuses what the check asks ({type(error).__name__}): look at the rights of the user in {SETTING}."
