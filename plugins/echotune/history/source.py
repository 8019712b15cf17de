"""Where histories are read from: a file, a folder, a pattern or a ZIP, plain or gzipped, local or in object storage."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader
from pathlib import PurePosixPath
from typing import Literal, Protocol, Self

from echotune.history.errors import HistoryError
from echotune.history.zip_archive import ZIP_MAGIC, history_members, is_history_name, open_member

SUFFIXES = (".csv", ".csv.gz", ".zip")
GZIP_MAGIC = b"\x1f\x8b"
WILDCARDS = frozenset("*?[")


class HistoryPath(Protocol):
    """What is asked of a path: a pathlib.Path, or Airflow's ObjectStoragePath with the same methods."""

    @property
    def name(self) -> str: ...
    def exists(self) -> bool: ...
    def is_dir(self) -> bool: ...
    def iterdir(self) -> Iterable[Self]: ...
    def glob(self, pattern: str) -> Iterable[Self]: ...
    def open(self, mode: Literal["rb"]) -> BufferedIOBase: ...


@dataclass(frozen=True, kw_only=True)
class HistoryFile:
    """A history: a file of its own, or a member of the ZIP at its path."""

    path: HistoryPath
    member: str = ""

    @property
    def name(self) -> str:
        """Its name without folders."""
        return PurePosixPath(self.member).name if self.member else self.path.name

    def __str__(self) -> str:
        return f"{self.path}, {self.member}" if self.member else str(self.path)


def split_pattern(source: str) -> tuple[str, str]:
    """Split a source at its first part with a wildcard: ``/data/*.csv`` into ``/data`` and ``*.csv``.

    The pattern is empty where the source has none.
    """
    scheme, separator, rest = source.rpartition("://")
    parts = PurePosixPath(rest).parts
    plain = [part for part in parts if not WILDCARDS & set(part)]
    wild = next((index for index, part in enumerate(parts) if WILDCARDS & set(part)), len(parts))
    if len(plain) == len(parts):
        return source, ""
    return scheme + separator + str(PurePosixPath(*parts[:wild])), str(PurePosixPath(*parts[wild:]))


def find_files(base: HistoryPath, pattern: str = "") -> list[HistoryFile]:
    """Return the histories that a source names, sorted by path.

    A folder stands for each .csv, .csv.gz and .zip directly in it and for the JSON files of Spotify's export, which
    may also be one folder further down, as unpacking leaves them. A ZIP stands for the histories in it.

    :raises HistoryError: nothing is there, or nothing in it is a history
    """
    try:
        paths = _find_paths(base, pattern)
    except PermissionError:
        raise HistoryError(f"{base} may not be read by this user: change its rights or the user") from None
    except (OSError, ValueError) as error:
        raise HistoryError(f"{base} {pattern}: no such source can be looked for ({error})") from None
    return [file for path in sorted(paths, key=str) for file in _histories_at(path)]


def _find_paths(base: HistoryPath, pattern: str) -> list[HistoryPath]:
    if ".." in PurePosixPath(pattern).parts:
        raise HistoryError(f"{pattern} leads out of {base}: a pattern goes down only")
    if not base.exists():
        raise HistoryError(f"{base} does not exist: check the source, which is seen from the worker's machine")
    if pattern:
        found = [path for path in base.glob(pattern) if not path.is_dir()]
        if not found:
            raise HistoryError(f"no file matches {pattern} in {base}")
        return found
    if not base.is_dir():
        return [base]
    found = _histories_in(base)
    if not found:
        found = [path for folder in base.iterdir() if folder.is_dir() for path in _histories_in(folder)]
    if not found:
        raise HistoryError(
            f"the folder {base} holds no .csv, no .csv.gz, no .zip and no file of Spotify's export such as "
            "Streaming_History_Audio_2019_6.json"
        )
    return found


def _histories_in(folder: HistoryPath) -> list[HistoryPath]:
    return [
        path
        for path in folder.iterdir()
        if (path.name.endswith(SUFFIXES) or is_history_name(path.name)) and not path.is_dir()
    ]


def _histories_at(path: HistoryPath) -> list[HistoryFile]:
    with _opened(path) as raw:
        if raw.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
            return [HistoryFile(path=path)]
        return [HistoryFile(path=path, member=member) for member in history_members(raw, file=path.name)]


@contextmanager
def open_history(file: HistoryFile) -> Iterator[BufferedIOBase]:
    """Open a history for reading, unpacked where it is gzipped or in a ZIP.

    :raises HistoryError: it cannot be read, or its compressed data is cut off or damaged
    """
    with _opened(file.path) as raw:
        if file.member:
            with open_member(raw, file.member, file=file.path.name) as member:
                yield member
            return
        compressed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        if compressed:
            yield BufferedReader(gzip.GzipFile(fileobj=raw))
        else:
            yield raw


@contextmanager
def _opened(path: HistoryPath) -> Iterator[BufferedIOBase]:
    try:
        with path.open("rb") as raw:
            yield raw
    except PermissionError:
        raise HistoryError(f"{path} may not be read by this user: change its rights or the user") from None
    except IsADirectoryError:
        raise HistoryError(f"{path} is a folder, not a file") from None
    except FileNotFoundError:
        raise HistoryError(f"{path} is gone: it was there when the run began") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile) as error:
        raise HistoryError(f"{path} is cut off or damaged inside its compression ({error}): copy it again") from None
