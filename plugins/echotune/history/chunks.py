"""The plan of a load: a file cut into chunks of rows, at true record boundaries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import islice

from echotune.history.errors import HistoryError
from echotune.history.preflight import InspectedFile, read_header
from echotune.history.records import Record, split_records
from echotune.history.source import HistoryPath, open_history


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A run of rows in one file. Offsets and lengths are bytes of the decompressed content.

    :param path: the file, in the form the source named it
    :param file: its name, as the documents carry it
    :param sha256: of the whole file
    :param index: 0 for the file's first chunk
    :param first_row: the number of its first row; the first row below the header is 1
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


def plan_chunks(path: HistoryPath, file: InspectedFile, *, chunk_rows: int) -> Iterator[Chunk]:
    """Yield the chunks of a file in order: each of ``chunk_rows`` rows, the last of what is left.

    Cuts depend on the content from the top alone, so a file that grew is cut at the same places.
    """
    with open_history(path) as stream:
        offset = read_header(stream, file=file.name).length
        first_row = 1
        for index, (rows, length, digest) in enumerate(_cut(stream, chunk_rows)):
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
            )
            offset += length
            first_row += rows


def _cut(stream: BufferedIOBase, chunk_rows: int) -> Iterator[tuple[int, int, str]]:
    """Yield (rows, bytes, SHA-256) of each chunk."""
    rows, length, digest = 0, 0, hashlib.sha256()
    for record in split_records(stream):
        rows += not record.is_blank
        length += len(record.raw)
        digest.update(record.raw)
        if rows == chunk_rows:
            yield rows, length, digest.hexdigest()
            rows, length, digest = 0, 0, hashlib.sha256()
    if rows:
        yield rows, length, digest.hexdigest()


@contextmanager
def open_chunk(path: HistoryPath, chunk: Chunk) -> Iterator[ChunkReader]:
    with open_history(path) as stream:
        header = read_header(stream, file=chunk.file)
        stream.seek(chunk.offset)
        yield ChunkReader(chunk=chunk, columns=header.columns, stream=stream)


@dataclass(frozen=True, kw_only=True)
class ChunkReader:
    """The open file of a chunk.

    :param columns: the file's header, in the file's order
    """

    chunk: Chunk
    columns: tuple[str, ...]
    stream: BufferedIOBase

    def numbered_records(self, block_rows: int) -> Iterator[list[tuple[int, Record]]]:
        """Yield (row number, record) for each row, some rows at a time.

        :raises HistoryError: at the end, when the bytes are not those that were planned
        """
        digest = hashlib.sha256()
        row = self.chunk.first_row
        records = split_records(self._lines())
        while block := list(islice(records, block_rows)):
            digest.update(b"".join([record.raw for record in block]))
            rows = [record for record in block if not record.is_blank]
            yield list(enumerate(rows, start=row))
            row += len(rows)
        if digest.hexdigest() != self.chunk.content_sha256:
            raise HistoryError(f"{self.chunk.file} was changed while it was loaded: start the load again")

    def _lines(self) -> Iterator[bytes]:
        remaining = self.chunk.length
        for line in self.stream:
            yield line
            remaining -= len(line)
            if remaining <= 0:
                return
