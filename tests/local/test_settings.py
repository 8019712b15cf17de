"""Ports and secrets of a stack: chosen once, remembered, and told about in one sentence."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import environment, ports, settings
from local.errors import StackError
from local.files import write_private


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def _settle(folder: Path, asked: dict[str, int], running: bool = False) -> settings.Ports:
    return settings.settle_ports(folder, "demo", asked, {}, lambda field: running)


@pytest.fixture(autouse=True)
def free_preferences(monkeypatch: pytest.MonkeyPatch) -> None:
    free = (ports.free_port(), ports.free_port(), ports.free_port(), ports.free_port())
    monkeypatch.setitem(settings.PREFERRED_PORTS, "demo", free)


def test_a_busy_preferred_port_is_replaced_once_and_said(
    tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    others = settings.PREFERRED_PORTS["demo"][1:]
    monkeypatch.setitem(settings.PREFERRED_PORTS, "demo", (taken, *others))
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


@pytest.mark.parametrize("text", ["AIRFLOW_PORT=http", "AIRFLOW_PORT=0", "AIRFLOW_PORT=70000", "WEB_PORT=80"])
def test_what_is_not_a_port_is_told(text: str) -> None:
    with pytest.raises(StackError, match=r"not a port"):
        settings.parse_ports([text])


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
    monkeypatch.setenv("MONGODB_URI", "mongodb://stack/")
    assert "MONGODB_URI" not in environment.users_settings("demo")


def test_the_environment_file_survives_any_character(tmp_path: Path) -> None:
    values = {"PLAIN": "a", "HARD": 'it\'s "$HOME" `x` \\ #; ü', "EMPTY": ""}
    environment.write_file(tmp_path / "environment", values)
    assert environment.read_file(tmp_path / "environment") == values


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    write_private(tmp_path / "secrets.json", "{")
    with pytest.raises(StackError, match="is damaged"):
        settings.load_secrets(tmp_path)
