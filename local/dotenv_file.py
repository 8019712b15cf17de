"""The file .env: settings of a person's own, with secrets, readable by nobody else."""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from local.errors import StackError, say
from local.files import PROJECT, write_private

ENV_FILE = PROJECT / ".env"
EXAMPLE = PROJECT / ".env.example"
PLAIN = re.compile(r"[\w./:@%+,=?&~-]*")


def read_settings(path: Path = ENV_FILE) -> dict[str, str]:
    """The settings in a file, without the empty ones; none where there is no file."""
    if not path.exists():
        return {}
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        say(f"Warning: others can read {path.name}, which holds secrets: run chmod 600 {path.name}.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{path} cannot be read: {error}.") from error
    # Nothing is interpolated: a dollar sign in a password is a dollar sign.
    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value for name, value in found.items() if value}


def write_settings(settings: Mapping[str, str], path: Path = ENV_FILE, example: Path = EXAMPLE) -> None:
    """Write settings where the file, or the example for a new one, has them; every other line stays.

    :raises StackError: a value that no reader of such files understands alike
    """
    source = path if path.exists() else example
    lines = source.read_text(encoding="utf-8").splitlines()
    left = dict(settings)
    for number, line in enumerate(lines):
        name = line.partition("=")[0].removeprefix("export ").strip()
        if name in left and "=" in line:
            lines[number] = f"{name}={_written(name, left.pop(name))}"
    lines += [f"{name}={_written(name, value)}" for name, value in left.items()]
    write_private(path, "\n".join(lines) + "\n")


def _written(name: str, value: str) -> str:
    if PLAIN.fullmatch(value):
        return value
    if "'" in value or "\n" in value or "\\" in value:
        raise StackError(f"{name} has a quote, a backslash or a line break: percent-encode it (%27, %5C).")
    return f"'{value}'"
