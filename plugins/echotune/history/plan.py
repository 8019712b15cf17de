"""The plan of a load: each file's chunks, and which of them earlier loads have done."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from echotune.history.chunks import Chunk, plan_chunks
from echotune.history.counts import LoadCounts
from echotune.history.forgotten import ForgottenUsers
from echotune.history.load_runs import done_chunks, record_plan, recorded_plan
from echotune.history.preflight import InspectedFile
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryPath
from echotune.history.store import HistoryStore


@dataclass(frozen=True, kw_only=True)
class FilePlan:
    """What is known of a file before its chunks are loaded.

    :param rows: rows of the whole file
    :param done_chunks: how many of its chunks earlier loads have done
    :param done: what became of the rows of those, as it stands now
    """

    file: InspectedFile
    rows: int
    done_chunks: int
    done: LoadCounts

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what ``dataclasses.asdict`` wrote."""
        plain = dict(values)
        return cls(**plain | {"file": InspectedFile(**plain["file"]), "done": LoadCounts(**plain["done"])})


def plan_file(
    store: HistoryStore, path: HistoryPath, file: InspectedFile, settings: LoadSettings
) -> tuple[FilePlan, list[Chunk]]:
    """Cut a file into chunks, or find how it was cut before; return its plan and the chunks that are not done."""
    chunks = _chunks(store, path, file, settings)
    done = done_chunks(store, chunks, settings)
    plan = FilePlan(
        file=file,
        rows=sum(chunk.rows for chunk in chunks),
        done_chunks=len(done),
        done=LoadCounts.total(counts.as_skipped() for counts in done.values()),
    )
    return plan, [chunk for chunk in chunks if chunk.index not in done]


def _chunks(store: HistoryStore, path: HistoryPath, file: InspectedFile, settings: LoadSettings) -> list[Chunk]:
    """A dry run reads a file as one chunk: it writes nothing, so only one reader can see what repeats."""
    if settings.dry_run:
        return list(plan_chunks(path, file, chunk_rows=sys.maxsize))
    chunks = recorded_plan(store, file, settings)
    if chunks is None:
        chunks = list(plan_chunks(path, file, chunk_rows=settings.chunk_rows))
        if not ForgottenUsers.of(store, settings.begun_at).includes(settings.username):
            record_plan(store, file, chunks, settings)
    return chunks
