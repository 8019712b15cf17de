"""What runs left in ``enrichment_runs``: one document a worker; of each run its summary and whether it was told of."""

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


def begin_run(store: HistoryStore, run: str) -> None:
    """Note that a run begins, which will tell of what it learns: where it fails before, the next one does."""
    begun = {"kind": "announcement", "run": run, "announced": False, "updated_at": datetime.now(UTC)}
    store.enrichment_runs.update_one({"_id": f"{run}/announcement"}, {"$set": begun}, upsert=True)


def is_to_announce(store: HistoryStore, run: str, *, learnt: bool) -> bool:
    """Whether a run has something to tell: what it learnt, or what a run that told of nothing may have learnt before.

    A run that is tried again finds what it was given before.

    :param learnt: whether the run learnt something itself
    """
    if not learnt:
        store.enrichment_runs.update_one({"_id": f"{run}/announcement"}, {"$set": {"announced": True}})
    told = {"announced": True, "announced_by": run}
    store.enrichment_runs.update_many({"kind": "announcement", "announced": False}, {"$set": told})
    return store.enrichment_runs.find_one(told, {"_id": 1}) is not None


def keep_summary(store: HistoryStore, run: str, summary: dict[str, Any]) -> None:
    """Keep the summary of a run."""
    store.enrichment_runs.replace_one(
        {"_id": run}, {"kind": "run", "run": run, **summary, "updated_at": datetime.now(UTC)}, upsert=True
    )
