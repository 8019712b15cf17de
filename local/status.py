"""What runs, where, since which version, with how much memory; and what the DAGs last did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from typing import TypeVar

import psycopg
import redis
from pymongo.errors import PyMongoError

from local import processes
from local.errors import StackError, say
from local.servers.airflow import HEALTH_NAMES
from local.stack import Stack

MEGABYTE = 1024 * 1024
Result = TypeVar("Result")


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    service: str
    state: str
    pid: str
    address: str
    version: str
    memory: str


# What is not the real thing is not called so.
STAND_INS = {"spotify": "Spotify (simulated)"}
HEADINGS = Line("SERVICE", "STATE", "PID", "ADDRESS", "VERSION", "MEMORY")


def show(stack: Stack | None) -> None:
    """Print the tables."""
    if stack is None:
        say("This stack has not been started yet: make up starts it.")
        return
    _print_table([astuple(HEADINGS), *(astuple(line) for line in _lines(stack))])
    if stack.airflow.pid("api-server"):
        say("")
        _print_table(list(_dag_rows(stack)))


def _lines(stack: Stack) -> Iterator[Line]:
    for name, server in stack.servers.items():
        if not stack.needs(name):
            yield Line(name, "your own", "-", "-", "-", "-")
            continue
        pid = server.pid
        answers = pid is not None and _quietly(server.answers) is True
        version = (_quietly(server.version) if answers else None) or "-"
        label = STAND_INS.get(name, name)
        yield Line(label, _state(pid, answers), str(pid or "-"), server.address, version, _memory(pid))
    health = stack.airflow.health() if stack.airflow.pid("api-server") else {}
    workers = stack.airflow.answering_workers()
    for component in stack.airflow.components:
        pid = stack.airflow.pid(component)
        healthy = component in workers or _is_healthy(component, health)
        address = stack.airflow.url if component == "api-server" else "-"
        yield Line(component, _state(pid, healthy), str(pid or "-"), address, stack.airflow.version(), _memory(pid))


def _is_healthy(component: str, health: dict[str, dict[str, str | None]]) -> bool:
    """What Airflow's health says of a component: of the api-server, that it answers; of a worker, nothing."""
    if component == "api-server":
        return bool(health)
    return health.get(HEALTH_NAMES.get(component, ""), {}).get("status") == "healthy"


def _dag_rows(stack: Stack) -> Iterator[tuple[str, ...]]:
    yield "DAG", "SCHEDULE", "PAUSED", "LAST RUN", "STATE"
    try:
        with stack.api() as api:
            for dag in api.get("dags", limit=100, order_by="dag_id")["dags"]:
                runs = api.get(f"dags/{dag['dag_id']}/dagRuns", limit=1, order_by="-run_after")["dag_runs"]
                last = (runs[0]["run_after"][:19].replace("T", " "), runs[0]["state"]) if runs else ("-", "-")
                yield dag["dag_id"], dag["timetable_summary"] or "-", "yes" if dag["is_paused"] else "no", *last
            for error in api.get("importErrors", limit=20)["import_errors"]:
                yield error["filename"], "cannot be imported: see the UI", "", "", ""
    except StackError as error:
        yield str(error), "", "", "", ""


def _state(pid: int | None, answers: bool) -> str:
    if pid is None:
        return "stopped"
    return "running" if answers else "not answering"


def _memory(pid: int | None) -> str:
    return "-" if pid is None else f"{processes.memory(pid) / MEGABYTE:.0f} MB"


def _quietly(question: Callable[[], Result]) -> Result | None:
    """A server's answer; None when it gives none, which the table shows."""
    try:
        return question()
    except (PyMongoError, psycopg.Error, redis.RedisError, StackError):
        return None


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
