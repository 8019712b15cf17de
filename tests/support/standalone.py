"""A mongod that is no member of a replica set: it has no transactions."""

from __future__ import annotations

import json

from local.files import make_private_folder, write_private
from local.ports import LOOPBACK
from local.servers.mongod import Mongod


class StandaloneMongod(Mongod):
    """mongod alone, open to this machine."""

    @property
    def uri(self) -> str:
        return f"mongodb://{self.address}/"

    def prepare(self) -> None:
        make_private_folder(self.folder / "data")
        configuration = {
            "net": {"bindIp": LOOPBACK, "port": self.port, "unixDomainSocket": {"enabled": False}},
            "storage": {"dbPath": str(self.folder / "data"), "wiredTiger": {"engineConfig": {"cacheSizeGB": 1}}},
        }
        write_private(self._config, json.dumps(configuration))

    def configure(self) -> None:
        """There is nothing to configure."""
