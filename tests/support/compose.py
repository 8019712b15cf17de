"""docker-compose.yaml as it is written, and as Docker Compose reads it with a filled .env."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from local.files import PROJECT, STATE

FILE = PROJECT / "docker-compose.yaml"
EXAMPLE = PROJECT / ".env.example"
COMMAND = STATE / "compose" / "bin" / "docker-compose"
PROFILES = ("local", "managed")
# Addresses as a person has them, for the profile that has no databases of its own.
ADDRESSES = {
    "MONGODB_URI": "mongodb+srv://someone:theirs@cluster0.example.mongodb.net/",
    "DATABASE_URL": "postgresql://postgres:theirs@db.example.supabase.co:5432/postgres?sslmode=require",
}
VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)")
REQUIRED = re.compile(r"\$\{([A-Z][A-Z0-9_]*):\?")

Service = dict[str, Any]


def written() -> dict[str, Any]:
    """The file's own content, anchors and merges resolved, variables not."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def services() -> dict[str, Service]:
    """The services as they are written."""
    found: dict[str, Service] = written()["services"]
    return found


def variables() -> set[str]:
    """Every variable that the file reads; those that a shell in a container reads are written with two dollars."""
    return set(VARIABLE.findall(FILE.read_text(encoding="utf-8").replace("$$", "")))


def required() -> set[str]:
    """The variables without which Compose stops, in one profile at least."""
    return set(REQUIRED.findall(FILE.read_text(encoding="utf-8").replace("$$", "")))


def filled(profile: str) -> dict[str, str]:
    """.env.example with a value for everything that a profile needs."""
    values = {name: value or "" for name, value in dotenv_values(EXAMPLE).items()}
    secrets = {name: f"secret{number:02}" for number, name in enumerate(sorted(required()))}
    own = ADDRESSES if profile == "managed" else dict.fromkeys(ADDRESSES, "")
    mine = {name: value for name, value in secrets.items() if profile == "local" or not name.startswith("LOCAL_")}
    return {**values, **mine, **own, "COMPOSE_PROFILES": profile}


def render(folder: Path, values: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Let Docker Compose read the file with these values as its .env."""
    if not COMMAND.exists():
        pytest.skip("Docker Compose is not there: local/install-test-parts installs it")
    settings = folder / "settings.env"
    settings.write_text("".join(f"{name}='{value}'\n" for name, value in values.items()), encoding="utf-8")
    command = [str(COMMAND), "--file", str(FILE), "--env-file", str(settings), "config"]
    # Nothing of the caller's environment, which would win over the file.
    return subprocess.run(
        command, env={"PATH": "", "HOME": str(folder)}, capture_output=True, text=True, check=False, timeout=60
    )


def rendered(folder: Path, profile: str) -> dict[str, Any]:
    """What Docker Compose makes of the file for a profile."""
    answer = render(folder, filled(profile))
    assert answer.returncode == 0, answer.stderr
    content: dict[str, Any] = yaml.safe_load(answer.stdout)
    return content


def mounted_paths() -> Iterator[str]:
    """The project's files and folders that containers see, where no variable says otherwise."""
    for service in services().values():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).partition(":")[0]
            if source.startswith("."):
                yield source
