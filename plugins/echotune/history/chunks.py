"""The plan of a load: a file cut into chunks of rows, at true record boundaries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import islice

from echotune.history.errors import HistoryError
from echotune.history.formats import CSV, HistoryFormat, ReadPlay, format_named
from echotune.history.preflight import InspectedFile
from echotune.history.records import Record
from echotune.history.source import HistoryFile, HistoryPath, open_history


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A run of rows in one file. Offsets and lengths are bytes of the decompressed content.

    :param path: the file, in the form the source named it
    :param file: its name, as the documents carry it
    :param sha256: of the whole file
    :param member: its name in the ZIP at that path, empty where it is a file of its own
    :param format: see ``formats``
    :param index: 0 for the file's first chunk
    :param first_row: the number of its first row; the file's first is 1
    :param rows: records in it, good and bad
    :param content_sha256: of the chunk's own bytes. A file that grew keeps the chunks it had.
    """

    path: str
    file: str
    sha256: str
    index: int
    first_row: int
    rows: int
    offset: int
    length: int
    content_sha256: str
    member: str = ""
    format: str = CSV


def plan_chunks(path: HistoryPath, file: InspectedFile, *, chunk_rows: int) -> Iterator[Chunk]:
    """Yield the chunks of a file in order: each of ``chunk_rows`` rows, the last of what is left.

    Cuts depend on the content from the top alone, so a file that grew is cut at the same places.
    """
    format_ = format_named(file.format)
    with open_history(HistoryFile(path=path, member=file.member)) as stream:
        offset = format_.begin(stream, file=file.name)
        first_row = 1
        for index, (rows, length, digest) in enumerate(_cut(format_.split(stream), chunk_rows)):
            yield Chunk(
                path=file.path,
                file=file.name,
                sha256=file.sha256,
                index=index,
                first_row=first_row,
                rows=rows,
                offset=offset,
                length=length,
                content_sha256=digest,
                member=file.member,
                format=file.format,
            )
            offset += length
            first_row += rows


def _cut(records: Iterator[Record], chunk_rows: int) -> Iterator[tuple[int, int, str]]:
    """Yield (rows, bytes, SHA-256) of each chunk."""
    rows, length, digest = 0, 0, hashlib.sha256()
    for record in records:
        rows += not record.is_blank
        length += len(record.raw)
        digest.update(record.raw)
        if rows == chunk_rows:
            yield rows, length, digest.hexdigest()
            rows, length, digest = 0, 0, hashlib.sha256()
    if rows:
        yield rows, length, digest.hexdigest()


@contextmanager
def open_chunk(path: HistoryPath, chunk: Chunk, *, username: str = "") -> Iterator[ChunkReader]:
    """Open a chunk for reading.

    :param username: the user of records that name none
    """
    format_ = format_named(chunk.format)
    with open_history(HistoryFile(path=path, member=chunk.member)) as stream:
        read_play = format_.reader(stream, file=chunk.file, username=username)
        stream.seek(chunk.offset)
        yield ChunkReader(chunk=chunk, format=format_, read_play=read_play, stream=stream)


@dataclass(frozen=True, kw_only=True)
class ChunkReader:
    """The open file of a chunk.

    :param read_play: reads one of its records
    """

    chunk: Chunk
    format: HistoryFormat
    read_play: ReadPlay
    stream: BufferedIOBase

    def numbered_records(self, block_rows: int) -> Iterator[list[tuple[int, Record]]]:
        """Yield (row number, record) for each row, some rows at a time.

        :raises HistoryError: at the end, when the bytes are not those that were planned
        """
        digest = hashlib.sha256()
        row = self.chunk.first_row
        records = self.format.split(self.stream, self.chunk.length)
        while block := list(islice(records, block_rows)):
            digest.update(b"".join([record.raw for record in block]))
            rows = [record for record in block if not record.is_blank]
            yield list(enumerate(rows, start=row))
            row += len(rows)
        if digest.hexdigest() != self.chunk.content_sha256:
            raise HistoryError(f"{self.chunk.file} was changed while it was loaded: start the load again")


def batches(chunks: Iterable[Chunk], *, rows: int) -> list[list[Chunk]]:
    """Put neighbouring chunks together until they have so many rows: a task for each of many small files takes long."""
    found: list[list[Chunk]] = []
    size = 0
    for chunk in chunks:
        if not found or size + chunk.rows > rows:
            found.append([])
            size = 0
        found[-1].append(chunk)
        size += chunk.rows
    return found
