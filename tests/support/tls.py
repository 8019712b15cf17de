"""Servers that speak TLS with a certificate of a private CA, as managed databases do."""

from __future__ import annotations

import os
import pwd
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme
from psycopg.conninfo import make_conninfo

from local.ports import LOOPBACK
from local.servers.mongod import Mongod
from local.servers.postgres import UNPRIVILEGED_ACCOUNT
from tests.support.pgbouncer import Pgbouncer

NAME = "localhost"
"""The only name in the certificates; 127.0.0.1 is the same machine under another one."""
BUFFER = 65_536


@dataclass(frozen=True)
class Authority:
    """A CA, the file that a client names, and a certificate for ``localhost``."""

    ca: trustme.CA
    folder: Path

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    @property
    def server_file(self) -> str:
        """Certificate and key in one file."""
        return str(self.folder / "server.pem")

    @property
    def key_file(self) -> str:
        return str(self.folder / "server.key")

    @classmethod
    def in_folder(cls, folder: Path) -> Authority:
        folder.mkdir(parents=True)
        authority = cls(trustme.CA(), folder)
        authority.ca.cert_pem.write_to_path(authority.ca_file)
        certificate = authority.ca.issue_cert(NAME)
        certificate.private_key_and_cert_chain_pem.write_to_path(authority.server_file)
        certificate.private_key_pem.write_to_path(authority.key_file)
        for path in (folder, Path(authority.server_file), Path(authority.key_file)):
            _give_to_server(path)
        return authority


def _give_to_server(path: Path) -> None:
    path.chmod(0o700 if path.is_dir() else 0o600)
    if os.geteuid() == 0:
        account = pwd.getpwnam(UNPRIVILEGED_ACCOUNT)
        os.chown(path, account.pw_uid, account.pw_gid)


class TlsMongod(Mongod):
    """mongod that takes TLS, and plain text from those who set it up."""

    authority: Authority

    def prepare(self) -> None:
        super().prepare()
        text = self._config.read_text(encoding="utf-8")
        tls = (
            '"tls": {"mode": "preferTLS", "allowConnectionsWithoutCertificates": true, '
            f'"certificateKeyFile": "{self.authority.server_file}", "CAFile": "{self.authority.ca_file}"}}, '
        )
        self._config.write_text(text.replace('"net": {', '"net": {' + tls, 1), encoding="utf-8")


class TlsPgbouncer(Pgbouncer):
    """pgbouncer that takes nothing but TLS: the PostgreSQL of the wheel is built without it."""

    authority: Authority

    def before(self, database: str) -> str:
        return make_conninfo(super().before(database), sslmode="require")

    def prepare(self) -> None:
        super().prepare()
        lines = [
            "client_tls_sslmode = require",
            f"client_tls_cert_file = {self.authority.server_file}",
            f"client_tls_key_file = {self.authority.key_file}",
        ]
        self._config.write_text(self._config.read_text(encoding="utf-8") + "\n".join(lines) + "\n", encoding="utf-8")


@contextmanager
def tls_before(port: int, authority: Authority) -> Iterator[int]:
    """Speak TLS on another port for a server that cannot: the Redis of the wheel is built without it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server_file)
    with socket.create_server((LOOPBACK, 0)) as listener:
        accepting = threading.Thread(target=_accept, args=(listener, context, port), daemon=True)
        accepting.start()
        yield listener.getsockname()[1]


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return  # closed: the test is over
        threading.Thread(target=_serve, args=(plain, context, port), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, port: int) -> None:
    # A client that does not like the certificate breaks off, which is what some tests are about.
    with (
        suppress(OSError),
        context.wrap_socket(plain, server_side=True) as client,
        socket.create_connection((LOOPBACK, port)) as server,
    ):
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(BUFFER):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
