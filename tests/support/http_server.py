"""A server on loopback that answers with the very bytes a test gives it, and keeps what it was asked."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Message[str, str]
    body: bytes = b""


Write = Callable[[BufferedIOBase], None]


@dataclass
class RawServer:
    """What answers and what was asked. `connections` counts the TCP connections that were made."""

    url: str
    answer: Write
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


def reply(status: int = 200, body: bytes = b"{}", headers: Mapping[str, str] | None = None) -> Write:
    """A whole answer, whose length is said unless the headers say another."""
    lines = {"Content-Length": str(len(body))} | dict(headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    def write(stream: BufferedIOBase) -> None:
        stream.write(f"HTTP/1.1 {status} Reason\r\n{head}\r\n".encode("latin-1") + body)

    return write


def replies(*answers: Write) -> Write:
    """One answer after the other, the last one for ever."""
    waiting = list(answers)

    def write(stream: BufferedIOBase) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(stream)

    return write


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to write about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def raw_server() -> Iterator[RawServer]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            state.asked.append(Asked(method=self.command, path=self.path, headers=self.headers, body=body))
            try:
                state.answer(self.wfile)
            except ConnectionError:
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        state = RawServer(f"http://127.0.0.1:{server.server_address[1]}", reply())
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()
