"""Archived plays back into MongoDB, to the very same documents. The files stay."""

from __future__ import annotations

import logging

from bson import ObjectId

from echotune.archive.archives import HOLDING, Archive, Archives, State
from echotune.archive.archiving import read_plays
from echotune.archive.errors import ArchiveError
from echotune.archive.moving import BATCH_PLAYS, Mover
from echotune.archive.paths import OpenPath
from echotune.archive.settings import RestoreSettings
from echotune.history.store import HistoryStore

log = logging.getLogger(__name__)


def plan_restore(store: HistoryStore, settings: RestoreSettings) -> list[Archive]:
    """The archives that hold plays of those who were asked for."""
    match = {"username": {"$in": list(settings.usernames)}} if settings.usernames else {}
    of_year = {"year": settings.year} if settings.year is not None else {}
    return Archives(store).in_states(HOLDING, **match, **of_year)


def restore_archive(
    store: HistoryStore, identity: ObjectId, open_path: OpenPath, run_id: str, *, batch_plays: int = BATCH_PLAYS
) -> Archive:
    """Put back the plays of an archive that are not in MongoDB; to do it again changes nothing.

    :raises ArchiveError: the file is not what was written
    """
    archives, mover = Archives(store), Mover(store)
    archive = archives.one(identity)
    if archive.state is State.RESTORED:
        return archive
    if archive.state is not State.RESTORING:
        held = store.archived_plays.count_documents({"archive": identity})
        archive = archives.move(archive, State.RESTORING, restored=held)
    back = sum(mover.restore(identity, plays) for plays in read_plays(archive, open_path, batch_plays))
    if left := store.archived_plays.count_documents({"archive": identity}):
        raise ArchiveError(f"{left:,} archived plays are not in {archive.address}: it was not restored whole")
    log.info("%s: %s plays put back from %s", archive, f"{back:,}", archive.address)
    return archives.move(archive, State.RESTORED, restored_by=run_id)
