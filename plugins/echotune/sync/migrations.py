"""The schema in PostgreSQL: forward-only migrations, each recorded in the transaction that ran it, and its indexes.

A migration is a file of include/sql/migrations, named by its version and what it does. What ran is never edited: a
file whose checksum differs from the record's is refused. Two runs at once wait for each other.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors, sql
from psycopg.rows import namedtuple_row

from echotune.indexes.postgres import DECLARED, missing_indexes
from echotune.resources import INCLUDE, read_sql
from echotune.sync.errors import SyncError

MIGRATIONS = INCLUDE / "sql" / "migrations"
ROLES_FILE = "include/sql/bootstrap/roles.sql"

Connection = psycopg.Connection[Any]

log = logging.getLogger(__name__)


class MigrationError(SyncError):
    """The schema cannot be brought up to date; the message says what to do."""


class SchemaBusy(SyncError):
    """Other sessions hold a lock for too long; nothing was changed, and trying again later helps."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """One file of include/sql/migrations."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return f"{self.version:04}_{self.name}.sql"


@dataclass(frozen=True, kw_only=True)
class MigrationReport:
    """What ``migrate`` did.

    :param applied: the files that ran now
    :param version: the version the schema has
    :param created: what of Supabase's roles and functions was missing and was made
    :param indexes: the declared indexes that were missing and were made
    :param partitions: how many partitions were made ahead
    :param published: tables that were added to Supabase's live changes
    """

    applied: tuple[str, ...]
    version: int
    created: tuple[str, ...]
    indexes: tuple[str, ...]
    partitions: int
    published: tuple[str, ...]


def migrate(connection: Connection, folder: Path = MIGRATIONS) -> MigrationReport:
    """Bring the schema up to date.

    Where nothing is pending, a login that may only read the record passes.

    :param connection: a connection outside of any transaction, directly or over a pooler
    :raises MigrationError: when the schema cannot be brought up to date
    :raises SchemaBusy: when others hold a lock for too long
    """
    migrations = read_migrations(folder)
    created: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    if pending(connection, migrations):
        created = create_missing_roles(connection)
        applied = tuple(migration.file for migration in migrations if _apply(connection, migration, migrations))
    may_change = _state(connection).may_change
    return MigrationReport(
        applied=applied,
        version=migrations[-1].version,
        created=created,
        indexes=_create_indexes(connection) if may_change else (),
        partitions=_make_partitions_ahead(connection) if may_change else 0,
        published=_publish(connection) if may_change else (),
    )


def read_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """The migrations of this deployment, in order."""
    migrations = []
    for path in sorted(folder.glob("*.sql")):
        version, _, name = path.stem.partition("_")
        migrations.append(Migration(version=int(version), name=name, text=path.read_text(encoding="utf-8")))
    versions = [migration.version for migration in migrations]
    if versions != list(range(1, len(versions) + 1)):
        raise MigrationError(f"the versions of the files in {folder} are not 1, 2, 3 and so on: {versions}")
    return tuple(migrations)


def pending(connection: Connection, migrations: Sequence[Migration]) -> list[Migration]:
    """The migrations that did not run here yet. Reads only.

    :raises MigrationError: where the record and the files contradict each other
    """
    state = _state(connection)
    if not state.recorded:
        return list(migrations)
    try:
        with _rows(connection) as cursor:
            records = cursor.execute(read_sql("schema/recorded.sql")).fetchall()
    except errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"{state.login} may not read echotune.migrations: sign in as the schema's owner and run "
            f'grant echotune_sync to "{state.login}".'
        ) from error
    files = {migration.version: migration for migration in migrations}
    for record in records:
        _check(record, files)
    return [migration for migration in migrations if migration.version > len(records)]


