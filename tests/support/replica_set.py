"""A replica set of two: a primary that is one without the other, and a secondary that never becomes one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from local.files import make_private_folder, write_private
from local.ports import LOOPBACK
from local.servers.mongod import Mongod

NAME = "pair"


class Member(Mongod):
    """One of the two, open to this machine."""

    @property
    def uri(self) -> str:
        """The address of this member alone."""
        return f"mongodb://{self.address}/?directConnection=true"

    def prepare(self) -> None:
        make_private_folder(self.folder / "data")
        configuration = {
            "net": {"bindIp": LOOPBACK, "port": self.port, "unixDomainSocket": {"enabled": False}},
            "storage": {"dbPath": str(self.folder / "data"), "wiredTiger": {"engineConfig": {"cacheSizeGB": 0.25}}},
            "replication": {"replSetName": NAME, "oplogSizeMB": 64},
        }
        write_private(self._config, json.dumps(configuration))

    def configure(self) -> None:
        """The pair is made of both."""


class Pair:
    """Both servers and how to reach them."""

    def __init__(self, folder: Path) -> None:
        self.primary = Member(folder / "primary")
        self.secondary = Member(folder / "secondary")

    @property
    def uri(self) -> str:
        """The address of the set."""
        return f"mongodb://{self.primary.address},{self.secondary.address}/?replicaSet={NAME}"

    def start(self) -> None:
        """Start both and wait until the secondary has all."""
        for member in (self.primary, self.secondary):
            member.launch()
        for member in (self.primary, self.secondary):
            member.wait()
        members: list[dict[str, Any]] = [
            {"_id": 0, "host": self.primary.address},
            {"_id": 1, "host": self.secondary.address, "priority": 0, "votes": 0},
        ]
        settings = {"_id": NAME, "members": members, "settings": {"electionTimeoutMillis": 500}}
        with MongoClient[dict[str, Any]](self.primary.uri) as client:
            client.admin.command("replSetInitiate", settings)
            while not client.admin.command("hello")["isWritablePrimary"]:
                pass
            client.get_database("test", write_concern=None)["ready"].insert_one({})
        with MongoClient[dict[str, Any]](self.secondary.uri) as client:
            while not client.admin.command("hello")["secondary"]:
                pass

    def stop(self) -> None:
        """End both at once: a clean stop waits for the other member."""
        for member in (self.secondary, self.primary):
            member.kill()
