"""What runs left in ``enrichment_runs``: one document a worker, one a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from echotune.enrichment.progress import Progress
from echotune.history.store import HistoryStore

DAY = timedelta(hours=24)


def workers_of(store: HistoryStore, run: str) -> list[Progress]:
    """How far the workers of a run came."""
    return [Progress.from_document(kept) for kept in store.enrichment_runs.find({"run": run, "kind": "worker"})]


def calls_in_past_day(store: HistoryStore) -> dict[str, int]:
    """Calls by service of all workers that reported in the past 24 hours: no fewer than there were."""
    recent = store.enrichment_runs.find(
        {"kind": "worker", "updated_at": {"$gt": datetime.now(UTC) - DAY}}, {"calls": 1}
    )
    return dict(total(kept["calls"] for kept in recent))


def stops_in_force(store: HistoryStore) -> dict[str, datetime]:
    """Until when workers were told not to call: told to all services, because it is not known of which it was said."""
    stopped = store.enrichment_runs.find({"kind": "worker", "go_on_at": {"$gt": datetime.now(UTC)}})
    stops: dict[str, datetime] = {}
    for kept in stopped:
        for service in kept["calls"]:
            stops[service] = max(kept["go_on_at"], stops.get(service, kept["go_on_at"]))
    return stops


def total(counts: Iterable[dict[str, int]]) -> Counter[str]:
    """Add up counts by name."""
    added: Counter[str] = Counter()
    for count in counts:
        added.update(count)
    return added


def keep_summary(store: HistoryStore, run: str, summary: dict[str, Any]) -> None:
    """Keep the summary of a run."""
    store.enrichment_runs.replace_one(
        {"_id": run}, {"kind": "run", "run": run, **summary, "updated_at": datetime.now(UTC)}, upsert=True
    )
