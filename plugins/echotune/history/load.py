"""The load of one chunk: read, shape, insert what is not there, account for every row."""

from __future__ import annotations

import gc
import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from bson.binary import Binary

from echotune.history.chunks import Chunk, ChunkReader, open_chunk
from echotune.history.counts import LoadCounts
from echotune.history.document import Document, PlayShaper
from echotune.history.errors import CellError, HistoryError
from echotune.history.forgotten import ForgottenUsers, among, digest_of
from echotune.history.load_runs import RUNNING, begin_chunk, finish_chunk, remove_records_of
from echotune.history.play_writer import CountsByUser, PlayWriter, user_of
from echotune.history.privacy import PersonalData
from echotune.history.records import Record
from echotune.history.rejected import RejectedRow, keep_rejected, reject, rejected_id
from echotune.history.rejected_owner import USERNAME, names_in
from echotune.history.settings import BadRowAction, LoadSettings
from echotune.history.source import HistoryPath
from echotune.history.store import HistoryStore

log = logging.getLogger(__name__)

BLOCK_ROWS = 5_000
"""Rows shaped and inserted at a time: what bounds the memory of a load, whatever the size of file and chunk."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some rows, shaped: the plays by id, the rows that did not load, and what became of the others."""

    plays: dict[Binary, Document]
    rejected: list[RejectedRow]
    counts: CountsByUser


class BlockShaper:
    """Shapes rows of a file with the settings of a load."""

    def __init__(self, reader: ChunkReader, settings: LoadSettings, personal_data: PersonalData) -> None:
        self._shaper = PlayShaper(
            file=reader.chunk.file, sha256=reader.chunk.sha256, personal_data=personal_data, now=datetime.now(UTC)
        )
        self._read_play = reader.read_play
        self._username = settings.username
        self._personal_data = personal_data

    def shape(self, records: Iterable[tuple[int, Record]], forgotten: frozenset[str] = frozenset()) -> Block:
        """Shape rows.

        :param forgotten: the digests of users whose rows are left out
        """
        plays: dict[Binary, Document] = {}
        rejected: list[RejectedRow] = []
        fates: Counter[tuple[str, str]] = Counter()
        for row, record in records:
            cells, user = None, ""
            try:
                cells, details = self._read_play(record)
                if self._username and cells[USERNAME] != self._username:
                    fates[user, "other_users"] += 1
                    continue
                user = cells[USERNAME]
                if forgotten and digest_of(user) in forgotten:
                    fates[user, "forgotten"] += 1
                    continue
                document = self._shaper.shape(row, cells, details)
            except CellError as error:
                bad = reject(
                    row=row,
                    error=error,
                    record=record,
                    cells=cells,
                    username=self._username,
                    personal_data=self._personal_data,
                )
                is_left_out = among([*names_in(bad.raw), *filter(None, [self._username])], forgotten)
                fates[user, "forgotten" if is_left_out else "rejected"] += 1
                rejected += [] if is_left_out else [bad]
                continue
            fates[user, "rows"] += 1
            if plays.setdefault(document["_id"], document) is not document:
                fates[user, "repeats"] += 1
        return Block(plays=plays, rejected=rejected, counts=_counts(fates))


def _counts(fates: Mapping[tuple[str, str], int]) -> CountsByUser:
    """Counts by user; of a row that was shaped only that it was read, of any other its fate as well."""
    found: dict[str, dict[str, int]] = defaultdict(Counter)
    for (user, fate), number in fates.items():
        found[user][fate] += number
        if fate not in ("rows", "repeats"):
            found[user]["rows"] += number
    return {user: LoadCounts(**numbers) for user, numbers in found.items()}


def total_of(counts: CountsByUser, forgotten: frozenset[str]) -> LoadCounts:
    """The counts of all users; of one who was forgotten meanwhile, all rows are left out, also those loaded before."""
    return LoadCounts.total(each.as_forgotten() if among([user], forgotten) else each for user, each in counts.items())


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
    forgotten = ForgottenUsers.of(store, settings.begun_at)
    before = None if settings.dry_run else begin_chunk(store, chunk, settings)
    writer = PlayWriter(store, sha256=chunk.sha256, expect_known=before is not None, dry_run=settings.dry_run)
    by_user: CountsByUser = defaultdict(LoadCounts)
    counts = LoadCounts()
    with open_chunk(path, chunk, username=settings.username) as reader, cycle_search_paused():
        shaper = BlockShaper(reader, settings, personal_data)
        for records in reader.numbered_records(BLOCK_ROWS):
            known = forgotten.digests()
            block = shaper.shape(records, known)
            if not settings.dry_run:
                keep_rejected(store, chunk, block.rejected, now=datetime.now(UTC))
            stop_at_bad_rows(chunk, block.rejected, settings)
            for part in (block.counts, writer.write_by_user(block.plays)):
                for user, found in part.items():
                    by_user[user] += found
            # Who was forgotten while the block was written may have been searched for before it was there.
            if (late := forgotten.digests() - known) and not settings.dry_run:
                _take_back(store, chunk, block, late)
            counts = total_of(by_user, known | late)
            stop_at_bad_share(chunk.file, counts.rejected, file_rows, settings)
            log.info("%s chunk %d: %s of %s rows", chunk.file, chunk.index, f"{counts.rows:,}", f"{chunk.rows:,}")
    if settings.dry_run:
        return counts
    counts = total_of(by_user, forgotten.digests())
    finish_chunk(store, chunk, settings, counts, was_cut_off=before == RUNNING)
    if forgotten.includes(settings.username):
        remove_records_of(store, settings.username)
    return counts


def _take_back(store: HistoryStore, chunk: Chunk, block: Block, digests: frozenset[str]) -> None:
    """Remove what a block brought of users who were forgotten meanwhile."""
    plays = [identity for identity, play in block.plays.items() if digest_of(user_of(play)) in digests]
    rejected = [rejected_id(chunk, row) for row in block.rejected if among(names_in(row.raw), digests)]
    store.plays.delete_many({"_id": {"$in": plays}})
    store.rejected_rows.delete_many({"_id": {"$in": rejected}})


@contextmanager
def cycle_search_paused() -> Iterator[None]:
    """Pause Python's search for reference cycles: rows and plays have none, and looking took a quarter of the time."""
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
