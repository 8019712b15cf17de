"""Background processes: start them detached, find them again, never mistake another one for them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local.errors import StackError
from local.files import PRIVATE_FILE, make_private_folder, read_json, write_json

# Every process of a service, however deep, inherits this variable: so children that outlive a killed
# parent are found, and nothing else is ever signalled. A program that changes its title (Airflow's workers
# do) may overwrite it, so the session a service was started in counts as well.
MARKER = "ECHOTUNE_SERVICE"
LOG_LIMIT = 10 * 1024 * 1024
TAIL_LINES = 12


@dataclass(frozen=True)
class Service:
    """How to run one background process and where its traces go."""

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] | None = field(default=None, repr=False)  # None: the caller's own
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 30.0

    @property
    def log(self) -> Path:
        """Where standard output and error go."""
        return self.folder / f"{self.name}.log"

    @property
    def record(self) -> Path:
        """The file that remembers the process."""
        return self.folder / f"{self.name}.process.json"

    @property
    def marker(self) -> str:
        """The value of the variable that marks this service's processes."""
        return f"{self.folder}:{self.name}"


def start(service: Service, fingerprint: str = "") -> int:
    """Start a service detached from this terminal and remember it; returns its process id."""
    make_private_folder(service.folder)
    end_leftovers(service)
    _rotate(service.log)
    environment = {**(service.environment or os.environ), MARKER: service.marker}
    try:
        with open(service.log, "ab", opener=_private) as log:
            process = subprocess.Popen(
                service.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=service.folder,
                env=environment,
                start_new_session=True,
                umask=0o077,
            )
    except OSError as error:
        raise StackError(f"{service.name} cannot be started: {error.strerror} ({service.command[0]}).") from error
    write_json(
        service.record,
        {"pid": process.pid, "identity": _identity(process.pid), "fingerprint": fingerprint},
    )
    return process.pid


def find(service: Service) -> int | None:
    """The process id of the running service; None when it is gone, even if its number lives on."""
    record = read_json(service.record)
    pid = record.get("pid")
    if not isinstance(pid, int):
        return None
    identity = _identity(pid)
    return pid if identity is not None and identity == record.get("identity") else None


def fingerprint(service: Service) -> str:
    """What the service was started with, as given to start()."""
    return str(read_json(service.record).get("fingerprint", ""))


def stop(service: Service) -> bool:
    """Stop a service cleanly, by force after its time is up; False when nothing was running."""
    pid = find(service)
    if pid is not None:
        _signal(pid, service.stop_signal)
        if not _wait_for_end(service, service.stop_seconds):
            _signal(pid, signal.SIGKILL)
            _wait_for_end(service, 5)
    end_leftovers(service)
    service.record.unlink(missing_ok=True)
    return pid is not None


def ask_to_stop(service: Service) -> None:
    """Send the stop signal without waiting, so that several services can end side by side."""
    pid = find(service)
    if pid is not None:
        _signal(pid, service.stop_signal)


def kill(service: Service) -> None:
    """End a service and its children at once with SIGKILL, as a crash would."""
    pid = find(service)
    if pid is not None:
        _signal(pid, signal.SIGKILL)
        _wait_for_end(service, 5)
    end_leftovers(service)


def end_leftovers(service: Service) -> None:
    """Kill children that outlived their parent; a running service is left alone."""
    if find(service) is not None:
        return
    deadline = time.monotonic() + 5
    while (left := list(_left_of(service))) and time.monotonic() < deadline:
        for pid in left:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.05)


def memory(pid: int) -> int:
    """Bytes of memory a process and its children hold, shared pages counted once per process tree."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += _proportional_memory(process)
    except psutil.NoSuchProcess:
        return total
    return total


def log_tail(service: Service, lines: int = TAIL_LINES) -> str:
    """The last lines a service wrote."""
    if not service.log.exists():
        return ""
    text = service.log.read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _identity(pid: int) -> str | None:
    """Boot and start time of a process: no other process ever has the same; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command name in parentheses may hold anything; the fixed fields begin after it.
    fields = stat.rpartition(")")[2].split()
    state, threads, start_ticks = fields[0], int(fields[17]), fields[19]
    # A killed program is a zombie at once, but holds its ports until its last thread has ended.
    ended = state == "X" or (state == "Z" and threads <= 1)
    return None if ended else f"{boot}:{start_ticks}"


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it ended by itself between our look and our signal


def _wait_for_end(service: Service, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while find(service) is not None:
        _reap(service)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    _reap(service)
    return True


def _reap(service: Service) -> None:
    """Collect the exit status when the process is a child of this very program."""
    pid = read_json(service.record).get("pid")
    if not isinstance(pid, int):
        return
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _left_of(service: Service) -> Iterator[int]:
    pid = read_json(service.record).get("pid")
    # As long as a session has members, its number is given to no new process: if a process has the number
    # now, the session has ended and the number is another's.
    # A parent that was killed and that nobody has reaped still has the number, and has ended all the same.
    session = pid if isinstance(pid, int) and _identity(pid) is None else None
    for process in psutil.process_iter():
        try:
            ended = process.status() == psutil.STATUS_ZOMBIE
            if not ended and (_is_marked(process, service) or _is_in_session(process, session, service.folder)):
                yield process.pid
        except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            continue  # ended meanwhile, or another user's: not ours in either case


def _is_marked(process: psutil.Process, service: Service) -> bool:
    return process.environ().get(MARKER) == service.marker


def _is_in_session(process: psutil.Process, session: int | None, folder: Path) -> bool:
    return session is not None and os.getsid(process.pid) == session and process.cwd() == str(folder)


def _proportional_memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_name(f"{log.name}.1"))
