"""Archives in a folder of the test, by the functions that the operators call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from bson.raw_bson import RawBSONDocument

from echotune.archive.archives import Archive
from echotune.archive.archiving import ArchivedSlice, Archiver
from echotune.archive.moving import BATCH_PLAYS, raw_plays
from echotune.archive.paths import OpenPath
from echotune.archive.plan import plan_archive
from echotune.archive.reading import ArchiveFiles
from echotune.archive.restoring import plan_restore, restore_archive
from echotune.archive.settings import ArchiveSettings, RestoreSettings
from echotune.history.store import HistoryStore
from echotune.sync.source import SyncSource

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def archive_all(
    store: HistoryStore,
    target: Path | str,
    *,
    years: int = 1,
    open_path: OpenPath = Path,
    batch_plays: int = BATCH_PLAYS,
    **settings: Any,
) -> Sequence[ArchivedSlice]:
    """Archive what is older than so many years at a time of 2026, in a run of its own."""
    chosen = ArchiveSettings.of({"older_than_years": years, "target": str(target)} | settings)
    archiver = Archiver(
        store=store, target=chosen.target, open_path=open_path, run_id=f"test {uuid4()}", batch_plays=batch_plays
    )
    return [archiver.archive(slice_, chosen.before(NOW)) for slice_ in plan_archive(store, chosen, NOW)]


def restore_all(store: HistoryStore, *, batch_plays: int = BATCH_PLAYS, **settings: Any) -> list[Archive]:
    """Restore what is archived."""
    archives, run = plan_restore(store, RestoreSettings.of(settings)), f"test {uuid4()}"
    return [restore_archive(store, archive.id, Path, run, batch_plays=batch_plays) for archive in archives]


def source_of(store: HistoryStore, **settings: Any) -> SyncSource:
    """MongoDB and the archives, as the sync reads them."""
    return SyncSource(store, archive=ArchiveFiles(store=store, open_path=Path), **settings)


def bytes_of_plays(store: HistoryStore) -> dict[Any, bytes]:
    """Every play in the collection by its id, as its bytes."""
    found: list[RawBSONDocument] = list(raw_plays(store).find())
    return {play["_id"]: bytes(play.raw) for play in found}
