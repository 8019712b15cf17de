"""A proxy before PostgreSQL that reads along, and can stop the world or cut the connection at any step of a client.

A step is a message after which the server does something: a statement, or the end of a COPY's data. BEGIN, COMMIT and
every statement between them are steps. A connection that is cut after a step leaves the server with the step done and
the client without its answer: also without the answer to a COMMIT that was carried out.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
STEPS = (b"Q", b"S", b"c")
"""What clients send: a simple query, the end of an extended one, the end of a COPY's data."""
COPY_DATA = b"d"
ANSWERED = (b"Z", b"G")
"""What servers answer: ready for the next statement, ready for a COPY's data."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close() send a reset, as a killed program or a broken network does."""

Watch = Callable[[int], bool]


class PostgresProxy:
    """Listens on a port of its own while it is open; `uri` is the database's through it.

    :param watch: called with the number of each step when the server has done it and the client does not know yet;
        whether the connection is cut now
    :param copied_bytes: cut all connections when so many bytes of a COPY's data were passed on
    """

    def __init__(self, uri: str, watch: Watch = lambda step: False, *, copied_bytes: int | None = None) -> None:
        parts = urlsplit(uri)
        self.steps = 0
        self.cut = False
        self._parts = parts
        self._watch = watch
        self._room = copied_bytes
        self._listener = socket.create_server((LOOPBACK, 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    @property
    def uri(self) -> str:
        """The same database through the proxy, unencrypted: it has to read what passes."""
        user = self._parts.netloc.rpartition("@")[0]
        query = "&".join(part for part in (self._parts.query, "sslmode=disable", "gssencmode=disable") if part)
        port = self._listener.getsockname()[1]
        return self._parts._replace(netloc=f"{user}@{LOOPBACK}:{port}", query=query).geturl()

    def __enter__(self) -> PostgresProxy:
        self._start(self._accept)
        return self

    def __exit__(self, *error: object) -> None:
        # A thread in accept() does not notice that its socket is closed.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(10)
        if self._errors:
            raise self._errors[0]

    def hang_up(self) -> None:
        """Cut every connection that there is."""
        for one in self._sockets:
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def step_done(self) -> None:
        """Tell the watch; an error of its own ends the client's work too."""
        self.steps += 1
        try:
            cut = self._watch(self.steps)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            self._errors.append(error)
            cut = True
        if cut:
            self.cut = True
            self.hang_up()

    def room_for(self, length: int) -> int:
        """How many of a COPY message's bytes may pass."""
        if self._room is None:
            return length
        passing = min(length, self._room)
        self._room -= passing
        return passing

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((self._parts.hostname or LOOPBACK, self._parts.port or 5432))
                for one in (client, server):
                    # Each message is passed on by itself: none shall wait for the next.
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(one)
                link = _Link(self, client, server)
                self._start(link.send)
                self._start(link.answer)


class _Link:
    """One connection of a client."""

    def __init__(self, proxy: PostgresProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._in_step = False

    def send(self) -> None:
        """Pass on what the client says, until one side ends."""
        with suppress(OSError, EOFError):
            # Only the first message has no type.
            self._server.sendall(_message(self._client, typed=False))
            while message := _message(self._client):
                kind = message[:1]
                self._in_step = self._in_step or kind in STEPS
                passing = self._proxy.room_for(len(message)) if kind == COPY_DATA else len(message)
                self._server.sendall(message[:passing])
                if passing < len(message):
                    self._proxy.cut = True
                    self._proxy.hang_up()
        self._end()

    def answer(self) -> None:
        """Pass on what the server says; what ends a step only when the watch has looked."""
        with suppress(OSError, EOFError):
            while message := _message(self._server):
                if self._in_step and message[:1] in ANSWERED:
                    self._in_step = False
                    self._proxy.step_done()
                self._client.sendall(message)
        self._end()

    def _end(self) -> None:
        for one in (self._client, self._server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _message(sender: socket.socket, *, typed: bool = True) -> bytes:
    """:raises EOFError: the sender has closed"""
    head = _exactly(sender, 5 if typed else 4)
    (length,) = struct.unpack("!I", head[-4:])
    return head + _exactly(sender, length - 4)


def _exactly(sender: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = sender.recv(length - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
