"""What the last maintenance found: indexes, and storage against the plan's limit."""

from __future__ import annotations

from typing import Any

from pymongo import DESCENDING

from echotune.dashboard.answers import NothingThereError
from echotune.history.store import HistoryStore
from echotune.indexes.steps import MONGODB, POSTGRESQL, Action

NO_REPORT = "There is no report yet: run index_maintenance, with dry_run to change nothing."
SYSTEMS = {MONGODB: "MongoDB", POSTGRESQL: "PostgreSQL"}
MOST_PLACES = 8
FINDINGS = {
    Action.CREATE: "missing",
    Action.ATTACH: "missing",
    Action.PARTITION: "missing",
    Action.REBUILD: "differs",
    Action.UNHIDE: "differs",
    Action.HIDE: "unused",
    Action.DROP: "unused",
    Action.CLEAN: "invalid",
    Action.REINDEX: "bloated",
    Action.ANALYZE: "stale",
    Action.SHARD: "large",
    Action.REPORT: "noticed",
}


def maintenance(store: HistoryStore) -> dict[str, Any]:
    """The latest report in ``maintenance_runs``.

    :raises NothingThereError: there is none
    """
    report = next(store.maintenance_runs.find().sort("finished_at", DESCENDING).limit(1), None)
    if report is None:
        raise NothingThereError(NO_REPORT)
    results = report["results"]
    return {
        "reported_at": report["finished_at"].isoformat(),
        "run_id": report["_id"],
        "dry_run": bool(report.get("dry_run")),
        "indexes": [_finding(result) for result in results if result["action"] != Action.LEAVE],
        "declared": {
            title: sum(result["system"] == system and result["action"] == Action.LEAVE for result in results)
            for system, title in SYSTEMS.items()
        },
        "storage": [_storage(system, report["storage"][system], report) for system in sorted(report["storage"])],
    }


def _finding(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "system": SYSTEMS.get(result["system"], result["system"]),
        "place": result["place"],
        "name": result["name"],
        "finding": FINDINGS[Action(result["action"])],
        "detail": ": ".join(part for part in (result["reason"], result["detail"]) if part),
        "outcome": result["outcome"],
    }


def _storage(system: str, storage: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    counted = storage["counts"]
    places = [
        {"place": place["place"], "rows": place["rows"], "bytes": _bytes(place, counted)} for place in storage["places"]
    ]
    return {
        "system": SYSTEMS.get(system, system),
        "used_bytes": storage["used"],
        "limit_bytes": storage["limit"],
        "level": storage["level"],
        "plan": report["plans"].get(system),
        "growth_bytes_a_month": storage["growth_a_month"],
        "months_left": storage["months_left"],
        "archiving_frees_bytes": storage["archiving_frees"],
        "places": sorted(places, key=lambda place: -place["bytes"])[:MOST_PLACES],
    }


def _bytes(place: dict[str, Any], counted: str) -> int:
    return int(place.get(counted, 0)) + int(place.get("indexes", 0))
