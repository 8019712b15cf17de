"""The page in the Airflow UI over a loaded, enriched and synced history: how long each panel takes to answer."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import httpx

from local.dag_runs import has_active_run, trigger
from local.demo import SIMULATOR_BUDGET, follow
from local.stack import Stack

PANELS = ("flow", "listening", "top", "features", "enrichment", "sync", "rejected", "maintenance")
WARM_TIMES = 20
POLL_SECONDS = 1.0


def measure_page(stack: Stack, path: Path) -> dict[str, dict[str, float]]:
    """Milliseconds of each panel: ``cold``, the first question since the api-server started; ``warm``, a median.

    :raises RuntimeError: a run that fills the databases failed
    """
    fill(stack, path)
    login = {"username": "admin", "password": stack.secrets.airflow_admin}
    with httpx.Client(base_url=stack.airflow.url, timeout=60) as client:
        token = client.post("/auth/token", json=login).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        # What a browser asks first: it also makes the app.
        client.get("/echotune/").raise_for_status()
        cold = {panel: ask(client, panel) for panel in PANELS}
        warm = {panel: statistics.median(ask(client, panel) for _ in range(WARM_TIMES)) for panel in PANELS}
    return {"cold": cold, "warm": warm}


def fill(stack: Stack, path: Path) -> None:
    """Load, enrich, sync and look at a history, through Airflow, and wait for the runs that those start.

    :raises RuntimeError: a run failed
    """
    runs: tuple[tuple[str, dict[str, Any]], ...] = (
        ("csv_backfill", {"source": str(path)}),
        ("spotify_enrichment", SIMULATOR_BUDGET),
        ("mongo_to_supabase_sync", {}),
        ("index_maintenance", {"dry_run": True}),
    )
    with stack.api() as api:
        for dag, conf in runs:
            if follow(api, trigger(api, dag, conf)) != "success":
                raise RuntimeError(f"{dag} failed: see its log in the Airflow UI")
        while has_active_run(api):
            time.sleep(POLL_SECONDS)


def ask(client: httpx.Client, panel: str) -> float:
    """Ask for a panel once; return the milliseconds.

    :raises RuntimeError: it has no numbers
    """
    begun = time.perf_counter()
    answer = client.get(f"/echotune/api/{panel}")
    passed = (time.perf_counter() - begun) * 1000
    if answer.raise_for_status().json()["state"] != "ok":
        raise RuntimeError(f"{panel}: {answer.json()['reason']}")
    return passed
