"""Ports and secrets of a stack: chosen once, remembered, and told about in one sentence."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from local import environment, ports, settings
from local.errors import StackError
from local.files import read_json, write_json, write_private

SIMULATED = {
    "SPOTIFY_CLIENT_ID": "simulated",
    "SPOTIFY_CLIENT_SECRET": "simulated, too",
    "SPOTIFY_API_URL": "http://127.0.0.1:1/v1",
    "SPOTIFY_ACCOUNTS_URL": "http://127.0.0.1:1",
    "RECCOBEATS_API_URL": "http://127.0.0.1:1/reccobeats/v1",
}


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def _settle(folder: Path, asked: dict[str, int], running: bool = False) -> settings.Ports:
    return settings.settle_ports(folder, "demo", asked, {}, lambda field: running)


@pytest.fixture(autouse=True)
def free_preferences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.PREFERRED_PORTS, "demo", [ports.free_port() for _ in settings.PORT_FIELDS])


def test_a_busy_preferred_port_is_replaced_once_and_said(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    others = settings.PREFERRED_PORTS["demo"][1:]
    monkeypatch.setitem(settings.PREFERRED_PORTS, "demo", [taken, *others])
    first = _settle(tmp_path, {})
    said = capsys.readouterr().out
    assert first.mongodb != taken
    assert said.count("\n") == 1
    assert f"Port {taken} for mongodb is held by" in said
    assert _settle(tmp_path, {}) == first
    assert capsys.readouterr().out == ""


def test_a_busy_port_that_was_asked_for_is_an_error(tmp_path: Path, taken: int) -> None:
    with pytest.raises(StackError, match=rf"port {taken} for AIRFLOW_PORT is held by .*pid {os.getpid()}.* choose"):
        _settle(tmp_path, {"airflow": taken})


def test_a_port_that_was_asked_for_is_remembered(tmp_path: Path) -> None:
    wanted = ports.free_port()
    assert _settle(tmp_path, {"airflow": wanted}).airflow == wanted
    assert _settle(tmp_path, {}).airflow == wanted


def test_a_running_server_keeps_its_port(tmp_path: Path) -> None:
    known = _settle(tmp_path, {})
    assert _settle(tmp_path, {}, running=True) == known
    with pytest.raises(StackError, match="make down"):
        _settle(tmp_path, {"redis": known.redis + 1}, running=True)


def test_a_stack_from_before_a_server_was_added_gets_a_port_for_it(tmp_path: Path) -> None:
    known = asdict(_settle(tmp_path, {}))
    del known["spotify"]
    write_json(tmp_path / "ports.json", known)
    loaded = settings.load_ports(tmp_path, "demo")
    assert loaded is not None
    assert asdict(loaded).items() >= known.items()
    gained = _settle(tmp_path, {})
    assert gained.spotify == settings.PREFERRED_PORTS["demo"][-1]
    assert read_json(tmp_path / "ports.json") == asdict(gained)


def test_a_stack_without_preferred_ports_keeps_the_one_it_gained(tmp_path: Path) -> None:
    write_json(tmp_path / "ports.json", {"mongodb": ports.free_port(), "airflow": ports.free_port()})
    gained = settings.settle_ports(tmp_path, "mine", {}, {}, lambda field: False)
    assert settings.load_ports(tmp_path, "mine") == gained


@pytest.mark.parametrize("text", ["AIRFLOW_PORT=http", "AIRFLOW_PORT=0", "AIRFLOW_PORT=70000", "WEB_PORT=80"])
def test_what_is_not_a_port_is_told(text: str) -> None:
    with pytest.raises(StackError, match=r"not a port"):
        settings.parse_ports([text])


def test_a_number_of_workers_is_remembered_until_another_is_asked_for(tmp_path: Path) -> None:
    assert settings.settle_workers(tmp_path, "demo", None) == 0
    assert settings.settle_workers(tmp_path, "test", None) == 2
    assert settings.settle_workers(tmp_path, "demo", settings.parse_workers(["AIRFLOW_PORT=9000", "WORKERS=3"])) == 3
    assert settings.load_workers(tmp_path, "demo") == 3
    assert settings.settle_workers(tmp_path, "demo", settings.parse_workers(["AIRFLOW_PORT=9000"])) == 3
    assert settings.settle_workers(tmp_path, "demo", 0) == 0


@pytest.mark.parametrize(
    "text", ["WORKERS=two", "WORKERS=-1", "WORKERS=17", "WORKERS=²", "WORKERS=" + "1" * 5000, "WORKERS"]
)
def test_what_is_not_a_number_of_workers_is_told(text: str) -> None:
    with pytest.raises(StackError, match="not a number of workers"):
        settings.parse_workers([text])


def test_workers_have_a_slot_for_every_task_and_a_broker_beside_the_platforms_own_keys(tmp_path: Path) -> None:
    ports_, secrets = _settle(tmp_path, {}), settings.load_secrets(tmp_path)
    identity = environment.StackIdentity("demo", tmp_path, ports_, secrets, "redis", SIMULATED, workers=3)
    built = environment.build(identity, {})
    assert built["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert int(built["AIRFLOW__CORE__PARALLELISM"]) == 3 * int(built["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    broker, cache = built["AIRFLOW__CELERY__BROKER_URL"], built["REDIS_URL"]
    assert broker.rpartition("/")[0] == cache.rpartition("/")[0]
    assert broker != cache


@pytest.mark.parametrize("name", ["", "../x", "venv", "Demo", "a b"])
def test_a_stack_needs_a_plain_name(name: str) -> None:
    with pytest.raises(StackError, match="not a stack's name"):
        settings.stack_folder(name)


def test_secrets_are_made_once_and_kept_private(tmp_path: Path) -> None:
    secrets = settings.load_secrets(tmp_path)
    assert settings.load_secrets(tmp_path) == secrets
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert secrets.airflow_admin not in repr(secrets)


def test_the_test_stack_ignores_a_users_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECHOTUNE_STACK_FOLDER", raising=False)
    monkeypatch.setenv("MONGODB_URI", "mongodb://theirs/")
    assert environment.users_settings("demo")["MONGODB_URI"] == "mongodb://theirs/"
    assert environment.users_settings("test") == {}


def test_a_shell_of_a_stack_is_not_a_users_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOTUNE_STACK_FOLDER", "/somewhere")
    for name in ("MONGODB_URI", "SPOTIFY_CLIENT_ID", "SPOTIFY_API_URL", "RECCOBEATS_API_URL"):
        monkeypatch.setenv(name, "the stack's")
        assert name not in environment.users_settings("demo")


OWN_CLIENT = {"SPOTIFY_CLIENT_ID": "mine", "SPOTIFY_CLIENT_SECRET": "mine, too"}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, SIMULATED),
        (OWN_CLIENT, OWN_CLIENT),
        ({**OWN_CLIENT, "SPOTIFY_API_URL": "http://proxy/v1"}, {**OWN_CLIENT, "SPOTIFY_API_URL": "http://proxy/v1"}),
        ({"SPOTIFY_CLIENT_ID": "half"}, {"SPOTIFY_CLIENT_ID": "half"}),
        ({"SPOTIFY_API_URL": "http://proxy/v1"}, {**SIMULATED, "SPOTIFY_API_URL": "http://proxy/v1"}),
    ],
)
def test_a_users_own_spotify_is_never_mixed_with_the_simulated_one(
    tmp_path: Path, own: dict[str, str], expected: dict[str, str]
) -> None:
    identity = environment.StackIdentity(
        "demo", tmp_path, _settle(tmp_path, {}), settings.load_secrets(tmp_path), "redis", SIMULATED
    )
    built = environment.build(identity, own)
    assert {name: value for name, value in built.items() if name.startswith(("SPOTIFY_", "RECCOBEATS_"))} == expected
    assert environment.is_needed("spotify", own) == ("SPOTIFY_CLIENT_ID" not in own)
    assert environment.is_needed("postgres", {"DATABASE_URL": "theirs"})


def test_the_environment_file_survives_any_character(tmp_path: Path) -> None:
    values = {"PLAIN": "a", "HARD": 'it\'s "$HOME" `x` \\ #; ü', "EMPTY": ""}
    environment.write_file(tmp_path / "environment", values)
    script = 'set -o allexport; source "$0"; python3 -c "import json, os; print(json.dumps(dict(os.environ)))"'
    read = subprocess.run(["bash", "-c", script, tmp_path / "environment"], capture_output=True, text=True, check=True)
    assert json.loads(read.stdout).items() >= values.items()


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    write_private(tmp_path / "secrets.json", "{")
    with pytest.raises(StackError, match="is damaged"):
        settings.load_secrets(tmp_path)
