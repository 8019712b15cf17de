"""docker-compose.yaml: Docker Compose accepts it, it refuses to start without secrets, and all it names is there."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from airflow.cli.cli_parser import get_parser
from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from dotenv import dotenv_values

from local import environment
from local.files import PROJECT
from tests.support import compose

AIRFLOW = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "airflow-worker")
EVERYWHERE = {*AIRFLOW, "airflow-init", "airflow-database", "redis"}
OF_A_PROFILE = {"managed": EVERYWHERE, "local": EVERYWHERE | {"mongodb", "mongodb-init", "supabase-database"}}
# They take their steps and end.
STEPS = ("airflow-init", "mongodb-init")
SECRET = re.compile(r"PASSWORD|SECRET(?!S__BACKEND)|_KEY$|REDISCLI_AUTH")


def all_services() -> list[str]:
    return sorted(compose.services())


@pytest.mark.parametrize("profile", compose.PROFILES)
def test_docker_compose_accepts_the_file_with_a_filled_env(tmp_path: Path, profile: str) -> None:
    assert set(compose.rendered(tmp_path, profile)["services"]) == OF_A_PROFILE[profile]


@pytest.mark.parametrize(("profile", "name"), [(p, n) for p in compose.PROFILES for n in sorted(compose.required())])
def test_compose_stops_where_a_secret_is_missing_and_names_it(tmp_path: Path, profile: str, name: str) -> None:
    answer = compose.render(tmp_path, {**compose.filled(profile), name: ""})
    if profile == "managed" and name.startswith("LOCAL_"):
        assert answer.returncode == 0
        return
    assert answer.returncode != 0
    assert re.search(rf"required variable {name} is missing a value: .*make setup", answer.stderr)


def test_compose_asks_for_an_address_where_there_is_no_local_database(tmp_path: Path) -> None:
    answer = compose.render(tmp_path, {**compose.filled("managed"), "MONGODB_URI": ""})
    assert "MONGODB_URI is missing" in answer.stderr


def test_every_variable_is_documented() -> None:
    assert compose.variables() <= dotenv_values(compose.EXAMPLE).keys()


def test_no_password_is_written_or_has_a_default() -> None:
    for name, service in compose.services().items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert re.match(r"\$\{\w+(:\?[^}]*|:-)\}$", value), f"{name}: {variable}"
            for password in re.findall(r"://[^@\s]*?:(.*?)@", str(value)):
                assert password.startswith("${"), f"{name}: {variable}"


@pytest.mark.parametrize("name", [name for name in all_services() if name not in STEPS])
def test_a_service_tells_its_health_and_is_started_again(name: str) -> None:
    service = compose.services()[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["healthcheck"].keys() >= {"interval", "timeout", "retries", "start_period"}
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", STEPS)
def test_a_step_ends_and_others_wait_for_it(name: str) -> None:
    assert compose.services()[name]["restart"] == "no"
    for waiting in AIRFLOW:
        assert compose.services()[waiting]["depends_on"][name]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("name", all_services())
def test_a_service_has_limits_and_no_more_rights_than_it_needs(name: str) -> None:
    service = compose.services()[name]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    # The databases' images start as root and change to their own user by themselves.
    assert "user" in service or service["image"].partition(":")[0] in ("postgres", "mongo")
    assert service.get("user", "") not in ("root", "0", "0:0")


@pytest.mark.parametrize("name", all_services())
def test_an_image_is_pinned_to_one_version(name: str) -> None:
    # PostgreSQL's versions have two numbers.
    assert re.fullmatch(r"[a-z-]+:(\d+\.\d+\.\d+|(?<=postgres:)\d+\.\d+)(-[a-z]+)?", compose.services()[name]["image"])


def test_every_path_it_mounts_is_there() -> None:
    paths = set(compose.mounted_paths())
    assert paths
    assert {path for path in paths if not (PROJECT / path).exists()} == set()


def test_what_a_container_sees_of_the_project_it_cannot_change() -> None:
    for name, service in compose.services().items():
        mounts = [volume for volume in service.get("volumes", []) if volume.startswith((".", "$"))]
        assert [mount for mount in mounts if not mount.endswith(":ro")] == [], name


def test_only_the_api_server_is_reachable_and_only_from_this_machine(tmp_path: Path) -> None:
    services = compose.rendered(tmp_path, "local")["services"]
    (port,) = services["airflow-api-server"]["ports"]
    assert (port["host_ip"], port["target"]) == ("127.0.0.1", 8080)
    assert {name for name, service in services.items() if "ports" in service} == {"airflow-api-server"}
    for name in ("airflow-database", "redis", "mongodb", "supabase-database"):
        assert set(services[name]["networks"]) == {"inside"}, name
    assert compose.written()["networks"]["inside"]["internal"] is True


@pytest.mark.parametrize("name", AIRFLOW)
def test_airflow_knows_the_command(name: str) -> None:
    arguments = get_parser().parse_args(compose.services()[name]["command"])
    assert callable(arguments.func)


def test_every_module_that_a_command_starts_is_there() -> None:
    commands = [service["command"] for service in compose.services().values() if "command" in service]
    checks = [service["healthcheck"]["test"] for service in compose.services().values() if "healthcheck" in service]
    modules = {words[words.index("-m") + 1] for words in (*commands, *checks) if "-m" in words}
    assert modules == {"echotune.deployment.initialise", "echotune.deployment.health"}
    assert all(find_spec(module) for module in modules)


def airflow_options() -> dict[tuple[str, str], str]:
    """Every option of Airflow that a service sets: its section and name, and its value."""
    found = {}
    for service in compose.services().values():
        for variable, value in service.get("environment", {}).items():
            if variable.startswith("AIRFLOW__"):
                section, option = variable.removeprefix("AIRFLOW__").lower().split("__")
                found[section, option] = value
    return found


def test_airflow_knows_every_option() -> None:
    known = {
        (section, option) for section, told in conf.configuration_description.items() for option in told["options"]
    }
    assert set(airflow_options()) - known == set()


def test_every_class_and_function_that_airflow_is_told_of_is_there() -> None:
    options = airflow_options()
    told = [("core", "auth_manager"), ("secrets", "backend"), ("core", "hostname_callable")]
    for option in [*told, ("celery", "celery_config_options")]:
        module, _, name = options[option].rpartition(".")
        assert hasattr(import_module(module), name), option


def test_celery_has_the_settings_that_the_tests_run_with() -> None:
    options = airflow_options()
    assert {name: options["celery", name] for name in environment.CELERY} == environment.CELERY
    transport = {name: options["celery_broker_transport_options", name] for name in environment.BROKER_TRANSPORT}
    assert transport == environment.BROKER_TRANSPORT


def test_no_task_may_take_so_long_that_redis_hands_it_out_again() -> None:
    bag = DagBag(PROJECT / "dags")
    timeouts = [task.execution_timeout or timedelta.max for dag in bag.dags.values() for task in dag.tasks]
    assert max(timeouts) < timedelta(seconds=int(environment.BROKER_TRANSPORT["visibility_timeout"]))


def test_where_dags_write_by_default_is_a_volume_that_the_image_opens() -> None:
    volumes = [volume for volume in compose.services()["airflow-worker"]["volumes"] if not volume.endswith(":ro")]
    writable = {volume.rpartition(":")[2] for volume in volumes}
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    opened = re.search(r"^ENV ECHOTUNE_FOLDERS=(\S+)$", dockerfile, re.MULTILINE)
    assert opened
    params = [dag.params for dag in DagBag(PROJECT / "dags").dags.values()]
    targets = {f"/opt/airflow/{found['target']}" for found in params if found.get("target")}
    assert targets
    assert targets <= writable & set(opened[1].split(":"))


@pytest.mark.parametrize("profile", compose.PROFILES)
def test_a_worker_has_no_key_to_airflow_and_no_credential_of_the_users(tmp_path: Path, profile: str) -> None:
    services: dict[str, Any] = compose.rendered(tmp_path, profile)["services"]
    given = services["airflow-worker"]["environment"]
    assert given.keys() & environment.WITHHELD_FROM_WORKERS == set()
    owned = services["airflow-database"]["environment"]["POSTGRES_PASSWORD"]
    assert [name for name, value in given.items() if owned in value] == []


def test_components_that_answer_for_connections_have_the_settings() -> None:
    services = compose.services()
    with_settings = {name for name, service in services.items() if "MONGODB_URI" in service.get("environment", {})}
    assert with_settings == {"airflow-init", "airflow-api-server", "airflow-triggerer", "airflow-dag-processor"}
    for name in with_settings:
        given = services[name]["environment"].keys()
        assert given >= set(environment.STACKS_OWN) | {"MONGODB_DATABASE", "MONGODB_COLLECTION"}, name
