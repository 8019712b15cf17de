"""A Parquet or CSV file of audio features, read once and kept in columns: some 300 MB for a million tracks."""

from __future__ import annotations

import csv as standard_csv
import gzip
import logging
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedIOBase, TextIOWrapper
from typing import IO, Any, Literal, Protocol, Self, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv, parquet

from echotune.enrichment.errors import EnrichmentError
from echotune.enrichment.features import FEATURE_NAMES, TIME_SIGNATURE
from echotune.enrichment.plain_text import excerpt

log = logging.getLogger(__name__)

ID_COLUMNS = ("id", "track_id", "spotify_id", "uri", "spotify_track_uri")
ID = "id"
ID_BYTES = 22
TRACK = rf"^(?:spotify:track:)?(?P<{ID}>[0-9A-Za-z]{{{ID_BYTES}}})$"
GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"


UNREADABLE = (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError, standard_csv.Error)
BUFFER_BYTES = 2**20


class _NoNumberError(Exception):
    """A cell of a feature's column is no number."""


class TablePath(Protocol):
    """What is asked of a path: a pathlib.Path, or Airflow's ObjectStoragePath with the same method."""

    def open(self, mode: Literal["rb"]) -> BufferedIOBase: ...


@dataclass(frozen=True, kw_only=True)
class FeatureTable:
    """The columns of a file as they are, and an index of it.

    :param features: one column a feature, in the file's order of rows
    :param ids: the distinct ids, sorted
    :param first_rows: for each of them its first row, counted from 0
    """

    features: pa.Table
    ids: NDArray[np.bytes_]
    first_rows: NDArray[np.int64]

    @classmethod
    def read(cls, path: TablePath) -> Self:
        """Read a file.

        :raises EnrichmentError: it cannot be read, or is no table of audio features
        """
        with _opened(path) as file:
            magic = file.read(len(PARQUET_MAGIC))
        if magic == PARQUET_MAGIC:
            return cls._of(path, _parquet_batches(path))
        packed = magic.startswith(GZIP_MAGIC)
        try:
            return cls._of(path, _csv_batches(path, pa.float64(), packed=packed))
        except _NoNumberError:
            # One cell would fail the whole file. Read as text, it fails its own row.
            return cls._of(path, _csv_batches(path, pa.string(), packed=packed))

    @classmethod
    def _of(cls, path: TablePath, batches: Iterable[pa.RecordBatch]) -> Self:
        """Gather batches of the columns in ``_columns``, the ids first."""
        features: list[pa.RecordBatch] = []
        keys, rows, start = [np.empty(0, f"S{ID_BYTES}")], [np.empty(0, np.int64)], 0
        for batch in batches:
            ids = pc.struct_field(pc.extract_regex(batch.column(0).cast(pa.string()), pattern=TRACK), ID)
            keys.append(_as_keys(ids.drop_null()))
            rows.append(np.flatnonzero(ids.is_valid().to_numpy(zero_copy_only=False)) + start)
            features.append(batch.select(batch.schema.names[1:]))
            start += len(batch)
        if start == 0:
            raise EnrichmentError(f"{path} has a header and no rows")
        tracks = sum(map(len, keys))
        if not tracks:
            raise EnrichmentError(f"{path}: its column of ids holds no Spotify id and no uri of a track")
        pa.default_memory_pool().release_unused()
        together = np.concatenate(keys)
        keys.clear()
        distinct, firsts = np.unique(together, return_index=True)
        if len(distinct) < tracks:
            log.warning("%s has %d rows for ids that are already in it: the first counts", path, tracks - len(distinct))
        table = pa.Table.from_batches(features)
        return cls(features=table, ids=distinct, first_rows=np.concatenate(rows)[firsts])

    def rows(self, ids: Sequence[str]) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Yield the id, number and features of each row that is there. The first row below a header is number 1."""
        asked = np.array([_as_key(id_) for id_ in ids], dtype=f"S{ID_BYTES}")
        places = np.minimum(np.searchsorted(self.ids, asked), len(self.ids) - 1)
        there = np.flatnonzero(self.ids[places] == asked) if len(self.ids) else np.array([], dtype=np.int64)
        rows = self.first_rows[places[there]]
        cells = self.features.take(pa.array(rows)).to_pylist()
        for place, row, features in zip(there, rows, cells, strict=True):
            yield ids[place], int(row) + 1, features


def _as_key(id_: str) -> bytes:
    """An id as it is in the index; what cannot be one as what is never there."""
    return id_.encode() if len(id_) == ID_BYTES and id_.isascii() else b""


@contextmanager
def _opened(path: TablePath) -> Iterator[BufferedIOBase]:
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise EnrichmentError(
            f"{path} does not exist: check the local table's path, which is seen from the worker's machine"
        ) from None
    except IsADirectoryError:
        raise EnrichmentError(f"{path} is a folder: name one Parquet or CSV file") from None
    except PermissionError:
        raise EnrichmentError(f"{path} may not be read by this user: change its rights or the user") from None
    except UNREADABLE as error:
        raise EnrichmentError(f"{path} cannot be read as a table: {excerpt(str(error))}") from None


def _parquet_batches(path: TablePath) -> Iterator[pa.RecordBatch]:
    with _opened(path) as file:
        opened = parquet.ParquetFile(file, pre_buffer=False, buffer_size=BUFFER_BYTES)
        columns = _columns(path, opened.schema_arrow.names)
        for batch in opened.iter_batches(columns=list(columns.values())):
            arrays = [_plain(batch.column(written)) for written in columns.values()]
            yield pa.RecordBatch.from_arrays(arrays, list(columns))


def _plain(column: pa.Array) -> pa.Array:
    """A column without the types whose Python values are no floats."""
    odd = pa.types.is_decimal(column.type) or pa.types.is_float16(column.type)
    return column.cast(pa.float64()) if odd else column


def _csv_batches(path: TablePath, type_: pa.DataType, *, packed: bool) -> Iterator[pa.RecordBatch]:
    """Read a CSV, its features as one type.

    :raises _NoNumberError: a cell is not of that type
    """
    columns = _columns(path, _csv_header(path, packed=packed))
    parse = csv.ParseOptions(newlines_in_values=True)
    convert = csv.ConvertOptions(
        column_types={written: pa.string() if name == ID else type_ for name, written in columns.items()},
        include_columns=list(columns.values()),
        null_values=["", "NULL"],
        strings_can_be_null=True,
    )
    with _opened(path) as file:
        stream = pa.CompressedInputStream(file, "gzip") if packed else file
        try:
            with csv.open_csv(stream, parse_options=parse, convert_options=convert) as reader:
                for batch in reader:
                    yield batch.rename_columns(list(columns))
        except pa.ArrowInvalid as error:
            if "conversion error" in str(error) and type_ != pa.string():
                raise _NoNumberError from error
            raise


def _csv_header(path: TablePath, *, packed: bool) -> list[str]:
    """The first line. Arrow's reader reads ahead, so that it cannot be asked for the header and then begin again."""
    with (
        _opened(path) as file,
        gzip.open(file) if packed else nullcontext(file) as plain,
        TextIOWrapper(cast(IO[bytes], plain), encoding="utf-8-sig", newline="") as text,
    ):
        return next(standard_csv.reader(text), [])


