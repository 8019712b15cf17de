"""Where histories are read from: one file, a folder or a pattern, plain or gzipped, local or in object storage."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase, BufferedReader
from pathlib import PurePosixPath
from typing import Literal, Protocol, Self

from echotune.history.errors import HistoryError

SUFFIXES = (".csv", ".csv.gz")
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


def find_files(base: HistoryPath, pattern: str = "") -> list[HistoryPath]:
    """Return the history files that a source names, sorted by path.

    A folder stands for each .csv and .csv.gz directly in it.

    :raises HistoryError: nothing is there, or nothing in it is a history
    """
    try:
        return _find_files(base, pattern)
    except PermissionError:
        raise HistoryError(f"{base} may not be read by this user: change its rights or the user") from None
    except (OSError, ValueError) as error:
        raise HistoryError(f"{base} {pattern}: no such source can be looked for ({error})") from None


def _find_files(base: HistoryPath, pattern: str) -> list[HistoryPath]:
    if not base.exists():
        raise HistoryError(f"{base} does not exist: check the source, which is seen from the worker's machine")
    if pattern:
        found = [path for path in base.glob(pattern) if not path.is_dir()]
        if not found:
            raise HistoryError(f"no file matches {pattern} in {base}")
    elif base.is_dir():
        found = [path for path in base.iterdir() if path.name.endswith(SUFFIXES) and not path.is_dir()]
        if not found:
            raise HistoryError(f"the folder {base} holds no .csv and no .csv.gz file")
    else:
        found = [base]
    return sorted(found, key=str)


@contextmanager
def open_history(path: HistoryPath) -> Iterator[BufferedIOBase]:
    """Open a file for reading, decompressed where it is gzipped.

    :raises HistoryError: it cannot be read, or its compressed data is cut off or damaged
    """
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            if compressed:
                yield BufferedReader(gzip.GzipFile(fileobj=raw))
            else:
                yield raw
    except PermissionError:
        raise HistoryError(f"{path} may not be read by this user: change its rights or the user") from None
    except IsADirectoryError:
        raise HistoryError(f"{path} is a folder, not a file") from None
    except FileNotFoundError:
        raise HistoryError(f"{path} is gone: it was there when the run began") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise HistoryError(f"{path} is cut off or damaged inside its compression ({error}): copy it again") from None
