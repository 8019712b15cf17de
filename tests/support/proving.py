"""A history that is synced, and ways in which the two sides come apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, LiteralString
from uuid import uuid4

from psycopg import Connection

from echotune.history.store import HistoryStore
from echotune.sync.reconcile import ReconcileReport, reconcile_sync
from echotune.sync.runs import start_run
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from tests.support.syncing import Document, changed, now, small_history, sync_all

DAMAGES: dict[LiteralString, list[str]] = {
    "update listening_history set ms_played = 7 where month = '2021-12-01'": ["listening_history 2021-12"],
    "update listening_history set skipped = null where month = '2022-02-01'": ["listening_history 2022-02"],
    "delete from listening_history where month = '2021-12-01'": ["listening_history 2021-12"],
    "insert into listening_history (id, played_at, user_id, ms_played) "
    "select gen_random_uuid(), '2022-01-15Z', id, 1 from users": ["listening_history 2022-01"],
    "insert into listening_history (id, played_at, user_id, ms_played) "
    "select gen_random_uuid(), '2021-01-15Z', id, 1 from users": ["listening_history 2021-01"],
    "update listening_history set played_at = '2022-02-03Z' where played_at = '2021-11-30 22:00Z'": [
        "listening_history 2021-11",
        "listening_history 2022-02",
    ],
    "update tracks set popularity = 1 where name = 'Track 1'": ["tracks"],
    "update tracks set album_id = null": ["tracks"],
    "update artists set genres = '{shoegaze,dream pop}' where name = 'Artist 1'": ["artists"],
    "update albums set placeholder = true": ["albums"],
    "update albums set release_date = '1999-12-30'": ["albums"],
    "delete from audio_features": ["audio_features"],
    "update audio_features set tempo = 'NaN'": ["audio_features"],
    "update track_artists set position = 1 - position": ["track_artists"],
    "delete from track_artists where position = 1": ["track_artists"],
    "with other as (insert into artists (id, name) values (gen_random_uuid(), 'Nobody') returning id) "
    "insert into track_artists select tracks.id, other.id, 9 from tracks, other": ["artists", "track_artists"],
}
"""What somebody may do to PostgreSQL, and where the two sides then differ."""


def synced_history(connection: Connection[Any], store: HistoryStore, *, plays: int = 20) -> None:
    """Copy a small history."""
    small_history(store, plays=plays)
    sync_all(connection, store)


def prove(
    connection: Connection[Any], store: HistoryStore, source: SyncSource | None = None, **settings: Any
) -> ReconcileReport:
    """What the task reconcile does, in a run of its own."""
    chosen, run_id = SyncSettings.of(settings), f"proof {uuid4()}"
    start_run(connection, run_id, chosen)
    return reconcile_sync(connection, source or SyncSource(store), run_id, chosen)


def later(document: Mapping[str, Any], **fields: Any) -> Document:
    """A document with other fields, written after everything else."""
    return changed(document, **fields) | {"updated_at": now() + timedelta(seconds=5)}
