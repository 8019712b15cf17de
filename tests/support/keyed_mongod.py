"""A mongod in the state in which the official image leaves it at its first start."""

from __future__ import annotations

import json
import secrets

from pymongo import MongoClient

from local.files import make_private_folder, write_private
from local.ports import LOOPBACK
from local.servers.mongod import Mongod

ROOT = "root"


class KeyedMongod(Mongod):
    """mongod that asks for passwords and has a key file; nobody has made it a replica set yet."""

    _with_key = False

    def create_root(self) -> None:
        """Create the administrator in a server alone, and stop it: what the image does before the real start."""
        self.start()
        with MongoClient[dict[str, object]](LOOPBACK, self.port, directConnection=True) as client:
            client.admin.command("createUser", ROOT, pwd=self.password, roles=["root"])
        self.stop()
        self._with_key = True

    def prepare(self) -> None:
        make_private_folder(self.folder / "data")
        key = self.folder / "keyfile"
        write_private(key, secrets.token_hex(96))
        configuration: dict[str, object] = {
            "net": {"bindIp": LOOPBACK, "port": self.port, "unixDomainSocket": {"enabled": False}},
            "storage": {"dbPath": str(self.folder / "data"), "wiredTiger": {"engineConfig": {"cacheSizeGB": 0.25}}},
        }
        if self._with_key:
            configuration["replication"] = {"replSetName": "rs0", "oplogSizeMB": 64}
            configuration["security"] = {"keyFile": str(key)}
        write_private(self._config, json.dumps(configuration))

    def configure(self) -> None:
        """It stays as it is."""
