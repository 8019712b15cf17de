"""The Dockerfile: it builds on the locked Airflow, and all it copies is there and nothing else goes into it."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

from local.files import PROJECT


def lines_of(name: str) -> list[str]:
    """The lines of a file of the project that say something."""
    lines = (PROJECT / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


LINES = lines_of("Dockerfile")
IGNORED = lines_of(".dockerignore")
PAGE = PROJECT / "plugins" / "echotune" / "dashboard" / "page"


def instructions(name: str) -> list[list[str]]:
    """The words of each instruction of a name, options left out."""
    found = [shlex.split(line)[1:] for line in LINES if line.startswith(f"{name} ")]
    return [[word for word in words if not word.startswith("--")] for words in found]


def copied() -> set[str]:
    """What is copied from the project."""
    return {
        source.rstrip("/")
        for line in LINES
        if line.startswith("COPY ") and "--from=" not in line
        for source in [word for word in shlex.split(line)[1:] if not word.startswith("--")][:-1]
    }


def test_it_builds_on_the_airflow_and_the_python_that_are_locked() -> None:
    base = instructions("FROM")[-1][0]
    requirements = (PROJECT / "requirements.txt").read_text(encoding="utf-8")
    locked = re.search(r"^apache-airflow==(\S+)$", requirements, re.MULTILINE)
    assert locked
    assert base == f"apache/airflow:{locked[1]}-python{sys.version_info.major}.{sys.version_info.minor}"


def test_every_image_is_pinned_to_one_version() -> None:
    for image, *_ in instructions("FROM"):
        assert re.search(r":\d+\.\d+\.\d+-", image), image


def test_all_it_copies_is_there() -> None:
    assert {source for source in copied() if not (PROJECT / source).exists()} == set()


def test_only_what_it_copies_is_sent_to_the_builder() -> None:
    assert IGNORED[0] == "*"
    allowed = {line[1:] for line in IGNORED if line.startswith("!")}
    folders = {Path(source).parts[0] for source in copied()}
    assert {Path(path).parts[0] for path in allowed} == folders
    assert {path for path in allowed if not (PROJECT / path).exists()} == set()


def test_what_users_put_beside_the_code_stays_out() -> None:
    for folder in ("include/data", "include/certificates"):
        assert f"{folder}/*" in IGNORED
    # They are not below a folder that is sent.
    assert not any(line.startswith(("!.env", "!.local", "!.git")) for line in IGNORED)


def test_it_runs_as_the_user_of_the_image_and_takes_no_secret() -> None:
    assert instructions("USER")[-1] == ["airflow"]
    assert not any(line.startswith(("ADD ", "ARG ")) for line in LINES)
    assert not any(re.search(r"password|secret|token", line, re.IGNORECASE) for line in LINES)


def test_the_page_can_be_built_from_what_is_locked() -> None:
    package = json.loads((PAGE / "package.json").read_text(encoding="utf-8"))
    assert "build" in package["scripts"]
    assert (PAGE / "package-lock.json").exists()
