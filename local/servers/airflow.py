"""Airflow as four separate processes on the stack's PostgreSQL, and any number of Celery workers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg

from local import ports, processes
from local.errors import StackError
from local.files import make_private_folder, read_json, write_json
from local.servers.base import scripts_folder

if TYPE_CHECKING:
    from local.servers.workers import WorkersInspection

READY_SECONDS = 180.0
HEALTH_SECONDS = 5.0
# The scheduler and the triggerer would each serve logs on a fixed port; here the api-server reads the files.
COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
WORKER_PREFIX = "worker-"
WORKER = ("celery", "worker", "--skip-serve-logs", "--without-mingle", "--without-gossip")
HEALTH_NAMES = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}


@dataclass(frozen=True, repr=False)
class Airflow:
    """The Airflow of a stack. `environment` holds its whole configuration."""

    folder: Path
    port: int
    admin_password: str
    metadata_uri: str
    environment: Mapping[str, str]
    workers: int = 0
    workers_environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def components(self) -> tuple[str, ...]:
        """Every process that should run."""
        return (*COMPONENTS, *self.worker_names)

    @property
    def worker_names(self) -> tuple[str, ...]:
        """What the workers are called, here and in Celery."""
        return tuple(f"{WORKER_PREFIX}{number}" for number in range(1, self.workers + 1))

    @property
    def url(self) -> str:
        """The address of the UI and of the REST API."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    def service(self, component: str) -> processes.Service:
        """The process of one component."""
        # python -m, not bin/airflow: a kernel limits the length of a script's first line.
        known = COMPONENTS.get(component)
        arguments = known or (*WORKER, "--celery-hostname", component)
        environment = self.environment if known else self.workers_environment
        command = (str(scripts_folder() / "python"), "-m", "airflow", *arguments)
        return processes.Service(component, command, self.folder, environment, stop_seconds=20)

    def pid(self, component: str) -> int | None:
        """Process id of a component; None when it is not running."""
        return processes.find(self.service(component))

    def start(self, fingerprint: str) -> None:
        """Start what is not running, and anew what runs with other settings; then wait for its health."""
        make_private_folder(self.folder)
        write_json(self.folder / "passwords.json", {"admin": self.admin_password})
        self._migrate()
        for worker in self._superfluous_workers():
            processes.stop(self.service(worker))
        begun = datetime.now(UTC)
        started = [component for component in self.components if self._start_component(component, fingerprint)]
        self._wait(begun, started)

    def stop(self) -> bool:
        """Stop all components at once; False when none was running."""
        components = (*self.components, *self._superfluous_workers())
        for component in reversed(components):
            processes.ask_to_stop(self.service(component))
        stopped = [processes.stop(self.service(component)) for component in components]
        return any(stopped)

    def stop_workers(self) -> None:
        """Stop the Celery workers; what they work at, they end first."""
        for worker in self.worker_names:
            processes.ask_to_stop(self.service(worker))
        for worker in self.worker_names:
            processes.stop(self.service(worker))

    def is_current(self, fingerprint: str) -> bool:
        """Whether every component runs, with these settings, and no worker too many."""
        services = [self.service(component) for component in self.components]
        current = all(processes.find(one) and processes.fingerprint(one) == fingerprint for one in services)
        return current and not self._superfluous_workers()

    def health(self) -> dict[str, dict[str, str | None]]:
        """What Airflow says about itself; empty when it does not answer."""
        try:
            answer = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=HEALTH_SECONDS)
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.status_code == httpx.codes.OK else {}

    def answering_workers(self) -> set[str]:
        """The workers that answer; none where Celery does not run the tasks."""
        return self.inspect_workers().answering() if self.workers else set()

    def inspect_workers(self) -> WorkersInspection:
        """Questions to the workers."""
        # Imported here: it takes as long as all the rest, and few stacks have workers.
        from local.servers.workers import WorkersInspection  # noqa: PLC0415

        return WorkersInspection(self.environment["AIRFLOW__CELERY__BROKER_URL"], self.workers)

    def version(self) -> str:
        """The installed version."""
        return package_version("apache-airflow-core")

    def _start_component(self, component: str, fingerprint: str) -> bool:
        service = self.service(component)
        if processes.find(service):
            if processes.fingerprint(service) == fingerprint:
                return False
            processes.stop(service)
        processes.end_leftovers(service)
        if component == "api-server":
            ports.require_free("AIRFLOW_PORT", self.port)
        processes.start(service, fingerprint)
        return True

    def _wait(self, begun: datetime, started: list[str]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_healthy(begun, started):
            for component in self.components:
                if self.pid(component) is None:
                    raise StackError(
                        f"Airflow's {component} ended while it started: see {self.service(component).log}."
                    )
            if time.monotonic() > deadline:
                raise StackError(f"Airflow was not healthy after {READY_SECONDS:.0f} s: see the logs in {self.folder}.")
            time.sleep(0.25)

    def _is_healthy(self, begun: datetime, started: list[str]) -> bool:
        health = self.health()
        for component, name in HEALTH_NAMES.items():
            state = health.get(name, {})
            beat = state.get(f"latest_{name}_heartbeat")
            if state.get("status") != "healthy" or beat is None:
                return False
            # A heartbeat from before a crash says nothing about the process that was just started.
            if component in started and datetime.fromisoformat(beat) < begun:
                return False
        return self.answering_workers() >= set(self.worker_names)

    def _superfluous_workers(self) -> list[str]:
        """Workers of an earlier start that had more of them."""
        records = self.folder.glob(f"{WORKER_PREFIX}*.process.json")
        return sorted({record.name.partition(".")[0] for record in records} - set(self.worker_names))

    def _migrate(self) -> None:
        """Bring the metadata database up to this Airflow: only when it is not, because it takes seconds."""
        marker = self.folder / "migrated.json"
        done = read_json(marker)
        if done and done == {"airflow": self.version(), "revision": self._revision()}:
            return
        log = self.folder / "migrate.log"
        with log.open("wb") as output:
            migrated = subprocess.run(
                [str(scripts_folder() / "python"), "-m", "airflow", "db", "migrate"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                check=False,
            )
        if migrated.returncode:
            raise StackError(f"Airflow's metadata database could not be prepared: see {log}.")
        write_json(marker, {"airflow": self.version(), "revision": self._revision()})

    def _revision(self) -> str | None:
        with psycopg.connect(self.metadata_uri, connect_timeout=5) as connection:
            table = connection.execute("select to_regclass('alembic_version')").fetchone()
            if table is None or table[0] is None:
                return None
            row = connection.execute("select version_num from alembic_version").fetchone()
        return str(row[0]) if row else None
