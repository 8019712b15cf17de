"""A real mongod as a one-node replica set with authentication, on loopback."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path

import psutil
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from local import processes
from local.errors import StackError
from local.files import PROJECT, make_private_folder, read_json, write_private
from local.ports import LOOPBACK
from local.servers.base import READY_SECONDS, Server, packages_folder

ADMIN = "admin"
ROLE = PROJECT / "include" / "mongo" / "role.json"
"""What the platform's user may do: a list of actions on its database, and one on ``admin``."""
REPLICA_SET = "rs0"
# A quarter of the memory (mongod itself would take half), up to what two million plays and their indexes take. It fills
# only with what is read.
CACHE_GIGABYTES = max(1, min(4, psutil.virtual_memory().total // 4 // 2**30))
OPLOG_MEGABYTES = 512
AUTHENTICATION_FAILED = 18
UNAUTHORIZED = 13
ALREADY_INITIALIZED = 23
KEY_BYTES = 96
PAUSE_SECONDS = 0.05

Client = MongoClient[dict[str, object]]


class Mongod(Server):
    """mongod from its wheel. `uri` is the administrator's; `add_user` makes lesser ones."""

    name = "mongodb"

    @property
    def uri(self) -> str:
        """Connection string of the administrator."""
        return self.uri_of(ADMIN, self.password)

    def uri_of(self, user: str, password: str) -> str:
        """Connection string of a user of this server."""
        return f"mongodb://{user}:{password}@{self.address}/?authSource=admin&replicaSet={REPLICA_SET}"

    @property
    def service(self) -> processes.Service:
        """mongod in the foreground of a detached session."""
        binary = packages_folder() / "fiftyone" / "db" / "bin" / "mongod"
        return processes.Service(self.name, (str(binary), "--config", str(self._config)), self.folder)

    def prepare(self) -> None:
        """Write key file and configuration."""
        make_private_folder(self.folder / "data")
        key = self.folder / "keyfile"
        if not key.exists():
            write_private(key, secrets.token_hex(KEY_BYTES))
        configuration = {
            "net": {
                "bindIp": LOOPBACK,
                "port": self.port,
                "unixDomainSocket": {"enabled": False},
                # Without zlib, whose decompression gives away memory in this version (CVE-2025-14847).
                "compression": {"compressors": "snappy,zstd"},
            },
            "storage": {
                "dbPath": str(self.folder / "data"),
                "wiredTiger": {"engineConfig": {"cacheSizeGB": CACHE_GIGABYTES}},
            },
            "replication": {"replSetName": REPLICA_SET, "oplogSizeMB": OPLOG_MEGABYTES},
            "security": {"authorization": "enabled", "keyFile": str(key)},
            "setParameter": {
                "diagnosticDataCollectionEnabled": False,
                # Nobody reads the past here. To keep five minutes of it made a large update half as fast.
                "minSnapshotHistoryWindowInSeconds": 0,
            },
        }
        # JSON is YAML, and quotes every path as it should be.
        write_private(self._config, json.dumps(configuration, indent=2))

    def answers(self) -> bool:
        """Ping, which needs no password."""
        try:
            with self._client(authenticated=False) as client:
                client.admin.command("ping")
        except PyMongoError:
            return False
        return True

    def configure(self) -> None:
        """Make it a primary with an administrator: at the first start, or where a start was cut short."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                self._become_primary()
                return
            except AutoReconnect as error:
                # It closes every connection when its state in the replica set changes, as after a change of its port.
                if time.monotonic() > deadline:
                    raise StackError(f"{self.name} did not keep a connection: {self._reason()}") from error
                time.sleep(PAUSE_SECONDS)

    def _become_primary(self) -> None:
        if self._password_works():
            self._follow_port()
        else:
            self._initiate()
            self._wait_for_primary(authenticated=False)
            self._create_administrator()
        self._wait_for_primary(authenticated=True)

    def version(self) -> str:
        """The server's version."""
        with self._client(authenticated=True) as client:
            return str(client.server_info()["version"])

    def add_role(self, role: str, database: str) -> None:
        """Create the role that include/mongo/role.json declares, over one database; or set its rights anew."""
        actions = read_json(ROLE)
        privileges = [
            {"resource": {"db": database, "collection": ""}, "actions": actions["on_the_database"]},
            {"resource": {"db": ADMIN, "collection": ""}, "actions": actions["on_admin"]},
        ]
        with self._client(authenticated=True) as client:
            known = client.admin.command("rolesInfo", role)["roles"]
            client.admin.command("updateRole" if known else "createRole", role, privileges=privileges, roles=[])

    def add_user(self, user: str, password: str, roles: list[str]) -> None:
        """Create a user in the admin database, or set the password and roles of an existing one."""
        with self._client(authenticated=True) as client:
            known = client.admin.command("usersInfo", user)["users"]
            command = "updateUser" if known else "createUser"
            client.admin.command(command, user, pwd=password, roles=roles)

    @property
    def _config(self) -> Path:
        return self.folder / "mongod.conf"

    def _client(self, authenticated: bool) -> Client:
        return MongoClient(
            LOOPBACK,
            self.port,
            directConnection=True,
            serverSelectionTimeoutMS=1500,
            username=ADMIN if authenticated else None,
            password=self.password if authenticated else None,
        )

    def _password_works(self) -> bool:
        try:
            with self._client(authenticated=True) as client:
                client.admin.command("ping")
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                return False
            raise
        return True

    def _initiate(self) -> None:
        members = [{"_id": 0, "host": self.address}]
        try:
            with self._client(authenticated=False) as client:
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        except OperationFailure as error:
            if error.code == UNAUTHORIZED:
                raise self._wrong_password() from error
            if error.code != ALREADY_INITIALIZED:
                raise

    def _create_administrator(self) -> None:
        try:
            # mongod lets a local client create the very first user without a password, and no other.
            with self._client(authenticated=False) as client:
                client.admin.command("createUser", ADMIN, pwd=self.password, roles=["root"])
        except OperationFailure as error:
            if error.code == UNAUTHORIZED:
                raise self._wrong_password() from error
            raise

    def _wrong_password(self) -> StackError:
        return StackError(
            f"the MongoDB data in {self.folder} was made with another password: restore {self._memory}, "
            "or start over with make clean."
        )

    def _follow_port(self) -> None:
        """A replica set remembers its members' ports: tell it when the port was changed."""
        with self._client(authenticated=True) as client:
            configuration = client.admin.command("replSetGetConfig")["config"]
            member = configuration["members"][0]
            if member["host"] == self.address:
                return
            member["host"] = self.address
            configuration["version"] += 1
            client.admin.command("replSetReconfig", configuration, force=True)

    def _wait_for_primary(self, authenticated: bool) -> None:
        deadline = time.monotonic() + READY_SECONDS
        with self._client(authenticated) as client:
            while not client.admin.command("hello")["isWritablePrimary"]:
                if time.monotonic() > deadline:
                    raise StackError(f"{self.name} did not become primary: {self._reason()}")
                time.sleep(PAUSE_SECONDS)
