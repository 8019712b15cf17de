"""What every server has in common: a folder, a port, a password, a process that becomes ready."""

from __future__ import annotations

import secrets
import sys
import sysconfig
import time
from abc import ABC, abstractmethod
from pathlib import Path

from local import ports, processes
from local.errors import StackError
from local.files import make_private_folder, read_json, write_json

READY_SECONDS = 60.0
PASSWORD_BYTES = 24


def packages_folder() -> Path:
    """Where the servers' wheels are installed."""
    return Path(sysconfig.get_paths()["purelib"])


def scripts_folder() -> Path:
    """The bin folder of the running Python: airflow and other commands."""
    return Path(sys.prefix) / "bin"


def new_password() -> str:
    """A random password of hexadecimal digits, which needs no escaping anywhere."""
    return secrets.token_hex(PASSWORD_BYTES)


class Server(ABC):
    """A server in a folder of its own. Port and password, unless given, are chosen once and remembered."""

    name: str

    def __init__(self, folder: Path, port: int | None = None, password: str | None = None) -> None:
        self.folder = make_private_folder(folder.absolute())
        remembered = read_json(self._memory)
        self.port = port or remembered.get("port") or ports.free_port()
        self.password = password or remembered.get("password") or new_password()
        current = {"port": self.port, "password": self.password}
        if current != remembered:
            write_json(self._memory, current)

    @property
    @abstractmethod
    def service(self) -> processes.Service:
        """The process to run."""

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where clients connect, as the server's administrator; holds the password."""

    @abstractmethod
    def prepare(self) -> None:
        """Write configuration and create the data folder, before the process starts."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server accepts connections."""

    @abstractmethod
    def configure(self) -> None:
        """Finish the set-up once the server answers; called at every start, so it repeats harmlessly."""

    @abstractmethod
    def version(self) -> str:
        """The version the running server reports."""

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        return processes.find(self.service)

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.pid is not None

    @property
    def address(self) -> str:
        """Host and port, without secrets."""
        return f"{ports.LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it can be used; nothing happens when it already runs."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the process without waiting for it."""
        if self.running:
            return
        processes.end_leftovers(self.service)
        if not ports.is_free(self.port):
            raise StackError(
                f"port {self.port} for {self.name} is held by {ports.holder(self.port)}: "
                "stop that program, or choose another port."
            )
        self.prepare()
        processes.start(self.service)

    def wait(self) -> None:
        """Wait until a launched server answers, and finish its set-up."""
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            if not self.running:
                raise StackError(f"{self.name} ended while it started: {self._reason()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} did not answer in {READY_SECONDS:.0f} s: {self._reason()}")
            time.sleep(0.05)
        self.configure()

    def stop(self) -> bool:
        """Stop the server cleanly; False when it was not running."""
        return processes.stop(self.service)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash or a power cut would."""
        processes.kill(self.service)

    @property
    def _memory(self) -> Path:
        return self.folder / "server.json"

    def _reason(self) -> str:
        last = processes.log_tail(self.service, 1)[:300] or "it wrote nothing"
        return f"see {self.service.log}, which ends with: {last}"
