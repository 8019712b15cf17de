"""Small files of a stack: written whole or not at all, and readable by nobody else."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.errors import StackError

PROJECT = Path(__file__).resolve().parent.parent
STATE = PROJECT / ".local"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def make_private_folder(folder: Path) -> Path:
    """Create a folder (and its parents) that others cannot list; leave an existing one as it is."""
    if not folder.is_dir():
        folder.mkdir(parents=True, mode=PRIVATE_FOLDER, exist_ok=True)
    return folder


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, so that a crash leaves the old or the new content, with mode 600."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; an empty one where there is no file."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise StackError(f"{path} is damaged ({error.msg}): restore it, or start over with make clean.") from error
    if not isinstance(content, dict):
        raise StackError(f"{path} is damaged (not a JSON object): restore it, or start over with make clean.")
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON object with mode 600."""
    write_private(path, json.dumps(content, indent=2, sort_keys=True) + "\n")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; a second command waits for the first."""
    make_private_folder(path.parent)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another command that works on this stack ...", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
