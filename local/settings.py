"""What a stack remembers between starts: its ports, its number of workers and its secrets."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from local import ports
from local.errors import StackError
from local.files import STATE, make_private_folder, read_json, write_json
from local.numbers import read_number
from local.servers.base import new_password

# The test stack never shares anything with the user's: not even a preferred port.
PREFERRED_PORTS: dict[str, Sequence[int]] = {
    "demo": (27117, 55432, 56379, 8080, 8190),
    "test": (27217, 55532, 56479, 8180, 8290),
    "test-2": (27317, 55632, 56579, 8280, 8390),
}
WORKERS = "WORKERS"
# The tests run over what a deployment runs on; elsewhere the scheduler has its own processes, which start sooner.
PREFERRED_WORKERS = {"test": 2, "test-2": 2}
TEST_STACKS = frozenset(PREFERRED_WORKERS)
MOST_WORKERS = 16


@dataclass(frozen=True)
class Ports:
    """The loopback ports of a stack."""

    mongodb: int
    postgres: int
    redis: int
    airflow: int
    spotify: int


@dataclass(frozen=True, repr=False)
class Secrets:
    """The random secrets of a stack, made once. The servers' administrators' are in their own folders."""

    mongodb_application: str
    postgres_application: str
    postgres_airflow: str
    postgres_results: str
    airflow_admin: str
    airflow_fernet_key: str
    airflow_jwt_secret: str
    airflow_api_secret: str
    personal_data_key: str
    fingerprint_key: str


def port_variable(field: str) -> str:
    """What a user calls a port on the command line: MONGODB_PORT, AIRFLOW_PORT."""
    return f"{field.upper()}_PORT"


PORT_FIELDS = tuple(field.name for field in fields(Ports))


def stack_folder(name: str) -> Path:
    """The state folder of a stack."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,30}", name) or name in ("venv", "node", "compose"):
        raise StackError(f"STACK={name} is not a stack's name: use small letters, digits and hyphens, such as demo.")
    return make_private_folder(STATE / name)


def load_secrets(folder: Path) -> Secrets:
    """The stack's secrets; the ones that are not there yet are made and kept."""
    path = folder / "secrets.json"
    known = read_json(path)
    made = {field.name: known.get(field.name) or _new_secret(field.name) for field in fields(Secrets)}
    if made != known:
        write_json(path, made)
    return Secrets(**made)


def load_ports(folder: Path, stack: str) -> Ports | None:
    """The ports the stack used last, preferred ones for servers it did not have then; None before its first start."""
    known = read_json(folder / "ports.json")
    return replace(_preferred_ports(stack), **known) if known else None


def parse_ports(arguments: list[str]) -> dict[str, int]:
    """Ports asked for by name, such as ["AIRFLOW_PORT=9000"]; WORKERS is no port and is left out."""
    names = {port_variable(field): field for field in PORT_FIELDS}
    asked = {}
    for argument in arguments:
        name, _, number = argument.partition("=")
        if name == WORKERS:
            continue
        if name not in names:
            raise StackError(f"{name} is not a port's name: use one of {', '.join(names)}, or {WORKERS}.")
        asked[names[name]] = ports.parse(name, number)
    return asked


def parse_workers(arguments: list[str]) -> int | None:
    """The number of Celery workers asked for, such as ["WORKERS=2"]; None when nothing is said."""
    for argument in reversed(arguments):
        name, _, number = argument.partition("=")
        if name == WORKERS:
            workers = read_number(number)
            if workers is None or workers > MOST_WORKERS:
                raise StackError(f"{argument} is not a number of workers: give one from 0 (none) to {MOST_WORKERS}.")
            return workers
    return None


def load_workers(folder: Path, stack: str) -> int:
    """How many Celery workers the stack had last, or what is preferred for it."""
    remembered = read_json(folder / "workers.json").get("workers")
    return remembered if isinstance(remembered, int) else PREFERRED_WORKERS.get(stack, 0)


def settle_workers(folder: Path, stack: str, asked: int | None) -> int:
    """Decide the number of workers: what is asked for, else the last one, else what is preferred; and remember it."""
    if asked is not None:
        write_json(folder / "workers.json", {"workers": asked})
    return load_workers(folder, stack)


def settle_ports(
    folder: Path, stack: str, asked: Mapping[str, int], needed: Mapping[str, bool], is_running: Callable[[str], bool]
) -> Ports:
    """Decide every port: what is asked for or an error, else the last one, else the preferred one, else a free one."""
    known = load_ports(folder, stack)
    current = known or _preferred_ports(stack)
    for field in PORT_FIELDS:
        name, wanted = port_variable(field), asked.get(field)
        port = getattr(current, field)
        if known is not None and is_running(field):
            if wanted not in (None, port):
                raise StackError(f"{field} already runs on port {port}: make down, then ask again for {name}={wanted}.")
        elif wanted is not None:
            ports.require_free(name, wanted)
            current = replace(current, **{field: wanted})
        elif needed.get(field, True):
            current = replace(current, **{field: ports.choose(field, port)})
    if asdict(current) != read_json(folder / "ports.json"):
        write_json(folder / "ports.json", asdict(current))
    return current


def _preferred_ports(stack: str) -> Ports:
    return Ports(*PREFERRED_PORTS.get(stack, [ports.free_port() for _ in PORT_FIELDS]))


def _new_secret(field: str) -> str:
    if field == "airflow_fernet_key":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    if field in ("personal_data_key", "fingerprint_key", "airflow_jwt_secret"):
        return secrets.token_hex(64 if field == "airflow_jwt_secret" else 32)
    return new_password()
