"""A real pgbouncer in transaction mode: what a sync through a hosted pooler meets."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from local import processes
from local.files import write_private
from local.ports import LOOPBACK
from local.servers.base import Server

# Debian keeps it where only root's PATH leads.
PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
UNPRIVILEGED_ACCOUNT = "nobody"


class Pgbouncer(Server):
    """pgbouncer before one PostgreSQL: many clients, few sessions, each lent for one transaction.

    :param target: the server's URI, whose user and password clients use as well
    :param sessions: connections to the server, of each database
    """

    name = "pgbouncer"

    def __init__(self, folder: Path, *, target: str, sessions: int) -> None:
        super().__init__(folder)
        self._target = conninfo_to_dict(target)
        self._sessions = sessions

    @property
    def uri(self) -> str:
        """The database of the target, through this pooler."""
        return self.before(str(self._target["dbname"]))

    def before(self, database: str) -> str:
        """Where clients reach a database of the server through this pooler."""
        return make_conninfo("", **self._target | {"host": LOOPBACK, "port": self.port, "dbname": database})

    @property
    def service(self) -> processes.Service:
        """The pooler in the foreground of a detached session."""
        assert PROGRAM is not None
        return processes.Service(
            self.name, (PROGRAM, str(self._config)), self.folder, stop_signal=signal.SIGTERM, stop_seconds=5
        )

    def prepare(self) -> None:
        """Write the configuration and the passwords."""
        settings = {
            "listen_addr": LOOPBACK,
            "listen_port": self.port,
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": self._passwords,
            "pool_mode": "transaction",
            "default_pool_size": self._sessions,
        }
        if os.geteuid() == 0:  # it refuses to run as root
            settings["user"] = UNPRIVILEGED_ACCOUNT
        lines = [
            "[databases]",
            f"* = host={self._target['host']} port={self._target['port']}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in settings.items()),
        ]
        write_private(self._config, "\n".join(lines) + "\n")
        write_private(self._passwords, f'"{self._target["user"]}" "{self._target["password"]}"\n')

    def answers(self) -> bool:
        """Run a statement through it."""
        try:
            with psycopg.connect(self.uri, autocommit=True, connect_timeout=5) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def configure(self) -> None:
        """Nothing is left to do once it answers."""

    def version(self) -> str:
        """Not asked for."""
        return ""

    @property
    def _config(self) -> Path:
        return self.folder / "pgbouncer.ini"

    @property
    def _passwords(self) -> Path:
        return self.folder / "users.txt"
