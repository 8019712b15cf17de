"""A proxy before any server, which can cut every connection at once, as a broken network does."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

LOOPBACK = "127.0.0.1"
CHUNK = 65_536


class TcpProxy:
    """Passes bytes on to a port of this machine, from a port of its own, while it is open.

    Where the server is away, a client is hung up on at once, as the server's own machine would do.
    """

    def __init__(self, port: int) -> None:
        self._target = (LOOPBACK, port)
        self._listener = socket.create_server((LOOPBACK, 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> TcpProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        # A thread in accept() does not notice that its socket is closed.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> int:
        """Cut every connection; returns how many there were."""
        with self._lock:
            cut = list(self._open)
        for one in cut:
            _end(one)
        return len(cut) // 2

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target)
                except OSError:
                    client.close()
                    continue
                with self._lock:
                    self._open |= {client, server}
                for sender, receiver in ((client, server), (server, client)):
                    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self._pass_on, args=(sender, receiver), daemon=True).start()

    def _pass_on(self, sender: socket.socket, receiver: socket.socket) -> None:
        with suppress(OSError):
            while chunk := sender.recv(CHUNK):
                receiver.sendall(chunk)
        _end(receiver)
        with self._lock:
            self._open.discard(sender)
        sender.close()


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
