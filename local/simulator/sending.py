"""How answers leave, also the ones that HTTP does not allow: uvicorn with its connections in reach."""

from __future__ import annotations

import asyncio
import socket
import struct

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local.simulator.answers import Reply

# On, and zero seconds: closing the socket then sends a reset.
_NO_LINGER = struct.pack("ii", 1, 0)


class ReachableProtocol(HttpToolsProtocol):
    """Hands the connection of a request to its handler, as request.state.transport."""

    def on_message_begin(self) -> None:
        """Start a request."""
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


class BrokenOff(Response):
    """Writes some bytes, if any, past the server, and ends the connection."""

    def __init__(self, transport: asyncio.Transport, beginning: bytes = b"") -> None:
        """`beginning` is all that is sent; without it the connection is reset."""
        super().__init__()
        self.transport = transport
        self.beginning = beginning

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what there is to send, then wait until the server has seen the end of the connection."""
        if self.beginning:
            self.transport.write(self.beginning)
            self.transport.close()
        else:
            connection: socket.socket = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def response(reply: Reply, request: Request) -> Response:
    """What is sent for a reply."""
    if reply.ending == "reset":
        return BrokenOff(request.state.transport)
    if reply.ending == "cut_off":
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n\r\n"
        return BrokenOff(request.state.transport, head.encode() + reply.body[: len(reply.body) // 2])
    headers = {**reply.headers, "Content-Type": reply.content_type}
    return Response(reply.body, status_code=reply.status, headers=headers)
