"""Artists and albums that were known by their name only, when enrichment learns who they are."""

from __future__ import annotations

import pytest

from echotune.history.store import HistoryStore
from echotune.reconciliation import NotReconciled
from echotune.sync.reconcile import reconcile_sync
from echotune.sync.settings import SyncSettings
from echotune.sync.source import SyncSource
from tests.support.both_sides import expected_rows, synced_rows
from tests.support.supabase import Connection
from tests.support.syncing import artist, small_history, sync_all, with_indexes

NAMES = 20
NOTHING_MAY_GO = SyncSettings(max_deleted_share=0)


def add_names(store: HistoryStore) -> None:
    names = [f"name:Artist {number}" for number in range(NAMES)]
    store.artists.insert_many(
        [{"_id": name, "name": name.removeprefix("name:"), "updated_at": artist(1)["updated_at"]} for name in names]
    )


def test_their_rows_go_with_their_documents_however_many_they_are(store: HistoryStore, supabase: Connection) -> None:
    small_history(with_indexes(store))
    add_names(store)
    sync_all(supabase, store)
    store.artists.delete_many({"_id": {"$regex": "^name:"}})
    sync_all(supabase, store, run_id="later")
    report = reconcile_sync(supabase, SyncSource(store), "later", NOTHING_MAY_GO)
    assert report.repairs["artists"].deleted == NAMES
    assert synced_rows(supabase) == expected_rows(store)


def test_others_are_counted_beside_them(store: HistoryStore, supabase: Connection) -> None:
    small_history(with_indexes(store))
    add_names(store)
    sync_all(supabase, store)
    store.artists.delete_many({})
    sync_all(supabase, store, run_id="later")
    with pytest.raises(NotReconciled, match=r"2 of the 22 rows of artists have no document in MongoDB"):
        reconcile_sync(supabase, SyncSource(store), "later", NOTHING_MAY_GO)
