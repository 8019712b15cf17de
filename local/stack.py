"""A stack: its servers and Airflow, started in the right order, stopped in the reverse one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from local import environment, processes, settings
from local.airflow_api import AirflowApi
from local.environment import APPLICATION, METADATA, RESULTS, SERVER_VARIABLES, StackIdentity, is_needed
from local.errors import say
from local.files import STATE, make_private_folder
from local.provision import Register, connections_of
from local.servers.airflow import Airflow
from local.servers.base import Server
from local.servers.mongod import Mongod
from local.servers.postgres import Postgres
from local.servers.redis import RedisServer
from local.servers.simulator import SpotifySimulator

# Tests and measurements make databases of their own.
STACKS_OF_MANY_DATABASES = settings.TEST_STACKS | {"bench"}
MANY_DATABASES = ["readWriteAnyDatabase", "dbAdminAnyDatabase", "clusterMonitor"]
# What the role of that name may do on Supabase: roles, databases and policies, but not superuser.
POSTGRES_RIGHTS = "createdb createrole bypassrls"


@dataclass(frozen=True)
class Stack:
    """One stack by name, such as demo or test."""

    name: str
    ports: settings.Ports
    workers: int = 0
    """How many Celery workers run its tasks; with none, the scheduler does."""
    workers_variables: Mapping[str, str] = field(default_factory=dict)
    """What only the workers have in their environment; tests give them a clock of their own."""

    @property
    def folder(self) -> Path:
        """Where all its state is."""
        return settings.stack_folder(self.name)

    @cached_property
    def secrets(self) -> settings.Secrets:
        """Its random secrets."""
        return settings.load_secrets(self.folder)

    @cached_property
    def mongodb(self) -> Mongod:
        """Its MongoDB."""
        return Mongod(self.folder / "mongodb", self.ports.mongodb)

    @cached_property
    def postgres(self) -> Postgres:
        """Its PostgreSQL."""
        return Postgres(self.folder / "postgres", self.ports.postgres)

    @cached_property
    def redis(self) -> RedisServer:
        """Its Redis."""
        return RedisServer(self.folder / "redis", self.ports.redis)

    @cached_property
    def spotify(self) -> SpotifySimulator:
        """Its stand-in for Spotify."""
        return SpotifySimulator(self.folder / "spotify", self.ports.spotify)

    @property
    def servers(self) -> dict[str, Server]:
        """Every server by name, whether this stack needs it or not."""
        return {"mongodb": self.mongodb, "postgres": self.postgres, "redis": self.redis, "spotify": self.spotify}

    @cached_property
    def own_settings(self) -> dict[str, str]:
        """The user's settings, which win over the stack's."""
        return environment.users_settings(self.name)

    @cached_property
    def variables(self) -> dict[str, str]:
        """The stack's whole environment."""
        identity = StackIdentity(
            self.name, self.folder, self.ports, self.secrets, self.redis.password, self.spotify.settings, self.workers
        )
        return environment.build(identity, self.own_settings)

    @cached_property
    def airflow(self) -> Airflow:
        """Its Airflow."""
        variables = environment.for_processes(self.variables)
        return Airflow(
            folder=make_private_folder(self.folder / "airflow"),
            port=self.ports.airflow,
            admin_password=self.secrets.airflow_admin,
            metadata_uri=self.postgres.uri_of(METADATA, self.secrets.postgres_airflow, METADATA),
            environment=variables,
            workers=self.workers,
            workers_environment=environment.for_workers(variables) | dict(self.workers_variables),
        )

    def needs(self, server: str) -> bool:
        """Whether the stack runs this server itself."""
        # The workers hear of their tasks through the stack's Redis, also where the user has one of their own.
        return is_needed(server, self.own_settings) or (server == "redis" and self.workers > 0)

    def up(self) -> None:
        """Start everything that is not running, and register what Airflow should know."""
        connections_of(self.variables, self.secrets)  # a bad setting is told before anything starts
        environment.write_file(self.folder / "environment", self.variables)
        if not self.airflow.is_current(self._fingerprint) or not all(
            server.running for name, server in self.servers.items() if self.needs(name)
        ):
            self._start_servers()
            self.airflow.start(self._fingerprint)
        with self.api() as api:
            memory = self.folder / "registered.json"
            register = Register(api, self.airflow.metadata_uri, self.secrets, memory)
            register.pools()
            register.connections(self.variables)

    def down(self) -> bool:
        """Stop everything cleanly; False when nothing was running."""
        stopped = [self.airflow.stop()]
        with ThreadPoolExecutor(len(self.servers)) as pool:
            stopped += pool.map(lambda server: server.stop(), self.servers.values())
        return any(stopped)

    def api(self) -> AirflowApi:
        """A client of this stack's Airflow."""
        return AirflowApi(self.airflow.url, "admin", self.secrets.airflow_admin)

    @cached_property
    def _fingerprint(self) -> str:
        """Changes when running Airflow processes would no longer be what was asked for."""
        packages = (STATE / "venv.stamp").read_text(encoding="utf-8") if (STATE / "venv.stamp").exists() else ""
        ignored = {"PATH"}
        relevant = {name: value for name, value in self.variables.items() if name not in ignored}
        return hashlib.sha256(json.dumps([packages, relevant], sort_keys=True).encode()).hexdigest()

    def _start_servers(self) -> None:
        needed = [server for name, server in self.servers.items() if self.needs(name)]
        external = [name for names in SERVER_VARIABLES.values() for name in names if name in self.own_settings]
        if external:
            say(f"Using your own {', '.join(external)}.")
        if not self.needs("spotify"):
            self.spotify.stop()
        for server in needed:
            server.launch()
        with ThreadPoolExecutor(len(needed)) as pool:
            for result in [pool.submit(server.wait) for server in needed]:
                result.result()
        self._create_accounts()

    def _create_accounts(self) -> None:
        if self.needs("mongodb"):
            self.mongodb.add_role(APPLICATION, self.variables["MONGODB_DATABASE"])
            roles = MANY_DATABASES if self.name in STACKS_OF_MANY_DATABASES else [APPLICATION]
            self.mongodb.add_user(APPLICATION, self.secrets.mongodb_application, roles)
        for role, password, rights in (
            (METADATA, self.secrets.postgres_airflow, ""),
            (RESULTS, self.secrets.postgres_results, ""),
            (APPLICATION, self.secrets.postgres_application, POSTGRES_RIGHTS),
        ):
            self.postgres.add_role(role, password, rights)
            self.postgres.add_database(role, owner=role)
        for database in (METADATA, RESULTS):
            self.postgres.keep_others_out_of(database)
        self.postgres.grant("pg_monitor", to=APPLICATION)


def open_stack(name: str) -> Stack | None:
    """A stack that was started before; None when there is none of that name."""
    folder = settings.stack_folder(name)
    ports = settings.load_ports(folder, name)
    return Stack(name, ports, settings.load_workers(folder, name)) if ports else None


def prepare_stack(name: str, asked: Mapping[str, int], asked_workers: int | None = None) -> Stack:
    """A stack with its ports and its workers decided, ready to start."""
    folder = settings.stack_folder(name)
    workers = settings.settle_workers(folder, name, asked_workers)
    own = environment.users_settings(name)
    known = open_stack(name)
    needed = {server: is_needed(server, own) or (server == "redis" and workers > 0) for server in SERVER_VARIABLES}
    ports = settings.settle_ports(folder, name, asked, needed, lambda field: known is not None and _runs(known, field))
    return Stack(name, ports, workers)


def _runs(stack: Stack, field: str) -> bool:
    """Whether the holder of a port runs; what a crash left of it is ended first, so that it holds no port."""
    service = stack.airflow.service("api-server") if field == "airflow" else stack.servers[field].service
    processes.end_leftovers(service)
    return processes.find(service) is not None
