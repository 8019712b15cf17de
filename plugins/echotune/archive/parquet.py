"""The files: columns that any tool reads, and beside them each document as MongoDB had it, byte by byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BufferedIOBase
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from echotune.archive.errors import ArchiveError
from echotune.archive.plays import Play

ROWS_A_GROUP = 5_000
"""Plays that are held in memory, some 7 MB; also what a reader of one month skips or reads."""

COMPRESSION_LEVEL = 9
COLUMNS = pa.schema(
    [
        pa.field("id", pa.uuid(), nullable=False),
        pa.field("played_at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("username", pa.string(), nullable=False),
        pa.field("spotify_track_uri", pa.string()),
        pa.field("track_name", pa.string()),
        pa.field("artist_name", pa.string()),
        pa.field("album_name", pa.string()),
        pa.field("ms_played", pa.int64()),
        pa.field("document", pa.binary(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """What a file holds.

    :param sha256: of its bytes, in hexadecimal
    :param size: in bytes
    :param first: the time of the first play; of a file without plays there is none
    """

    plays: int
    size: int
    sha256: str
    first: datetime | None
    last: datetime | None


class CountedStream:
    """Passes bytes on, and takes their number and their SHA-256: what was written, not what is read back."""

    closed = False

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._digest.update(data)
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        self._stream.flush()

    @property
    def sha256(self) -> str:
        """Of the bytes written so far, in hexadecimal."""
        return self._digest.hexdigest()


def write_plays(stream: BufferedIOBase, plays: Iterable[Play], about: Mapping[str, str]) -> WrittenFile:
    """Write plays in their order, some thousands at a time.

    :param about: what the file says of itself
    """
    counted, number, first, last = CountedStream(stream), 0, None, None
    schema = COLUMNS.with_metadata({f"echotune.{name}": value for name, value in about.items()})
    with pq.ParquetWriter(
        counted,
        schema,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        use_dictionary=["username", "spotify_track_uri", "track_name", "artist_name", "album_name"],
        write_page_checksum=True,
    ) as writer:
        for group in _groups(plays):
            writer.write_batch(_batch(group, schema))
            number += len(group)
            first, last = first or group[0].played_at, group[-1].played_at
    return WrittenFile(plays=number, size=counted.tell(), sha256=counted.sha256, first=first, last=last)


def _groups(plays: Iterable[Play]) -> Iterator[Sequence[Play]]:
    remaining = iter(plays)
    while group := list(islice(remaining, ROWS_A_GROUP)):
        yield group


def _batch(plays: Sequence[Play], schema: pa.Schema) -> pa.RecordBatch:
    ids = pa.array([play.id.bytes for play in plays], pa.binary(16))
    columns = [
        pa.ExtensionArray.from_storage(pa.uuid(), ids),
        pa.array([play.played_at for play in plays], schema.field("played_at").type),
        pa.array([play["username"] for play in plays], pa.string()),
        pa.array([f"spotify:track:{play.track_id}" if play.track_id else None for play in plays], pa.string()),
        *(
            pa.array([play[name] for play in plays], pa.string())
            for name in ("track_name", "artist_name", "album_name")
        ),
        pa.array([play["ms_played"] for play in plays], pa.int64()),
        pa.array([play.document for play in plays], pa.binary()),
    ]
    return pa.record_batch(columns, schema=schema)


def require_sha256(stream: BufferedIOBase, expected: str, name: str) -> None:
    """:raises ArchiveError: a file is not the one that was written"""
    if hashlib.file_digest(stream, "sha256").hexdigest() != expected:
        raise ArchiveError(
            f"{name} is not as it was written (its SHA-256 differs): nothing was removed or restored by it. "
            "Look what became of the file; a good copy in its place is all that is needed"
        )


def read_documents(
    stream: BufferedIOBase, *, size: int, start: datetime | None = None, end: datetime | None = None
) -> Iterator[list[bytes]]:
    """The documents of a file in order, ``size`` at a time; groups without a play between the times are left out.

    :raises ArchiveError: the file is damaged
    """
    try:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        groups = [group for group in range(file.num_row_groups) if _holds(file, group, start, end)]
        for batch in file.iter_batches(batch_size=size, row_groups=groups, columns=["document"]):
            yield batch.column(0).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise ArchiveError(f"an archive's file cannot be read: {error}") from error


def _holds(file: pq.ParquetFile, group: int, start: datetime | None, end: datetime | None) -> bool:
    times = file.metadata.row_group(group).column(COLUMNS.get_field_index("played_at")).statistics
    return (end is None or times.min < end) and (start is None or times.max >= start)
