"""The answer of each panel: its numbers out of the databases, with the runs that made them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from echotune.dashboard.answers import Answer, NothingThereError, State, UnavailableError
from echotune.dashboard.databases import Databases
from echotune.dashboard.panels import enrichment, rejected, sync
from echotune.dashboard.panels import flow as way
from echotune.dashboard.panels.features import features
from echotune.dashboard.panels.listening import listening
from echotune.dashboard.panels.maintenance import maintenance
from echotune.dashboard.panels.top import top
from echotune.dashboard.runs import last_choice, last_runs
from echotune.enrichment.settings import EnrichmentSettings
from echotune.history.store import HistoryStore

Document = dict[str, Any]
Numbers = TypeVar("Numbers")
BACKFILL, ENRICHMENT, SYNC, MAINTENANCE = (
    "csv_backfill",
    "spotify_enrichment",
    "mongo_to_supabase_sync",
    "index_maintenance",
)
DEFAULT_BUDGET = EnrichmentSettings().calls_per_24h


def find(numbers: Callable[[], Any]) -> Answer:
    """The answer of a panel, whether there are numbers or not."""
    try:
        return Answer(state=State.OK, data=numbers())
    except NothingThereError as nothing:
        return Answer(state=State.EMPTY, reason=str(nothing))
    except UnavailableError as trouble:
        return Answer(state=State.UNAVAILABLE, reason=str(trouble))


@dataclass(frozen=True)
class Panels:
    """Every panel by name; each method finds the numbers of one, and raises what ``find`` understands."""

    databases: Databases

    def flow(self) -> Document:
        """The five steps; each may be unavailable alone."""
        runs = last_runs()
        simulated = self.databases.is_simulated()
        steps: tuple[tuple[str, str, str, str, Callable[[], way.Count]], ...] = (
            ("file", "File", "rows of files", BACKFILL, lambda: self._of_store(way.files)),
            ("plays", "MongoDB", "plays", BACKFILL, lambda: self._of_store(way.plays)),
            (
                "enrichment",
                "Spotify",
                "tracks with audio features",
                ENRICHMENT,
                lambda: self._of_store(lambda store: way.enriched(store, simulated=simulated)),
            ),
            ("catalog", "MongoDB", "tracks, artists and albums", ENRICHMENT, lambda: self._of_store(way.catalog)),
            ("supabase", "Supabase", "plays", SYNC, self._rows),
        )
        return {"steps": [_step(*step, runs.get(step[3])) for step in steps]}

    def listening(self) -> Document:
        """Plays by month and by hour of the week."""
        return self._of_store(listening)

    def top(self) -> Document:
        """The artists and genres with the most plays."""
        return self._of_store(top)

    def features(self) -> Document:
        """The distributions of the audio features."""
        return self._of_store(features)

    def enrichment(self) -> Document:
        """Coverage, queue, calls and stops."""
        simulated = self.databases.is_simulated()
        chosen = last_choice(ENRICHMENT, "calls_per_24h")
        budget = chosen if isinstance(chosen, int) else DEFAULT_BUDGET
        with self.databases.store() as store:
            kinds = enrichment.kinds(store, simulated=simulated)
            calls = self._calls(store, simulated=simulated, budget=budget)
        return {"kinds": kinds, **calls, "run": last_runs([ENRICHMENT]).get(ENRICHMENT)}

    def sync(self) -> Document:
        """The latest proofs, and what is not synced yet."""
        with self.databases.supabase() as cursor:
            proofs, through = sync.proofs(cursor), sync.synced_up_to(cursor)
        try:
            with self.databases.store() as store:
                behind = sync.lag(store, through, datetime.now(UTC))
        except UnavailableError as trouble:
            behind = {
                "lag_seconds": None,
                "newest_in_mongodb": None,
                "synced_up_to": through.isoformat() if through else None,
                "waiting": None,
                "note": str(trouble),
            }
        return {**proofs, **behind, "run": last_runs([SYNC]).get(SYNC)}

    def rejected(self, system: str, offset: int, limit: int) -> Document:
        """A page of what did not load (``mongodb``) or did not fit (``supabase``)."""
        if system == "mongodb":
            with self.databases.store() as store:
                return rejected.rejected_rows(store, offset=offset, limit=limit)
        with self.databases.supabase() as cursor:
            return rejected.rejected_documents(cursor, offset=offset, limit=limit)

    def maintenance(self) -> Document:
        """The latest report on indexes and storage."""
        return {**self._of_store(maintenance), "run": last_runs([MAINTENANCE]).get(MAINTENANCE)}

    def _of_store(self, numbers: Callable[[HistoryStore], Numbers]) -> Numbers:
        with self.databases.store() as store:
            return numbers(store)

    def _calls(self, store: HistoryStore, *, simulated: bool, budget: int) -> Document:
        try:
            with self.databases.redis() as client:
                return enrichment.shared_calls(client, simulated=simulated, budget=budget, now=datetime.now(UTC))
        except UnavailableError as trouble:
            recorded = enrichment.recorded_calls(store, simulated=simulated, budget=budget)
            return {**recorded, "note": f"{trouble} The calls are those that the workers recorded."}

    def _rows(self) -> way.Count:
        with self.databases.supabase() as cursor:
            through = sync.synced_up_to(cursor)
            waiting: int | None = None
            try:
                with self.databases.store() as store:
                    waiting = sync.waiting(store, through)
            except UnavailableError:
                waiting = None  # MongoDB's own step tells it
            return way.rows(cursor, waiting)


def _step(
    key: str, system: str, unit: str, dag_id: str, count: Callable[[], way.Count], run: Document | None
) -> Document:
    found = find(count)
    counted: way.Count | None = found.data
    state = run["state"] if run else "never"
    return {
        "key": key,
        "system": system,
        "count": counted.count if counted else None,
        "unit": unit,
        "waiting": counted.waiting if counted else None,
        "waiting_text": counted.waiting_text if counted else None,
        "state": "unavailable" if found.state is State.UNAVAILABLE else state,
        "reason": found.reason,
        "dag_id": dag_id,
        "run": run,
    }
