"""A search for secrets wherever a deployment writes something down or shows something."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql
from pymongo.database import Database

from local.stack import Stack

SAMPLING_SECONDS = 0.1
LONGEST_LOG_BYTES = 64 * 2**20

Place = tuple[str, str]
"""Where something is written, and what is written there."""


def secrets_of(stack: Stack) -> dict[str, str]:
    """Every secret of a stack by its name."""
    servers = {f"{name}_administrator": server.password for name, server in stack.servers.items()}
    return {**asdict(stack.secrets), **servers}


def found_in(places: Iterable[Place], secrets: Mapping[str, str]) -> list[str]:
    """Where which secret is, in any form it may take on its way; never the secret."""
    forms = {name: _forms(secret) for name, secret in secrets.items()}
    return [
        f"{name} in {place}"
        for place, text in places
        for name, written in forms.items()
        if any(form in text for form in written)
    ]


def _forms(secret: str) -> set[str]:
    """A secret as it is, in an address, in the header of HTTP's basic authentication, and in PostgreSQL's bytes."""
    encoded = secret.encode()
    # Where a name stands before the secret, its base64 starts at one of three places.
    shifted = {base64.b64encode(b"x" * shift + encoded).decode()[4:-4] for shift in range(3)}
    return {secret, quote(secret, safe=""), encoded.hex(), *shifted}


def logs_under(folder: Path) -> Iterator[Place]:
    """Every log below a folder."""
    for path in sorted(folder.rglob("*.log*")):
        if path.is_file():
            with path.open("rb") as stream:
                yield str(path.relative_to(folder)), stream.read(LONGEST_LOG_BYTES).decode(errors="replace")


def rows_of(uri: str, *schemas: str, without: Mapping[str, list[str]] | None = None) -> Iterator[Place]:
    """Every row of every table of some schemas as JSON.

    :param without: columns that are left out, by table
    """
    tables = """
        select relation.oid::regclass::text, namespace.nspname, relation.relname
        from pg_class relation join pg_namespace namespace on namespace.oid = relation.relnamespace
        where relation.relkind = 'r' and namespace.nspname = any(%s)
    """
    with psycopg.connect(uri) as connection:
        for name, schema, table in connection.execute(tables, [list(schemas)]).fetchall():
            query = sql.SQL("select (to_jsonb(t) - %s::text[])::text from {} t").format(sql.Identifier(schema, table))
            for (text,) in connection.execute(query, [(without or {}).get(table, [])]):
                yield name, text


def documents_of(database: Database[dict[str, Any]]) -> Iterator[Place]:
    """Every document of a database."""
    for name in database.list_collection_names():
        for document in database[name].find():
            yield name, str(document)


@contextmanager
def command_lines() -> Iterator[dict[str, str]]:
    """Collect the command lines of every process that is there meanwhile, by process id and name."""
    seen: dict[str, str] = {}
    over = threading.Event()

    def look() -> None:
        while not over.wait(SAMPLING_SECONDS):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue  # it has ended
                seen[f"process {path.parent.name}: {line[:40]}"] = line

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
