"""How each fault is done to a stack that works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil

from local import processes
from local.airflow_api import AirflowApi
from local.dag_runs import Run, task_instances
from local.stack import Stack
from tests.support.tcp_proxy import TcpProxy
from tests.whole_platform.clock import Clock
from tests.whole_platform.plan import Fault, Kind

FULL_SECONDS = (2.0, 6.0)
JUMPS = (-7_200, -600, 600, 7_200)
JUMP_SECONDS = (3.0, 10.0)
STORM_CALLS = (5, 30)
LONGEST_RETRY_AFTER = 3
GARBAGE = ("html", "empty", "cut_off", "reset", "shape", "strange_id", "not_a_number", "text_value", "duplicate")
GARBAGE_CALLS = (1, 6)
CATALOG = ("audio-features", "tracks", "artists", "albums")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a fault can strike.

    :param proxies: before MongoDB, PostgreSQL and Redis, by the server's name
    """

    stack: Stack
    api: AirflowApi
    proxies: Mapping[str, TcpProxy]
    clock: Clock


def strike(fault: Fault, target: Target, run: Run) -> str:
    """Do it; returns what was done, or "" where there was nothing to strike yet."""
    return _STRIKES[fault.kind](target, run, random.Random(fault.seed))


def _kill_task(target: Target, run: Run, chance: random.Random) -> str:
    tasks = [task for task in task_instances(target.api, run) if task["state"] == "running" and task["pid"]]
    alive = [task for task in tasks if psutil.pid_exists(task["pid"])]
    if not alive:
        return ""
    task = chance.choice(alive)
    os.kill(task["pid"], signal.SIGKILL)
    return f"killed the task {task['task_id']} {max(task['map_index'], 0)}"


def _kill_worker(target: Target, run: Run, chance: random.Random) -> str:
    worker = chance.choice(target.stack.airflow.worker_names)
    processes.kill(target.stack.airflow.service(worker))
    return f"killed {worker}"


def _kill_scheduler(target: Target, run: Run, chance: random.Random) -> str:
    processes.kill(target.stack.airflow.service("scheduler"))
    return "killed the scheduler"


def _kill_server(name: str) -> Callable[[Target, Run, random.Random], str]:
    def kill(target: Target, run: Run, chance: random.Random) -> str:
        target.stack.servers[name].kill()
        return f"killed {name}"

    return kill


def _cut_connections(target: Target, run: Run, chance: random.Random) -> str:
    # Not every step uses every server: the first in a drawn order that has connections.
    for name in chance.sample(sorted(target.proxies), len(target.proxies)):
        if cut := target.proxies[name].hang_up():
            return f"cut {cut} connections to {name}"
    return ""


def _fill_disk(target: Target, run: Run, chance: random.Random) -> str:
    """No file of a server may be written: the limit of a process stands in for a disk that has no room left."""
    server = target.stack.servers[chance.choice(("mongodb", "postgres"))]
    seconds = chance.uniform(*FULL_SECONDS)
    if server.pid is None:
        return ""
    _limit_files(server.pid, "0")
    time.sleep(seconds)
    if server.pid is not None:
        _limit_files(server.pid, "unlimited")
    left = "it went on" if server.running else "it ended"
    return f"no room for {server.name} for {seconds:.1f} s: {left}"


def _limit_files(pid: int, most: str) -> None:
    parent = psutil.Process(pid)
    # PostgreSQL does not run as root, and in a container root may not limit what others run: its own account may.
    is_own = parent.uids().real == os.getuid()
    user, group = (None, None) if is_own else (parent.uids().real, parent.gids().real)
    limited = 0
    for process in (parent, *parent.children(recursive=True)):
        command = ["prlimit", "--pid", str(process.pid), f"--fsize={most}:"]
        done = subprocess.run(command, user=user, group=group, capture_output=True, text=True, check=False)
        limited += done.returncode == 0
        # A process may have ended since it was listed.
        assert done.returncode == 0 or not process.is_running(), done.stderr
    assert limited, f"no process of {pid} was limited"


def _jump(target: Target, run: Run, chance: random.Random) -> str:
    seconds, lasting = chance.choice(JUMPS), chance.uniform(*JUMP_SECONDS)
    target.clock.set(seconds)
    time.sleep(lasting)
    target.clock.set(0)
    return f"set the workers' clock {seconds:+,} s, and {lasting:.0f} s later back"


def _storm(target: Target, run: Run, chance: random.Random) -> str:
    calls, wait = chance.randint(*STORM_CALLS), chance.randint(1, LONGEST_RETRY_AFTER)
    rule = {"what": "rate_limit", "retry_after": wait, "probability": 0.5, "seed": chance.getrandbits(16)}
    target.stack.spotify.control.set_rules([{**rule, "times": calls}])
    return f"answered 429 to {calls} of the next calls, Retry-After {wait}"


def _spoil(target: Target, run: Run, chance: random.Random) -> str:
    endpoint, what, calls = chance.choice(CATALOG), chance.choice(GARBAGE), chance.randint(*GARBAGE_CALLS)
    target.stack.spotify.control.set_rules([{"endpoint": endpoint, "what": what, "times": calls}])
    return f"answered {what} to the next {calls} calls of {endpoint}"


_STRIKES: dict[Kind, Callable[[Target, Run, random.Random], str]] = {
    Kind.TASK: _kill_task,
    Kind.WORKER: _kill_worker,
    Kind.SCHEDULER: _kill_scheduler,
    Kind.MONGODB: _kill_server("mongodb"),
    Kind.POSTGRES: _kill_server("postgres"),
    Kind.REDIS: _kill_server("redis"),
    Kind.SIMULATOR: _kill_server("spotify"),
    Kind.CONNECTION: _cut_connections,
    Kind.DISK: _fill_disk,
    Kind.CLOCK: _jump,
    Kind.RATE_LIMIT: _storm,
    Kind.GARBAGE: _spoil,
}
