"""Loads and the catalog where plays are archived: they do not come back, and nothing is lost or counted wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from echotune.enrichment.embedding import embed_due
from echotune.enrichment.outdated_plays import count_outdated_plays
from echotune.history.catalog import build_collection, refresh_catalog
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from echotune.sync.archived import RULES
from tests.support.archiving import archive_all, bytes_of_plays, restore_all
from tests.support.databases import contents
from tests.support.loading import load_file, require_reconciled
from tests.support.rows import row, rows, track_uri, write_csv

CATALOG = ("tracks", "artists", "albums")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "history.csv", rows(9))


def test_a_load_does_not_bring_archived_plays_back(store: HistoryStore, path: Path, tmp_path: Path) -> None:
    load_file(store, path, chunk_rows=4)
    archive_all(store, tmp_path)
    again = load_file(store, path, chunk_rows=4)
    assert (again.counts.inserted, again.counts.already_there) == (0, 9)
    assert bytes_of_plays(store) == {}
    require_reconciled(store, again)


def test_a_dry_run_tells_archived_plays_as_already_there(store: HistoryStore, path: Path, tmp_path: Path) -> None:
    load_file(store, path)
    archive_all(store, tmp_path)
    assert load_file(store, path, dry_run=True).counts.already_there == 9


def test_a_file_that_grew_loads_what_is_new(store: HistoryStore, path: Path, tmp_path: Path) -> None:
    load_file(store, path)
    archive_all(store, tmp_path)
    grown = load_file(store, write_csv(path, rows(12)))
    assert (grown.counts.inserted, grown.counts.already_there) == (3, 9)
    require_reconciled(store, grown)


def test_restored_plays_are_already_there(store: HistoryStore, path: Path, tmp_path: Path) -> None:
    load_file(store, path)
    before = bytes_of_plays(store)
    archive_all(store, tmp_path)
    load_file(store, path)
    restore_all(store)
    assert load_file(store, path).counts.already_there == 9
    assert bytes_of_plays(store) == before


class ArchivesMeanwhile(CommandListener):
    """Notes the plays as archived just before they are inserted: an archive took them after they were looked for."""

    def __init__(self, store: HistoryStore) -> None:
        self._store = store

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name != "insert" or event.command["insert"] != self._store.plays.name:
            return
        ids = [UUID(bytes=bytes(document["_id"])) for document in event.command["documents"]]
        self._store.archived_plays.insert_many([{"_id": identity} for identity in ids])

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


def test_a_play_that_was_archived_while_it_was_inserted_counts_once(
    mongodb_uri: str, store: HistoryStore, path: Path
) -> None:
    store.archives.insert_one({"rules": RULES, "last": store.database.client.admin.command("hello")["localTime"]})
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[ArchivesMeanwhile(store)]) as client:
        loaded = load_file(HistoryStore.of(client[store.database.name]), path)
    assert loaded.counts.inserted == len(bytes_of_plays(store)) == 9
    assert store.archived_plays.count_documents({}) == 0


def without_hints(store: HistoryStore) -> dict[str, Any]:
    """The catalog, without what only says how plays are to be written."""
    hidden = ("updated_at", "embedding_due", "has_exported_values")
    return {name: contents(store.database[name], without=hidden) for name in CATALOG}


def test_the_catalog_counts_archived_plays(store: HistoryStore, path: Path, tmp_path: Path) -> None:
    load_file(store, path)
    refresh_catalog(store)
    before = without_hints(store)
    assert before["tracks"]
    archive_all(store, tmp_path)
    for name in CATALOG:
        build_collection(store, name)
    assert without_hints(store) == before
    assert check_catalog(store).passed


def test_what_was_learnt_while_plays_were_archived_is_written_into_them_when_they_are_back(
    store: HistoryStore, path: Path, tmp_path: Path
) -> None:
    write_csv(path, [row(spotify_track_uri=track_uri(1))])
    load_file(store, path)
    refresh_catalog(store)
    archive_all(store, tmp_path)
    learnt = {"genres": ["jazz"], "enrichment.catalog": {"status": "enriched", "provider": "spotify", "attempts": 1}}
    store.tracks.update_many({}, {"$set": learnt})
    embed_due(store)
    restore_all(store)
    assert count_outdated_plays(store) == 1
    embed_due(store)
    assert count_outdated_plays(store) == 0
