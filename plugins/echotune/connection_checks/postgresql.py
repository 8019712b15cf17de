"""PostgreSQL, Supabase's or any other: reachable, recent enough, encrypted, with the rights that the sync needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.rows import dict_row

from echotune.connection_checks.network import is_here, network_trouble
from echotune.connection_checks.report import CheckFailed, Report, Timing, measure, timing_warnings
from echotune.resources import read_sql

SYSTEM = "PostgreSQL"
SETTING = "DATABASE_URL"
OLDEST = 150000
POOLER = "pooler.supabase.com"
TRANSACTION_PORT = 6543
VERIFYING = ("verify-ca", "verify-full")
Connection = psycopg.Connection[Any]
REFUSALS = (
    ("password authentication failed", "it refuses the user or the password: copy them again"),
    ("tenant or user not found", "the pooler knows no such project or user: the user is postgres.PROJECT there"),
    ("does not exist", "there is no such database or user: copy the address again"),
    ("no pg_hba.conf entry", "it does not admit this user from here: see its access rules, and whether it wants TLS"),
    ("too many", "it has no connection left: wait, or raise its limit"),
    ("maxclients", "the pooler has no connection left: wait, or use it in transaction mode (port 6543)"),
)


def check_postgresql(open_connection: Callable[[], Connection]) -> Report:
    """Look at the server, and at what its user may do; nothing is written."""
    try:
        with open_connection() as connection:
            return _look(connection)
    except CheckFailed as failed:
        return Report(system=SYSTEM, setting=SETTING, problems=(str(failed),))
    except psycopg.Error as error:
        return Report(system=SYSTEM, setting=SETTING, problems=(_trouble(error),))


def _look(connection: Connection) -> Report:
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(read_sql("connection_checks/look.sql")).fetchone() or {}
    timing = measure(lambda: connection.execute("select clock_timestamp()").fetchone()[0])  # type: ignore[index]
    problems = []
    if found["version_number"] < OLDEST:
        problems.append(f"PostgreSQL {found['version']} is older than 15: upgrade it.")
    if missing := _missing(found):
        problems.append(f"{missing}, or change {SETTING}.")
    return Report(
        system=SYSTEM,
        setting=SETTING,
        version=f"PostgreSQL {found['version'].split()[0]}{_way(connection)}",
        tls=_tls(connection),
        rights=f"rights are missing for {SETTING}'s user" if missing else _rights(found),
        timing=timing,
        problems=tuple(problems),
        warnings=tuple(_warnings(connection, timing)),
    )


def _missing(found: dict[str, Any]) -> str | None:
    """What the user would need; None where all is there."""
    if found["may_sync"]:
        return None
    if found["is_set_up"]:
        return "the user is no member of echotune_sync: let the owner run grant echotune_sync to it"
    if not (found["may_make_schemas"] and found["may_make_tables"]):
        return "the user may not make schemas and tables: grant it create on the database and on the schema public"
    if not (found["has_supabase_roles"] or found["may_make_roles"]):
        return "the user may not make roles: run include/sql/bootstrap/roles.sql as an administrator"
    return None


def _rights(found: dict[str, Any]) -> str:
    return "set up, rights as needed" if found["is_set_up"] else "not set up yet, rights to do so are there"


def _way(connection: Connection) -> str:
    if POOLER not in (connection.info.host or ""):
        return ""
    return f", pooler in {'transaction' if connection.info.port == TRANSACTION_PORT else 'session'} mode"


def _tls(connection: Connection) -> str:
    if not connection.pgconn.ssl_in_use:
        return "not encrypted"
    verified = connection.info.get_parameters().get("sslmode") in VERIFYING
    return "encrypted, certificate verified" if verified else "encrypted, certificate not verified"


def _warnings(connection: Connection, timing: Timing) -> list[str]:
    warnings = timing_warnings(SYSTEM, timing)
    if not connection.pgconn.ssl_in_use and not is_here(connection.info.host):
        warnings.append(f"the way to {SYSTEM} is not encrypted: add sslmode=require or verify-full to {SETTING}.")
    return warnings


def _trouble(error: psycopg.Error) -> str:
    told = str(error).lower()
    for words, meaning in REFUSALS:
        if words in told and "root certificate" not in told:
            return f"{meaning} ({SETTING})."
    found = network_trouble(told, ca="sslrootcert", tls="sslmode=require")
    if found:
        return f"{found} ({SETTING})."
    return f"it refuses what the check asks ({type(error).__name__}): look at the user in {SETTING}."
