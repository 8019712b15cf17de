"""A user is forgotten while others write: nothing comes back, and no other run fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from echotune.archive import archiving
from echotune.archive.parquet import write_plays
from echotune.enrichment.embedding import embed_due
from echotune.history import load
from echotune.history.catalog import CATALOG, build_collections, refresh_catalog
from echotune.history.counts import LoadCounts
from echotune.history.forgotten import begin_forgetting, digest_of, finish_forgetting
from echotune.history.plan import plan_file
from echotune.history.play_writer import PlayWriter
from echotune.history.preflight import inspect_file
from echotune.history.reconcile import reconcile_load
from echotune.history.settings import LoadSettings
from echotune.history.source import HistoryFile
from echotune.history.store import HistoryStore
from echotune.reconciliation import require_equal
from echotune.sync import synchronise
from echotune.sync.writer import write_batch
from tests.support.archiving import archive_all
from tests.support.forgetting import OTHER, PERSON, forgetting_of, history_file, rows_of
from tests.support.loading import load_planned
from tests.support.proving import prove
from tests.support.rows import write_csv
from tests.support.supabase import Connection, connect
from tests.support.syncing import play, sync_all, with_indexes

ROWS = 600
BLOCK = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in which both users take turns."""
    pairs = zip(rows_of(PERSON, ROWS), rows_of(OTHER, ROWS), strict=True)
    return write_csv(tmp_path / "history.csv", [each for pair in pairs for each in pair])


def load_whole(store: HistoryStore, path: Path, **settings: Any) -> LoadCounts:
    """What the tasks of one load do, until it is reconciled."""
    chosen = LoadSettings.of({"max_bad_share": 1, "begun_at": store.server_time(), "chunk_rows": 300} | settings)
    plan, chunks = plan_file(store, path, inspect_file(HistoryFile(path=path)), chosen)
    counts = LoadCounts.total([plan.done, *(load_planned(store, path, chunk, plan, chosen) for chunk in chunks)])
    refresh_catalog(store)
    require_equal(reconcile_load(store, [(plan, counts)], chosen))
    return counts


