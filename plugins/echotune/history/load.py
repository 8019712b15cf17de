"""The load of one chunk: read, shape, insert what is not there, account for every row."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bson.binary import Binary

from echotune.history.chunks import Chunk, ChunkReader, open_chunk
from echotune.history.columns import HEADER
from echotune.history.counts import LoadCounts
from echotune.history.document import Document, PlayShaper
from echotune.history.errors import CellError, HistoryError
from echotune.history.load_runs import begin_chunk, finish_chunk
from echotune.history.play_writer import PlayWriter
from echotune.history.privacy import PersonalData
from echotune.history.records import Record
from echotune.history.rejected import RejectedRow, keep_rejected, reject
from echotune.history.settings import BadRowAction, LoadSettings
from echotune.history.source import HistoryPath
from echotune.history.store import HistoryStore

log = logging.getLogger(__name__)

BLOCK_ROWS = 5_000
"""Rows shaped and inserted at a time: what bounds the memory of a load, whatever the size of file and chunk."""

USERNAME = HEADER.index("username")


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some rows, shaped: the plays by id, the rows that did not load, and the rows that are neither."""

    plays: dict[Binary, Document]
    rejected: list[RejectedRow]
    counts: LoadCounts


class BlockShaper:
    """Shapes rows of a file with the settings of a load."""

    def __init__(self, reader: ChunkReader, settings: LoadSettings, personal_data: PersonalData) -> None:
        self._shaper = PlayShaper(
            file=reader.chunk.file, sha256=reader.chunk.sha256, personal_data=personal_data, now=datetime.now(UTC)
        )
        self._read_play = reader.read_play
        self._username = settings.username
        self._personal_data = personal_data

    def shape(self, records: Iterable[tuple[int, Record]]) -> Block:
        plays: dict[Binary, Document] = {}
        rejected: list[RejectedRow] = []
        rows = repeats = other_users = 0
        for row, record in records:
            rows += 1
            cells = None
            try:
                cells, details = self._read_play(record)
                if self._username and cells[USERNAME] != self._username:
                    other_users += 1
                    continue
                document = self._shaper.shape(row, cells, details)
            except CellError as error:
                rejected.append(
                    reject(row=row, error=error, record=record, cells=cells, personal_data=self._personal_data)
                )
                continue
            if plays.setdefault(document["_id"], document) is not document:
                repeats += 1
        counts = LoadCounts(rows=rows, repeats=repeats, other_users=other_users, rejected=len(rejected))
        return Block(plays=plays, rejected=rejected, counts=counts)


def load_chunk(
    store: HistoryStore,
    path: HistoryPath,
    chunk: Chunk,
    *,
    settings: LoadSettings,
    personal_data: PersonalData,
    file_rows: int,
) -> LoadCounts:
    """Load a chunk; to load it again, in part or whole, changes nothing.

    :param file_rows: rows of the whole file, of which ``settings.max_bad_share`` is a share
    :raises HistoryError: a bad row where the settings say to stop, more bad rows than they allow, or a file that
        was changed since it was planned; what was inserted before stays
    """
    attempts = 1 if settings.dry_run else begin_chunk(store, chunk, settings)
    writer = PlayWriter(store, sha256=chunk.sha256, expect_known=attempts > 1, dry_run=settings.dry_run)
    counts = LoadCounts()
    with open_chunk(path, chunk, username=settings.username) as reader:
        shaper = BlockShaper(reader, settings, personal_data)
        for records in reader.numbered_records(BLOCK_ROWS):
            with cycle_search_paused():
                block = shaper.shape(records)
            if not settings.dry_run:
                keep_rejected(store, chunk, block.rejected, now=datetime.now(UTC))
            stop_at_bad_rows(chunk, block.rejected, settings)
            counts += block.counts + writer.write(block.plays)
            stop_at_bad_share(chunk.file, counts.rejected, file_rows, settings)
            log.info("%s chunk %d: %s of %s rows", chunk.file, chunk.index, f"{counts.rows:,}", f"{chunk.rows:,}")
    if not settings.dry_run:
        finish_chunk(store, chunk, settings, counts)
    return counts


@contextmanager
def cycle_search_paused() -> Iterator[None]:
    """Pause Python's search for reference cycles: shaped rows have none, and looking took a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def stop_at_bad_rows(chunk: Chunk, rejected: Sequence[RejectedRow], settings: LoadSettings) -> None:
    """:raises HistoryError: at the first bad row, where the settings say so"""
    if rejected and settings.on_bad_row is BadRowAction.STOP:
        raise HistoryError(f"{chunk.file}, {rejected[0]}: mend the file, or set on_bad_row to 'quarantine'")


def stop_at_bad_share(file: str, rejected: int, file_rows: int, settings: LoadSettings) -> None:
    """:raises HistoryError: when more rows of a file are bad than the settings allow"""
    if rejected > settings.max_bad_share * file_rows:
        raise HistoryError(
            f"{file}: {rejected:,} of {file_rows:,} rows are bad, more than max_bad_share "
            f"({settings.max_bad_share:.1%}) allows; rejected_rows tells each with its reason"
        )
