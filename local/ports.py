"""Loopback ports: is one free, who holds it, which one to take instead."""

from __future__ import annotations

import socket

import psutil

from local.errors import StackError, say
from local.numbers import read_number

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port nobody uses."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def holder(port: int) -> str:
    """Who listens on a port, as far as this user may see: "nginx (pid 12)" or "another program"."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return "another program"
    for connection in connections:
        here = getattr(connection.laddr, "port", None) == port and connection.status == psutil.CONN_LISTEN
        if here and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
            except psutil.NoSuchProcess:
                return "another program"
    return "another program"


def require_free(name: str, port: int) -> None:
    """Raise the sentence about a port the user asked for that is busy."""
    if not is_free(port):
        raise StackError(
            f"port {port} for {name} is held by {holder(port)}: stop it, or choose another port with {name}=N."
        )


def choose(name: str, wanted: int) -> int:
    """The wanted port, or a free one when it is busy, saying so."""
    if is_free(wanted):
        return wanted
    port = free_port()
    say(f"Port {wanted} for {name} is held by {holder(wanted)}, so this stack uses {port} from now on.")
    return port


def parse(name: str, text: str) -> int:
    """A port number from what the user typed."""
    port = read_number(text)
    if port is None or not 1 <= port <= 65535:
        raise StackError(f"{name}={text} is not a port: give a number from 1 to 65535.")
    return port