class InThread(threading.Thread):
    """Some work beside the test; what it raises is raised when it is waited for."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__()
        self._work = work
        self._error: BaseException | None = None
        self.result: object = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001
            self._error = error

    def wait(self) -> Any:
        self.join()
        if self._error:
            raise self._error
        return self.result


def wait_until(found: Callable[[], Any]) -> None:
    deadline = threading.Event()
    for _ in range(2000):
        if found():
            return
        deadline.wait(0.005)
    raise AssertionError("waited in vain")


@pytest.mark.parametrize("plays", [1, 500])
def test_a_load_that_runs_leaves_the_user_out_and_is_reconciled(
    store: HistoryStore, path: Path, monkeypatch: pytest.MonkeyPatch, plays: int
) -> None:
    monkeypatch.setattr(load, "BLOCK_ROWS", BLOCK)
    loading = InThread(lambda: load_whole(with_indexes(store), path))
    wait_until(lambda: store.plays.estimated_document_count() >= plays)
    forgetting = forgetting_of(store)
    forgetting.remove()
    assert set(forgetting.search_until_gone(rounds=20).values()) == {0}
    counts = loading.wait()
    assert counts.rows == counts.accounted == 2 * ROWS
    assert counts.forgotten > 0
    assert store.plays.count_documents({"user.username": PERSON}) == 0
    assert store.plays.count_documents({"user.username": OTHER}) == ROWS
    refresh_catalog(store)
    assert next(store.tracks.aggregate([{"$group": {"_id": 0, "n": {"$sum": "$play_count"}}}]))["n"] == ROWS
    assert load_whole(store, path).inserted == ROWS


def test_a_load_that_was_asked_for_before_leaves_the_user_out_wherever_it_is(
    store: HistoryStore, tmp_path: Path
) -> None:
    asked, path = store.server_time() - timedelta(seconds=1), history_file(tmp_path)
    begin_forgetting(store, PERSON)
    finish_forgetting(store, PERSON)
    counts = load_whole(store, path, begun_at=asked)
    assert (counts.inserted, counts.forgotten, counts.rejected) == (12, 14, 1)
    assert set(store.plays.distinct("user.username")) == {OTHER}
    assert store.rejected_rows.count_documents({}) == 1
    alone = load_whole(store, path, begun_at=asked, username=PERSON)
    assert alone.forgotten == 14
    assert store.load_runs.count_documents({"settings.username": PERSON}) == 0
    marks = list(store.forgotten_users.find())
    assert [(mark["_id"], mark.keys() - {"_id"}) for mark in marks] == [(digest_of(PERSON), {"forgotten_at"})]
    assert load_whole(store, path).inserted == 12


@pytest.mark.parametrize("after", [False, True])
def test_a_block_that_is_on_its_way_is_taken_back(
    store: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    path, write = history_file(tmp_path), PlayWriter.write_by_user

    def forget_meanwhile(writer: Any, documents: Any) -> Any:
        written = write(writer, documents) if after else None
        begin_forgetting(store, PERSON)
        finish_forgetting(store, PERSON)
        return written if written is not None else write(writer, documents)

    monkeypatch.setattr(PlayWriter, "write_by_user", forget_meanwhile)
    counts = load_whole(store, path)
    assert counts.rows == counts.accounted
    assert store.plays.distinct("user.username") == [OTHER]
    assert store.rejected_rows.count_documents({}) == 1


@pytest.fixture
def history(store: HistoryStore) -> HistoryStore:
    """Plays of both users over years."""
    users = [PERSON, OTHER, PERSON]
    store.plays.insert_many([play(number, username=users[number % 3]) for number in range(300)])
    build_collections(store, CATALOG)
    return with_indexes(store)


def rows_of_person(connection: Connection) -> int:
    statement = (
        "select (select count(*) from users where spotify_user_id = %(name)s) + (select count(*) from "
        "listening_history join users on users.id = user_id where spotify_user_id = %(name)s)"
    )
    found = connection.execute(statement, {"name": PERSON}).fetchone()
    assert found is not None
    return int(found[0])


def test_a_sync_that_runs_writes_no_row_afterwards(
    history: HistoryStore, supabase: Connection, supabase_uri: str
) -> None:
    def sync_and_prove() -> None:
        with connect(supabase_uri) as own:
            sync_all(own, history, batch_documents=10)
            prove(own, history, max_deleted_share=0)

    syncing = InThread(sync_and_prove)
    wait_until(lambda: supabase.execute("select from listening_history limit 1").fetchone() is not None)
    forgetting = forgetting_of(history, supabase)
    forgetting.remove()
    assert set(forgetting.search_until_gone(rounds=20).values()) == {0}
    syncing.wait()
    assert rows_of_person(supabase) == 0
    sync_all(supabase, history)
    report = prove(supabase, history, max_deleted_share=0)
    assert {state.value for _, state in report.states} == {"equal"}


def test_a_batch_that_was_read_before_is_written_without_the_user(
    history: HistoryStore, supabase: Connection, supabase_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[bool] = []

    def forget_first(connection: Any, table: Any, batch: Any) -> Any:
        if table.name == "listening_history" and not forgotten:
            forgotten.append(True)
            with connect(supabase_uri) as own:
                forgetting_of(history, own).remove()
        return write_batch(connection, table, batch)

    monkeypatch.setattr(synchronise, "write_batch", forget_first)
    sync_all(supabase, history, batch_documents=40)
    assert rows_of_person(supabase) == 0
    assert supabase.execute("select count(*) from listening_history").fetchone() == (100,)


def test_a_proof_between_the_two_sides_says_that_they_are_changing(history: HistoryStore, supabase: Connection) -> None:
    sync_all(supabase, history)
    begin_forgetting(history, PERSON)
    history.plays.delete_many({"user.username": PERSON})
    report = prove(supabase, history)
    assert {state.value for _, state in report.states} >= {"changing"}
    forgetting = forgetting_of(history, supabase)
    forgetting.remove()
    forgetting.search_until_gone()
    sync_all(supabase, history)
    assert {state.value for _, state in prove(supabase, history).states} <= {"equal", "repaired"}


def test_an_archive_that_runs_ends_with_nothing_of_the_user(
    store: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.plays.insert_many([play(number, username=(PERSON, OTHER)[number % 2]) for number in range(40)])

    def forget_meanwhile(stream: Any, plays: Any, about: Any) -> Any:
        written = write_plays(stream, plays, about)
        if about["username"] == PERSON:
            forgetting_of(store).remove()
        return written

    monkeypatch.setattr(archiving, "write_plays", forget_meanwhile)
    done = archive_all(store, tmp_path)
    assert sum(one.removed for one in done) == 20
    assert set(forgetting_of(store).search_until_gone().values()) == {0}
    assert {archive["username"] for archive in store.archives.find()} == {OTHER}
    assert all("mona" not in str(path) for path in tmp_path.rglob("*"))


def test_enrichment_and_index_maintenance_go_on(history: HistoryStore) -> None:
    def embed() -> None:
        for energy in range(5):
            learnt = {"audio_features": {"energy": energy / 10}, "enrichment.audio_features.provider": "test"}
            state = {"enrichment.audio_features.status": "enriched", "embedding_due": history.server_time()}
            history.tracks.update_many({}, {"$set": learnt | state})
            embed_due(history)

    def make_indexes() -> None:
        for _ in range(3):
            history.plays.drop_index("mood")
            with_indexes(history)

    others = [InThread(embed), InThread(make_indexes)]
    forgetting = forgetting_of(history)
    forgetting.remove()
    assert set(forgetting.search_until_gone(rounds=20).values()) == {0}
    for other in others:
        other.wait()
    assert history.plays.distinct("user.username") == [OTHER]
