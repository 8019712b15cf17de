"""How far the enrichment is: what is known, from whom, what waits, and how many calls are left today."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import redis

from echotune.dashboard.answers import NothingThereError
from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.queue import Due, Queue
from echotune.enrichment.runs import calls_in_past_day, stops_in_force
from echotune.enrichment.settings import SIMULATED, ProviderName, Subject
from echotune.history.store import HistoryStore

NO_TRACKS = "There are no tracks yet: run csv_backfill."
SERVICES = (ProviderName.SPOTIFY, ProviderName.RECCOBEATS)


def kinds(store: HistoryStore, *, simulated: bool) -> list[dict[str, Any]]:
    """Documents by status and provider, and how many are due, of each kind of enrichment.

    :param simulated: whether a simulator answers: what it made up is due for a real run alone
    :raises NothingThereError: there are no tracks
    """
    if not store.tracks.estimated_document_count():
        raise NothingThereError(NO_TRACKS)
    return [_kind(store, subject, simulated=simulated) for subject in Subject]


def shared_calls(client: redis.Redis, *, simulated: bool, budget: int, now: datetime) -> dict[str, Any]:
    """Calls of the past 24 hours and stops in force, as Redis knows them.

    :param budget: calls to Spotify in 24 hours that the last run allowed itself
    """
    limiter = RedisLimiter(client)
    calls, stops = {}, {}
    for service in _services(simulated):
        calls[service] = limiter.calls_in_24h(service)
        if seconds := limiter.stopped_for(service):
            stops[service] = now + timedelta(seconds=seconds)
    return _told_calls(calls, stops, budget)


def recorded_calls(store: HistoryStore, *, simulated: bool, budget: int) -> dict[str, Any]:
    """The same from the records of the workers, where Redis does not answer: no fewer calls than there were."""
    calls, stops = calls_in_past_day(store), stops_in_force(store)
    wanted = _services(simulated)
    return _told_calls(
        {service: calls.get(service, 0) for service in wanted},
        {service: until for service, until in stops.items() if service in wanted},
        budget,
    )


def _services(simulated: bool) -> list[str]:
    return [service + SIMULATED if simulated else service.value for service in SERVICES]


def _told_calls(calls: dict[str, int], stops: dict[str, datetime], budget: int) -> dict[str, Any]:
    return {
        "calls": [
            {
                "service": service,
                "used_24h": used,
                "budget_24h": budget if service.startswith(ProviderName.SPOTIFY) else None,
            }
            for service, used in calls.items()
        ],
        "cool_downs": [
            {"service": service, "until": until.isoformat(), "reason": "the service wants no call until then"}
            for service, until in stops.items()
        ],
    }


def _kind(store: HistoryStore, subject: Subject, *, simulated: bool) -> dict[str, Any]:
    collection = store.database[subject.collection]
    path = f"$enrichment.{subject.kind}"
    groups = collection.aggregate(
        [{"$group": {"_id": {"status": f"{path}.status", "provider": f"{path}.provider"}, "documents": {"$sum": 1}}}]
    )
    statuses: Counter[str] = Counter()
    providers: Counter[str] = Counter()
    for group in groups:
        status, provider = group["_id"].get("status"), group["_id"].get("provider")
        statuses[status or "not queued"] += group["documents"]
        if provider and status == "enriched":
            providers[provider] += group["documents"]
    queue = Queue(collection, subject.kind, owner="dashboard", due=Due(made_up_too=not simulated))
    return {
        "kind": subject.kind.value,
        "of": subject.collection,
        "total": statuses.total(),
        "by_status": dict(statuses),
        "by_provider": dict(providers.most_common()),
        "due": queue.count_due(),
        "next_due_at": _next_due_at(store, subject),
    }


def _next_due_at(store: HistoryStore, subject: Subject) -> str | None:
    status, due = f"enrichment.{subject.kind}.status", f"enrichment.{subject.kind}.next_attempt_at"
    times = [
        found["enrichment"][subject.kind]["next_attempt_at"]
        for one in ("not_found", "unavailable", "error", "pending")
        for found in store.database[subject.collection]
        .find({status: one, due: {"$gt": datetime.now(UTC)}}, {"_id": 0, due: 1})
        .sort(due, 1)
        .limit(1)
    ]
    return min(times).replace(tzinfo=UTC).isoformat() if times else None
