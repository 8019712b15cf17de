"""``ml_features``: two Parquet files, one row a track and one a user."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from echotune.archive.paths import ArchivePath, OpenPath, written_file
from echotune.history.forgotten import ForgottenUsers
from echotune.history.store import HistoryStore
from echotune.statistics.feature_columns import TRACK_COLUMNS, USER_COLUMNS, FeatureColumn, schema_of
from echotune.statistics.feature_rows import Row, track_rows, user_rows

TRACKS_FILE = "tracks.parquet"
USERS_FILE = "users.parquet"
ROWS_A_GROUP = 10_000


@dataclass(frozen=True, kw_only=True)
class WrittenFeatures:
    """What was written: the address of a file, and its rows."""

    address: str
    rows: int


def write_features(store: HistoryStore, target: str, open_path: OpenPath) -> list[WrittenFeatures]:
    """Write both files below a target; a file that is there is replaced whole, once the new one is complete.

    Where they are is remembered in the collection ``ml_features``, so that a user can be forgotten there as well; one
    who is forgotten meanwhile is left out.
    """
    folder = target.rstrip("/")
    store.ml_features.update_one({"_id": folder}, {"$currentDate": {"written_at": True}}, upsert=True)
    forgotten = ForgottenUsers.of(store)
    known = forgotten.digests()
    written = _write_both(store, folder, open_path)
    while known != (now_known := forgotten.digests()):
        known = now_known
        written = _write_both(store, folder, open_path)
    return written


def usernames_in(target: str, open_path: OpenPath) -> set[str]:
    """The users that the files below a target name; none where there are no files any more."""
    try:
        with open_path(f"{target}/{USERS_FILE}").open("rb") as stream:
            return set(pq.read_table(stream, columns=["username"])["username"].to_pylist())
    except FileNotFoundError:
        return set()


def _write_both(store: HistoryStore, folder: str, open_path: OpenPath) -> list[WrittenFeatures]:
    return [
        _write(open_path, f"{folder}/{TRACKS_FILE}", TRACK_COLUMNS, track_rows(store)),
        _write(open_path, f"{folder}/{USERS_FILE}", USER_COLUMNS, user_rows(store)),
    ]


def _write(open_path: OpenPath, address: str, columns: Sequence[FeatureColumn], rows: Iterable[Row]) -> WrittenFeatures:
    written = 0
    with TemporaryFile() as content:
        with pq.ParquetWriter(content, schema_of(columns), compression="zstd") as writer:
            for part in _parts(iter(rows)):
                writer.write_table(pa.Table.from_pylist(part, schema=schema_of(columns)))
                written += len(part)
        content.seek(0)
        _replace(open_path(address), content)
    return WrittenFeatures(address=address, rows=written)


def _replace(path: ArchivePath, content: IO[bytes]) -> None:
    """Write a file whole: an object store shows an object only once it is; a folder needs another name first."""
    if isinstance(path, Path):
        partial = path.with_name(f".{path.name}.partial")
        partial.unlink(missing_ok=True)
        with written_file(partial) as stream:
            shutil.copyfileobj(content, stream)
        partial.replace(path)
        return
    with written_file(path) as stream:
        shutil.copyfileobj(content, stream)


def _parts(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while part := list(islice(rows, ROWS_A_GROUP)):
        yield part