def _columns(path: TablePath, header: Sequence[str]) -> dict[str, str]:
    """The columns to read: the name each has here, and as written in the file."""
    written: dict[str, list[str]] = {}
    for name in header:
        written.setdefault(name.strip().lower(), []).append(name)
    id_column = next((name for name in ID_COLUMNS if name in written), None)
    if id_column is None:
        raise EnrichmentError(f"{path} has no column of Spotify ids: name one of its columns {' or '.join(ID_COLUMNS)}")
    missing = [name for name in FEATURE_NAMES if name not in written and name != TIME_SIGNATURE]
    if missing:
        raise EnrichmentError(f"{path} has no column named {' and none named '.join(missing)}")
    wanted = {ID: id_column} | {name: name for name in FEATURE_NAMES if name in written}
    repeated = [name for name in wanted.values() if len(written[name]) > 1]
    if repeated:
        raise EnrichmentError(f"{path} has several columns named {repeated[0]}: keep one of them")
    return {name: written[lowered][0] for name, lowered in wanted.items()}


def _as_keys(ids: pa.Array) -> NDArray[np.bytes_]:
    fixed = ids.cast(pa.binary()).cast(pa.binary(ID_BYTES))
    return np.frombuffer(fixed.buffers()[1], dtype=f"S{ID_BYTES}", count=len(fixed), offset=fixed.offset * ID_BYTES)
