"""make setup: asks for the settings, tests each system at once, and writes .env. With --no-input it only tests."""

from __future__ import annotations

import argparse
import base64
import getpass
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from echotune.connection_checks.report import Report
from echotune.connection_checks.settings import CHECKS, check_settings
from local.dotenv_file import ENV_FILE, read_settings, write_settings
from local.errors import StackError, exit_with_sentence, say

REMOVE = "-"
NOTHING = "nothing"


@dataclass(frozen=True)
class Setting:
    """One thing to ask for.

    :param secret: typed without being shown, and shown without its password
    """

    name: str
    question: str
    secret: bool = False


SETTINGS: dict[str, tuple[Setting, ...]] = {
    "MongoDB": (
        Setting("MONGODB_URI", "Address, mongodb+srv://user:password@host/ or mongodb://…", secret=True),
        Setting("MONGODB_DATABASE", "Database"),
        Setting("MONGODB_COLLECTION", "Collection of the plays"),
    ),
    "PostgreSQL": (
        Setting("DATABASE_URL", "Address of Supabase or another, postgresql://user:password@host:5432/db", secret=True),
        Setting("SUPABASE_URL", "Supabase project's URL, for applications beside the platform"),
        Setting("SUPABASE_ANON_KEY", "Supabase anon key, likewise", secret=True),
        Setting("SUPABASE_SERVICE_ROLE_KEY", "Supabase service role key, likewise", secret=True),
    ),
    "Redis": (Setting("REDIS_URL", "Address, rediss://user:password@host:port/0 or redis://…", secret=True),),
    "Spotify": (
        Setting("SPOTIFY_CLIENT_ID", "Client id of your application (developer.spotify.com/dashboard)"),
        Setting("SPOTIFY_CLIENT_SECRET", "Its client secret", secret=True),
        Setting("SPOTIFY_API_URL", "API of a proxy or simulator; usually nothing"),
        Setting("SPOTIFY_ACCOUNTS_URL", "Its accounts service; usually nothing"),
    ),
    "ReccoBeats": (Setting("RECCOBEATS_API_URL", "Address of a proxy or simulator; usually nothing"),),
}
NAMES = tuple(setting.name for group in SETTINGS.values() for setting in group)
HEXADECIMAL_BYTES = {
    "AIRFLOW_ADMIN_PASSWORD": 12,
    "AIRFLOW_JWT_SECRET": 64,
    "AIRFLOW_API_SECRET": 32,
    "AIRFLOW_DATABASE_PASSWORD": 24,
    "AIRFLOW_RESULTS_PASSWORD": 24,
    "REDIS_PASSWORD": 24,
    "PERSONAL_DATA_KEY": 32,
    "LOCAL_MONGODB_PASSWORD": 24,
    "LOCAL_MONGODB_ROOT_PASSWORD": 24,
    "LOCAL_MONGODB_KEY": 96,
    "LOCAL_POSTGRES_PASSWORD": 24,
    "LOCAL_POSTGRES_ROOT_PASSWORD": 24,
}
"""Secrets of the containers and how long they are; hexadecimal, because they stand in addresses."""
FERNET = "AIRFLOW_FERNET_KEY"
FERNET_BYTES = 32


def main() -> None:
    """Read the command line; ask and write, or only test."""
    parser = argparse.ArgumentParser(prog="make setup", description=__doc__)
    parser.add_argument("--no-input", action="store_true", help="ask nothing, write nothing: only test")
    parser.add_argument("--file", type=Path, default=ENV_FILE, help="another file than .env")
    arguments = parser.parse_args()
    if arguments.no_input:
        test({**read_settings(arguments.file), **_from_shell()})
    elif sys.stdin.isatty():
        ask(arguments.file)
    else:
        raise StackError("there is no terminal to ask on: fill .env by hand (.env.example), then test with --no-input.")


def test(settings: Mapping[str, str]) -> None:
    """Check every system that has settings.

    :raises StackError: one of them cannot be used
    """
    reports = [check_settings(system, settings) for system in CHECKS]
    for report in reports:
        _show(report)
    if failed := [report.system for report in reports if report.problems]:
        raise StackError(f"{' and '.join(failed)} cannot be used: see above what to change.")


def ask(path: Path) -> None:
    """Ask for everything, system by system, and write the file; what is there already is offered."""
    known = read_settings(path)
    say(f"Settings for {path.name}. Enter keeps what is there, {REMOVE} removes it; secrets are not shown as you type.")
    for system in SETTINGS:
        known = ask_system(system, known)
    known |= {name: value for name, value in new_secrets().items() if not known.get(name)}
    known["COMPOSE_PROFILES"] = profile_of(known)
    write_settings({name: known.get(name, "") for name in dict.fromkeys((*NAMES, *known))}, path)
    say(f"\n{path.name} is written, for your eyes only (mode 600).")
    say("On this machine: make up (make demo loads a file). In containers: docker compose up --build --detach.")


def ask_system(system: str, known: Mapping[str, str]) -> dict[str, str]:
    """Ask for the settings of a system until it works, or the person wants to go on."""
    say(f"\n{system}")
    settings = dict(known)
    while True:
        for setting in SETTINGS[system]:
            settings = _answered(setting, settings)
        report = check_settings(system, settings)
        _show(report)
        if not report.problems or not _agrees("Type it again? [Y/n] "):
            return settings


def new_secrets() -> dict[str, str]:
    """A random value for every secret of the containers."""
    made = {name: secrets.token_hex(size) for name, size in HEXADECIMAL_BYTES.items()}
    return {**made, FERNET: base64.urlsafe_b64encode(secrets.token_bytes(FERNET_BYTES)).decode()}


def profile_of(settings: Mapping[str, str]) -> str:
    """Which containers are wanted: databases of one's own need none."""
    return "managed" if settings.get("MONGODB_URI") and settings.get("DATABASE_URL") else "local"


def shown(setting: Setting, value: str | None) -> str:
    """A present value as it may be shown: an address without its password, of other secrets only that it is there."""
    if not value:
        return NOTHING
    if not setting.secret:
        return value
    address = re.fullmatch(r"([\w+]+://)(?:([^:@/]*)(?::[^@]*)?@)?([^?@]*)(?:\?.*)?", value)
    if address is None:
        return "a secret"
    scheme, user, place = address.groups()
    return f"{scheme}{f'{user}:***@' if user is not None else ''}{place}"


def _answered(setting: Setting, settings: Mapping[str, str]) -> dict[str, str]:
    read: Callable[[str], str] = getpass.getpass if setting.secret else input
    prompt = f"  {setting.question}\n  {setting.name} [{shown(setting, settings.get(setting.name))}]: "
    answer = read(prompt).strip()
    if answer == REMOVE:
        return {name: value for name, value in settings.items() if name != setting.name}
    return {**settings, setting.name: answer} if answer else dict(settings)


def _agrees(question: str) -> bool:
    return input(f"  {question}").strip().lower() not in ("n", "no")


def _show(report: Report) -> None:
    for line in report.lines:
        say(f"  {line}")


def _from_shell() -> dict[str, str]:
    return {name: os.environ[name] for name in NAMES if os.environ.get(name)}


if __name__ == "__main__":
    exit_with_sentence(main)
