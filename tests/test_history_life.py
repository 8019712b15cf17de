"""The life of a history: what DAGs do to it, in any order, and what must be true after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import redis
from psycopg import Connection

from echotune.enrichment.embedding import embed_due
from echotune.enrichment.outdated_plays import count_outdated_plays
from echotune.history.catalog import CATALOG, build_collections, refresh_catalog
from echotune.history.load_runs import announce_new_plays, is_unfinished
from echotune.history.mark_duplicates import UNMARKED, mark_duplicates
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from echotune.statistics.refresh import refresh_statistics
from echotune.statistics.settings import StatisticsSettings
from echotune.sync.plan import plan_sync
from echotune.sync.reconcile import reconcile_sync
from echotune.sync.runs import finish_run, start_run
from echotune.sync.settings import SyncSettings
from echotune.sync.synchronise import sync_slice
from echotune.sync.tables import TABLES
from echotune.sync.verify import Verifier
from local.sample import write_sample
from local.sample.export import record_of, write_export
from local.servers.simulator import SpotifySimulator
from tests.support.archiving import archive_all, restore_all, source_of
from tests.support.databases import contents
from tests.support.exports import load_source
from tests.support.rows import read_csv, write_csv
from tests.support.same_plays import cell, distinct, in_other_words, item_of, load_recent
from tests.support.syncing import with_indexes
from tests.support.working import Desk, enrich, let_leases_end

LIVES = 3
"""Of 20 steps each; 120 were tried without a difference."""
STEPS = 20

PLAYS = 140
SHORTEST_OF_THE_API = 30_000
APART = timedelta(seconds=20)
"""Two plays of a track that are nearer to each other may be taken for one of which the Web API tells."""

HINTS = ("created_at", "updated_at", "embedding_due", "has_exported_values")
"""What only says when something was written, or how plays are to be."""


class Life:
    """One listener's history, of which parts are loaded from three kinds of sources, and the plays that were."""

    def __init__(self, store: HistoryStore, desk: Desk, supabase: Connection[Any], folder: Path, seed: int) -> None:
        self.store, self.desk, self.supabase, self.folder = store, desk, supabase, folder
        self.chance = Random(seed)
        write_sample(folder / "sample.csv", rows=PLAYS, seed=seed)
        # Two plays of a track in one second, in other words, may be the same in all of them.
        plays = {(cell(cells, "ts_x"), _what(cells)): cells for cells in distinct(read_csv(folder / "sample.csv"))}
        self.plays = [*plays.values()]
        self.username = cell(self.plays[0], "username")
        self.items = {place: item_of(self.plays[place], self.chance) for place in self._told_by_the_api()}
        self.loaded: set[int] = set()
        self.steps: list[str] = []

    def live(self) -> None:
        """Do something, and look whether all is as it must be."""
        loads = [self.load_csv, self.load_export, self.load_recent_plays]
        others = [self.enrich, self.archive, self.restore, self.sync, self.count_statistics]
        step: Callable[[], None] = self.chance.choice(loads + others if self.steps else loads)
        self.steps.append(step.__name__)
        # What became due in this very millisecond is left to the next run.
        time.sleep(0.002)
        step()
        self.check()

    def check(self) -> None:
        """Every play counts once, in the catalog as well, and has what is known of its track."""
        plays = self.store.plays.count_documents(UNMARKED) + self.store.archived_plays.count_documents({})
        assert plays == len(self.loaded), self.steps
        assert not is_unfinished(self.store), self.steps
        assert check_catalog(self.store).passed, self.steps
        assert count_outdated_plays(self.store) == 0, self.steps
        counted = self._catalog()
        build_collections(self.store, CATALOG)
        assert self._catalog() == counted, self.steps
        embed_due(self.store)

    def load_csv(self) -> None:
        part = self._part()
        path = write_csv(self.folder / f"{len(self.steps)}.csv", [self.plays[place] for place in part])
        load_source(self.store, path, username=self.username)
        self._finish_load(part)

    def load_export(self) -> None:
        part = self._part()
        records = [in_other_words(record_of(self.plays[place]), self.chance) for place in part]
        path = self.folder / f"{len(self.steps)}.zip"
        write_export(path, records, records_a_file=30)
        load_source(self.store, path, username=self.username)
        self._finish_load(part)

    def load_recent_plays(self) -> None:
        part = [place for place in self._part() if place in self.items]
        load_recent(self.store, self.username, [self.items[place] for place in part])
        self._finish_load(part)

    def enrich(self) -> None:
        let_leases_end(self.store)
        enrich(self.desk, f"run {len(self.steps)}")

    def archive(self) -> None:
        archive_all(self.store, self.folder / "archive", years=self.chance.choice([1, 3, 5, 8]))

    def restore(self) -> None:
        restore_all(self.store)
        embed_due(self.store)

    def sync(self) -> None:
        settings, source, run = SyncSettings.of({}), source_of(self.store), f"run {len(self.steps)}"
        start_run(self.supabase, run, settings)
        for slice_ in plan_sync(self.supabase, source, run, settings):
            sync_slice(self.supabase, source, run, slice_.number)
        reconcile_sync(self.supabase, source, run, settings)
        finish_run(self.supabase, run, {})
        compared = Verifier(self.supabase, source, TABLES, use_revisions=False).verify()
        assert all(comparison.equal for comparison in compared), self.steps
        rows = self.supabase.execute("select count(*) from listening_history").fetchone()
        assert rows == (len(self.loaded),), self.steps

    def count_statistics(self) -> None:
        refresh_statistics(self.store, StatisticsSettings())
        counted = contents(self.store.listening_statistics, without=("refreshed_at",))
        refresh_statistics(self.store, StatisticsSettings(full_refresh=True))
        assert contents(self.store.listening_statistics, without=("refreshed_at",)) == counted, self.steps

    def _part(self) -> Sequence[int]:
        """Plays one after the other. What is archived would not be recognised in other words."""
        restore_all(self.store)
        first = self.chance.randrange(len(self.plays))
        return range(first, min(len(self.plays), first + self.chance.randrange(5, PLAYS // 2)))

    def _finish_load(self, part: Sequence[int]) -> None:
        self.loaded |= set(part)
        mark_duplicates(self.store)
        refresh_catalog(self.store)
        embed_due(self.store)
        announce_new_plays(self.store, f"run {len(self.steps)}")

    def _told_by_the_api(self) -> list[int]:
        times = [datetime.fromisoformat(cell(cells, "ts_x")) for cells in self.plays]
        uris = [cell(cells, "spotify_track_uri") for cells in self.plays]
        return [
            place
            for place, cells in enumerate(self.plays)
            if uris[place]
            and int(cell(cells, "ms_played_x")) >= SHORTEST_OF_THE_API
            and not any(
                uris[other] == uris[place] and abs(times[other] - times[place]) < APART
                for other in range(len(self.plays))
                if other != place
            )
        ]

    def _catalog(self) -> dict[str, Any]:
        return {name: contents(self.store.database[name], without=HINTS) for name in CATALOG}


def _what(cells: Sequence[str]) -> str:
    """What was played: a track by its URI, anything else by its names."""
    return cell(cells, "spotify_track_uri") or cell(cells, "master_metadata_track_name_x")


@pytest.mark.parametrize("seed", range(LIVES))
def test_whatever_is_done_to_a_history_every_play_counts_once_and_both_databases_agree(
    store: HistoryStore,
    supabase: Connection[Any],
    simulator: SpotifySimulator,
    redis_client: redis.Redis,
    tmp_path: Path,
    seed: int,
) -> None:
    desk = Desk(store=store, urls=simulator.settings, client=redis_client)
    life = Life(with_indexes(store), desk, supabase, tmp_path, seed)
    for _ in range(STEPS):
        life.live()
