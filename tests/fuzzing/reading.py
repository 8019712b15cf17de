"""A history read as a load reads it, without a database: which rows became documents, which were rejected and why."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase
from typing import Any, Literal, cast

import bson

from echotune.history.chunks import open_chunk, plan_chunks
from echotune.history.counts import LoadCounts
from echotune.history.errors import HistoryError
from echotune.history.load import BlockShaper
from echotune.history.preflight import inspect_file
from echotune.history.privacy import PersonalData, PersonalDataPolicy
from echotune.history.records import Record
from echotune.history.rejected import RejectedRow
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryFile
from tests.support.databases import OPTIONS
from tests.support.loading import KEY

BLOCK_ROWS = 2
LARGEST_DOCUMENT = 16 * 2**20
"""Bytes, at MongoDB."""


@dataclass(frozen=True)
class MemoryPath:
    """A file in memory, with the methods that are asked of a history's path."""

    name: str
    content: bytes

    def __str__(self) -> str:
        return f"/memory/{self.name}"

    def exists(self) -> bool:
        return True

    def is_dir(self) -> bool:
        return False

    def iterdir(self) -> Iterator[MemoryPath]:
        return iter(())

    def glob(self, pattern: str) -> Iterator[MemoryPath]:
        return iter(())

    def open(self, mode: Literal["rb"]) -> BufferedIOBase:
        return cast(BufferedIOBase, io.BytesIO(self.content))


@dataclass
class Outcome:
    """What became of a file's rows.

    :param records: the records by row number
    :param plays: documents as MongoDB gives them back, by row number; of rows that repeat each other the first
    :param problem: what is wrong with the file as a whole, where it was refused
    """

    records: dict[int, Record] = field(default_factory=dict)
    plays: dict[int, dict[str, Any]] = field(default_factory=dict)
    rejected: dict[int, RejectedRow] = field(default_factory=dict)
    counts: LoadCounts = field(default_factory=LoadCounts)
    problem: str = ""


def read_history(file: HistoryFile, *, chunk_rows: int = 1000, username: str = "anna", policy: str = "keep") -> Outcome:
    """Plan a file, read its chunks and shape their rows; check what holds for every file.

    A file that is refused must be named.
    """
    outcome = Outcome()
    try:
        _read_into(outcome, file, chunk_rows, username, PersonalData(policy=PersonalDataPolicy(policy), key=KEY))
    except HistoryError as error:
        assert file.path.name in str(error), f"names no file: {error}"
        return Outcome(problem=str(error))
    repeats = outcome.counts.repeats
    assert outcome.counts.rows == len(outcome.records) == len(outcome.plays) + len(outcome.rejected) + repeats
    assert list(outcome.records) == list(range(1, len(outcome.records) + 1))
    assert all(one.reason for one in outcome.rejected.values())
    return outcome


def _read_into(outcome: Outcome, file: HistoryFile, chunk_rows: int, username: str, personal: PersonalData) -> None:
    inspected = inspect_file(file, username=username)
    plays: dict[bytes, dict[str, Any]] = {}
    last = 0
    for chunk in plan_chunks(file.path, inspected, chunk_rows=chunk_rows):
        assert chunk.first_row == last + 1
        with open_chunk(file.path, chunk, username=username) as reader:
            shaper = BlockShaper(reader, LoadSettings(), personal)
            for numbered in reader.numbered_records(BLOCK_ROWS):
                outcome.records.update(numbered)
                block = shaper.shape(numbered)
                outcome.rejected.update((one.row, one) for one in block.rejected)
                outcome.counts += LoadCounts.total(block.counts.values())
                for identity, play in block.plays.items():
                    stored = _stored(play)
                    if plays.setdefault(identity, stored) is stored:
                        outcome.plays[stored["source"]["row"]] = stored
                    else:
                        outcome.counts += LoadCounts(repeats=1)
        last += chunk.rows
        assert last == len(outcome.records), "planning and reading do not agree on the rows"


def _stored(play: dict[str, Any]) -> dict[str, Any]:
    encoded = bson.encode(play, codec_options=OPTIONS)
    assert len(encoded) <= LARGEST_DOCUMENT
    return dict(bson.decode(encoded, codec_options=OPTIONS))