def create_missing_roles(connection: Connection) -> tuple[str, ...]:
    """Create what Supabase has and this database lacks; return what that was."""
    missing = tuple(name for (name,) in connection.execute(read_sql("bootstrap/missing.sql")).fetchall())
    if missing:
        try:
            with _changing(connection, ROLES_FILE):
                connection.execute(read_sql("bootstrap/roles.sql"))
        except errors.InsufficientPrivilege as error:
            raise MigrationError(
                f"this database lacks {', '.join(missing)}, and {_state(connection).login} may not create that "
                f"({_first_line(error)}): run {ROLES_FILE} once as an administrator of the database, for example "
                f"psql -f {ROLES_FILE}, and try again."
            ) from error
    return missing


def _check(record: Any, files: dict[int, Migration]) -> None:
    """Refuse a record that this deployment has no file of, or another file."""
    migration = files.get(record.version)
    if migration is None:
        raise MigrationError(
            f"the database is newer than this deployment: {record.version:04}_{record.name}.sql ran there and is not "
            f"in {MIGRATIONS.relative_to(INCLUDE.parent)}. Deploy the newer version."
        )
    if migration.checksum != record.checksum:
        raise MigrationError(
            f"{migration.file} was changed after it ran on this database: restore the file, and write the change "
            "as a new migration."
        )


def _apply(connection: Connection, migration: Migration, migrations: Sequence[Migration]) -> bool:
    """Run a migration unless another run was faster; say whether it ran now."""
    try:
        with _changing(connection, migration.file):
            if migration not in pending(connection, migrations):
                return False
            started = time.monotonic()
            connection.execute(migration.text)
            connection.execute(
                read_sql("schema/record.sql"),
                {
                    "version": migration.version,
                    "name": migration.name,
                    "checksum": migration.checksum,
                    "seconds": time.monotonic() - started,
                },
            )
    except errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"{migration.file} needs more rights than {_state(connection).login} has ({_first_line(error)}): run the "
            "migrations once as the role that owns the database, for example with its login in DATABASE_URL. "
            "Afterwards a member of echotune_sync is enough."
        ) from error
    log.info("%s ran", migration.file)
    return True


def _create_indexes(connection: Connection) -> tuple[str, ...]:
    """Create the declared indexes that are missing."""
    created = []
    for index in missing_indexes(connection):
        with _changing(connection, DECLARED):
            if index in missing_indexes(connection):
                connection.execute(index.statement)
                created.append(index.name)
    return tuple(created)


def _make_partitions_ahead(connection: Connection) -> int:
    with _changing(connection, "schema/partitions_ahead.sql"):
        row = connection.execute(read_sql("schema/partitions_ahead.sql")).fetchone()
    return int(row[0]) if row else 0


def _publish(connection: Connection) -> tuple[str, ...]:
    """Add the tables that applications follow live to Supabase's publication, where there is one."""
    published = []
    for name, may_publish in connection.execute(read_sql("schema/unpublished.sql")).fetchall():
        statement = sql.SQL(read_sql("schema/publish.sql")).format(table=sql.Identifier(name))
        if not may_publish:
            log.warning(
                "live changes of %s are off: run this as the owner of the publication: %s",
                name,
                statement.as_string(connection).strip(),
            )
            continue
        try:
            with _changing(connection, "schema/publish.sql"):
                connection.execute(statement)
            published.append(name)
        except errors.DuplicateObject:
            log.info("another run was faster to publish %s", name)
    return tuple(published)


@contextmanager
def _changing(connection: Connection, file: str) -> Iterator[None]:
    """A transaction that changes the schema by a file, after every other one."""
    try:
        with connection.transaction():
            connection.execute(read_sql("schema/begin.sql"))
            yield
    except errors.LockNotAvailable as error:
        raise SchemaBusy(
            f"{file} waited too long for a lock that another session holds ({_first_line(error)}): nothing was "
            "changed. Try again when less is going on."
        ) from error


def _state(connection: Connection) -> Any:
    with _rows(connection) as cursor:
        return cursor.execute(read_sql("schema/state.sql")).fetchone()


def _rows(connection: Connection) -> psycopg.Cursor[Any]:
    return connection.cursor(row_factory=namedtuple_row)


def _first_line(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).partition("\n")[0]
