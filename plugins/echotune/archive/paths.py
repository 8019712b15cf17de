"""Where archives are: a folder, or an address in object storage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from bson import ObjectId

LONGEST_FOLDER = 200
"""Letters of a user's folder: file systems end at 255 bytes. Names of files are unique without it."""


class ArchivePath(Protocol):
    """What is asked of a path: a pathlib.Path, or Airflow's ObjectStoragePath with the same methods."""

    def open(self, mode: str) -> Any: ...
    def unlink(self, missing_ok: bool = False) -> None: ...


OpenPath = Callable[[str], ArchivePath]
"""Gives the path of an address: relative ones start where the caller says, on every machine at the same place."""


def address_of(target: str, username: str, year: int, archive: ObjectId) -> str:
    """The address of a new file."""
    folder = quote(username, safe="")[:LONGEST_FOLDER]
    return f"{target}/user={folder}/year={year}/plays-{archive}.parquet"


@contextmanager
def written_file(path: ArchivePath) -> Iterator[BufferedIOBase]:
    """Open a file to write. A local one is readable by its owner alone, and on the disk when this ends."""
    is_local = isinstance(path, Path)
    if isinstance(path, Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    with path.open("wb") as stream:
        yield stream
        if is_local:
            stream.flush()
            os.fsync(stream.fileno())
