"""make setup on a real terminal: what it asks, shows, writes, and never shows."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from echotune.resources import PROJECT
from local import environment, setup
from local.dotenv_file import read_settings, write_settings
from local.errors import StackError
from local.servers.redis import RedisServer

SECRET = "planted-secret-4711"
COMMAND = [sys.executable, "-m", "local.setup", "--file"]
Talk = Callable[..., str]


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    """Type answers, one after each question; return all that was on the screen."""

    def run(answers: list[str]) -> str:
        controller, terminal = pty.openpty()
        names = {name: value for name, value in os.environ.items() if name not in environment.USER_VARIABLES}
        process = subprocess.Popen(
            [*COMMAND, str(tmp_path / ".env")],
            stdin=terminal, stdout=terminal, stderr=terminal, cwd=PROJECT,
            env=names | {"PYTHONPATH": ".:plugins"}, start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        screen, rest = "", list(answers)
        while True:
            try:
                part = os.read(controller, 4096).decode(errors="replace")
            except OSError:  # the end of a terminal whose other side is closed
                break
            if not part:
                break
            screen += part
            if screen.rstrip(" ").endswith((":", "]")) and screen.endswith(" ") and rest:
                os.write(controller, (rest.pop(0) + "\n").encode())
        os.close(controller)
        assert process.wait(60) == 0, screen
        assert rest == [], screen
        return screen

    return run


def answers(**given: str) -> list[str]:
    return [given.get(name, "") for name in setup.NAMES]


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


def typed(server: RedisServer) -> list[str]:
    given = {"REDIS_URL": server.uri, "RECCOBEATS_API_URL": "http://127.0.0.1:9/"}
    return [*answers(**given), "n"]


def test_what_was_typed_is_tested_and_written(talk: Talk, tmp_path: Path, redis_server: RedisServer) -> None:
    screen = talk(typed(redis_server))
    assert "Redis: works" in screen
    written = read_settings(tmp_path / ".env")
    assert written["REDIS_URL"] == redis_server.uri
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_no_secret_is_on_the_screen(talk: Talk, tmp_path: Path, redis_server: RedisServer) -> None:
    first = talk(typed(redis_server))
    again = talk(["" for _ in setup.NAMES] + ["n"])
    made = [value for name, value in read_settings(tmp_path / ".env").items() if name in setup.HEXADECIMAL_BYTES]
    assert made
    for secret in (redis_server.password, *made):
        assert secret not in first + again


def test_a_second_time_keeps_everything(talk: Talk, tmp_path: Path, redis_server: RedisServer) -> None:
    talk(typed(redis_server))
    before = read_settings(tmp_path / ".env")
    talk(["" for _ in setup.NAMES] + ["n"])
    assert read_settings(tmp_path / ".env") == before


def test_every_secret_of_the_containers_is_made_once_and_random(talk: Talk, tmp_path: Path) -> None:
    talk([*answers(RECCOBEATS_API_URL="http://127.0.0.1:9/"), "n"])
    written = read_settings(tmp_path / ".env")
    made = {written[name] for name in (*setup.HEXADECIMAL_BYTES, setup.FERNET)}
    assert len(made) == len(setup.HEXADECIMAL_BYTES) + 1
    assert written["COMPOSE_PROFILES"] == "local"


def run_without_input(path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    names = {name: value for name, value in os.environ.items() if name not in environment.USER_VARIABLES}
    command = [*COMMAND, str(path), "--no-input"]
    own = {"PYTHONPATH": ".:plugins", "RECCOBEATS_API_URL": "http://127.0.0.1:9/"}
    return subprocess.run(
        command, cwd=PROJECT, env=names | own | variables, capture_output=True, text=True, check=False
    )


def test_without_input_it_only_tests_and_fails_where_something_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    write_settings({"REDIS_URL": f"redis://:{SECRET}@127.0.0.1:9/0"}, path)
    before = path.read_bytes()
    done = run_without_input(path)
    assert done.returncode != 0
    assert "REDIS_URL" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert path.read_bytes() == before


def test_without_a_terminal_it_asks_nothing(tmp_path: Path) -> None:
    command = [*COMMAND, str(tmp_path / ".env")]
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | {"PYTHONPATH": ".:plugins"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "--no-input" in done.stderr


def test_comments_and_other_lines_of_the_file_stay(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("# mine\nOTHER=1\nexport REDIS_URL=redis://old/0\n", encoding="utf-8")
    path.chmod(0o600)
    write_settings({"REDIS_URL": "redis://new/0"}, path)
    assert path.read_text(encoding="utf-8") == "# mine\nOTHER=1\nREDIS_URL=redis://new/0\n"


@pytest.mark.parametrize("value", ["redis://:p$HOME@h/0", "a b#c", "ü!*()", "postgresql://u:%40@h/d?sslmode=require"])
def test_a_written_value_is_read_as_it_was(tmp_path: Path, value: str) -> None:
    path = tmp_path / ".env"
    write_settings({"REDIS_URL": value}, path)
    assert read_settings(path)["REDIS_URL"] == value


def test_a_value_that_readers_would_take_differently_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="percent-encode"):
        write_settings({"REDIS_URL": "redis://:it's@h/0"}, tmp_path / ".env")


def test_a_file_that_others_can_read_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ".env"
    path.write_text("REDIS_URL=redis://h/0\n", encoding="utf-8")
    path.chmod(0o644)
    read_settings(path)
    assert "chmod 600" in capsys.readouterr().out


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / ".env"
    write_settings({"REDIS_URL": "redis://file/0", "MONGODB_URI": "mongodb://file/"}, path)
    monkeypatch.setattr(environment, "read_settings", lambda: read_settings(path))
    for name in (*environment.USER_VARIABLES, "ECHOTUNE_STACK_FOLDER"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.mark.usefixtures("env_file")
def test_a_stack_takes_the_file_and_the_shell_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://shell/0")
    taken = environment.users_settings("demo")
    assert (taken["REDIS_URL"], taken["MONGODB_URI"]) == ("redis://shell/0", "mongodb://file/")


@pytest.mark.usefixtures("env_file")
def test_the_test_stack_takes_nothing_of_the_file() -> None:
    assert environment.users_settings("test") == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("mongodb+srv://anna:geheim@host.net/x?retry=1", "mongodb+srv://anna:***@host.net/x"),
        ("redis://:geheim@host:6379/0", "redis://:***@host:6379/0"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("postgresql://anna:ge@heim@host/db", "a secret"),
        ("eyJhbGciOi.abc", "a secret"),
        (None, "nothing"),
    ],
)
def test_a_present_secret_is_shown_without_itself(value: str | None, text: str) -> None:
    assert setup.shown(setup.Setting("ANY", "?", secret=True), value) == text
