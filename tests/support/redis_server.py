"""Redis servers of tests: a database beside the stack's, a client of a server to be killed, a cluster of one node."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import urlsplit

import redis

from local import ports
from local.files import write_private
from local.servers.redis import RedisServer

TESTS_DATABASE = 15
SLOTS = 16_384
BUS_OFFSET = 10_000
"""A node of a cluster listens on a second port, so much higher."""


def tests_database(uri: str) -> str:
    """The address of the database that tests may empty, on the server of another address."""
    return urlsplit(uri)._replace(path=f"/{TESTS_DATABASE}").geturl()


def impatient_client(server: RedisServer) -> redis.Redis:
    """A client that notices at once when the server is gone."""
    return redis.Redis.from_url(server.uri, retry=None, socket_timeout=1, socket_connect_timeout=1)


class RedisClusterServer(RedisServer):
    """A Redis Cluster of one node."""

    name = "redis-cluster"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, port=_port_of_two())

    def prepare(self) -> None:
        """Write the configuration."""
        super().prepare()
        write_private(self._config, self._config.read_text(encoding="utf-8") + "cluster-enabled yes\n")

    def configure(self) -> None:
        """Give the node all slots, and wait until it takes commands for them."""
        with self._client() as client:
            client.execute_command("CLUSTER ADDSLOTS", *range(SLOTS))
            deadline = time.monotonic() + 20
            while client.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
                assert time.monotonic() < deadline, "the cluster never became ready"
                time.sleep(0.05)


def _port_of_two() -> int:
    while True:
        port = ports.free_port()
        if port + BUS_OFFSET < 2**16 and ports.is_free(port + BUS_OFFSET):
            return port
