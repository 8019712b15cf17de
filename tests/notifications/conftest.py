"""Connections for notices, and servers that take them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from airflow.sdk import Connection

from local import ports
from tests.support.http_server import RawServer, raw_server

CONN_ID = "echotune_notifications"
Connect = Callable[..., Connection]


class Inbox(Message):
    """Keeps the mails that a server takes."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[Any] = []

    def handle_message(self, message: Any) -> None:
        """Keep a mail; its receivers are in the header X-RcptTo."""
        self.mails.append(message)


class MailServer:
    """A mail server on loopback. Its options are those of aiosmtpd's SMTP."""

    def __init__(self, **options: Any) -> None:
        self.inbox = Inbox()
        self.controller = Controller(self.inbox, hostname=ports.LOOPBACK, port=ports.free_port(), **options)

    @property
    def port(self) -> int:
        return int(self.controller.port)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Makes Airflow know the connection for notices."""

    def make(conn_type: str, *, extra: dict[str, Any] | None = None, **fields: Any) -> Connection:
        body = {"conn_type": conn_type, "extra": extra or {}, **fields}
        monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps(body))
        found: Connection = Connection.get(CONN_ID)
        return found

    return make


@pytest.fixture
def webhook() -> Iterator[RawServer]:
    with raw_server() as server:
        yield server
