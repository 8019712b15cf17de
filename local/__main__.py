"""The command behind the Makefile: python -m local up | down | status | password | clean."""

from __future__ import annotations

import argparse
import os
import shutil

from local import settings, status
from local.errors import exit_with_sentence, say
from local.files import PROJECT, STATE, locked
from local.stack import open_stack, prepare_stack


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "password", "clean"))
    parser.add_argument("options", nargs="*", metavar="NAME=N", help="such as AIRFLOW_PORT=9000 or WORKERS=2")
    parser.add_argument("--stack", default=os.environ.get("STACK") or "demo", help="demo (default) or test")
    arguments = parser.parse_intermixed_args()  # AIRFLOW_PORT=9000 may come after --stack
    if arguments.command == "up":
        up(arguments.stack, arguments.options)
    elif arguments.command == "down":
        down(arguments.stack)
    elif arguments.command == "status":
        status.show(open_stack(arguments.stack))
    elif arguments.command == "password":
        say(settings.load_secrets(settings.stack_folder(arguments.stack)).airflow_admin)
    else:
        clean()


def up(name: str, options: list[str]) -> None:
    """Start a stack, unless it runs, and say where it is; options are such as AIRFLOW_PORT=9000 and WORKERS=2."""
    with locked(settings.stack_folder(name) / "lock"):
        stack = prepare_stack(name, settings.parse_ports(options), settings.parse_workers(options))
        stack.up()
    option = "" if name == "demo" else f" STACK={name}"
    say(f"Airflow runs at {stack.airflow.url} - user admin; `make password{option}` shows the password.")


def down(name: str) -> None:
    """Stop a stack; its data stays."""
    with locked(settings.stack_folder(name) / "lock"):
        stack = open_stack(name)
        stopped = stack.down() if stack else False
    say(f"The stack {name} is stopped; its data stays." if stopped else f"The stack {name} was not running.")


def clean() -> None:
    """Stop every stack of this folder and remove all of its state."""
    if not STATE.is_dir():
        say("Nothing to remove.")
        return
    names = sorted(path.parent.name for path in STATE.glob("*/ports.json"))
    for name in names:
        down(name)
    data = f"all data of the stacks {', '.join(names)}" if names else "no data"
    say(f"Removing {STATE.relative_to(PROJECT)}/: the installed packages and {data}.")
    shutil.rmtree(STATE)


if __name__ == "__main__":
    exit_with_sentence(main)
