"""spotify_enrichment through a real scheduler and a real simulator: its modes, and what it says of wrong settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from echotune.enrichment.settings import Subject
from echotune.history.store import HistoryStore
from local.airflow_api import AirflowApi
from local.dag_runs import log_lines, task_instances
from local.sample import write_sample
from local.servers.simulator import SpotifySimulator
from local.stack import Stack
from tests.support.dag_runs import instances_of, log_of, run_to_the_end, summary_of, switched_on
from tests.support.enrichment_runs import BATCH, DAG, FREE, RECCOBEATS, SPOTIFY, calls_of, forget, fresh_simulator, load

ROWS = 1_500


@pytest.fixture(scope="module", autouse=True)
def _only_runs_of_these_tests(api: AirflowApi) -> Iterator[None]:
    """Neither the schedule nor other tests' loads may start this DAG."""
    with switched_on(api, DAG):
        yield


@pytest.fixture
def simulator(stack: Stack, shared: redis.Redis) -> Iterator[SpotifySimulator]:
    yield fresh_simulator(stack, shared)
    fresh_simulator(stack, shared)


@pytest.fixture
def loaded(store: HistoryStore, tmp_path: Path) -> HistoryStore:
    """A history, loaded."""
    path = tmp_path / "history.csv"
    write_sample(path, rows=ROWS)
    load(store, path)
    return store


def providers_of(store: HistoryStore) -> set[str]:
    return set(store.tracks.distinct("enrichment.audio_features.provider"))


def test_development_mode_ends_with_features_and_catalog_also_after_the_quota_of_a_day(
    api: AirflowApi, loaded: HistoryStore, simulator: SpotifySimulator, shared: redis.Redis
) -> None:
    simulator.control.settings(mode="development")
    simulator.control.set_rules([{"endpoint": "tracks", "nth": 61, "what": "quota"}])
    state, run = run_to_the_end(api, DAG, **FREE)
    assert state == "success"
    first, summary = simulator.control.report(full=True), summary_of(api, run)
    assert summary["counts"]["audio_features"]["enriched_by"].keys() == {RECCOBEATS}
    learnt = loaded.tracks.count_documents({"enrichment.catalog.status": "enriched"})
    assert summary["counts"]["tracks"]["enriched_by"] == {SPOTIFY: learnt}
    assert summary["counts"]["tracks"]["left"] > 0
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert abs(datetime.fromisoformat(summary["go_on_at"]) - tomorrow) < timedelta(minutes=2)
    left = sum(count["left"] for count in summary["counts"].values())
    assert any(line.startswith(f"{left:,} are left") and f"{tomorrow:%Y-%m-%d}" in line for line in summary["text"])

    simulator.control.reset()
    forget(shared, "echotune:limit:*:stop")
    state, run = run_to_the_end(api, DAG, **FREE)
    assert state == "success"
    second, summary = simulator.control.report(full=True), summary_of(api, run)
    assert "Nothing is left." in summary["text"]
    assert calls_of(second).keys() == {"spotify"}
    tracks = [report["services"]["spotify"]["endpoints"]["tracks"] for report in (first, second)]
    assert tracks[1]["batches"] == 0
    assert tracks[1]["answered_most"] == 1
    asked_in_both = tracks[0]["asked"].keys() & tracks[1]["asked"].keys()
    assert len(asked_in_both) <= BATCH


def test_wrong_credentials_fail_with_a_clear_message_after_all_that_can_be_done(
    api: AirflowApi, loaded: HistoryStore, simulator: SpotifySimulator
) -> None:
    simulator.control.set_rules([{"endpoint": "token", "what": "status", "status": 401, "every": 1}])
    state, run = run_to_the_end(api, DAG, **FREE)
    assert state == "failed"
    failed = [task for task in task_instances(api, run) if task["state"] == "failed"]
    assert [(task["task_id"], task["try_number"]) for task in failed] == [("announce_catalog", 1)]
    assert "Spotify does not know this application" in log_of(api, run, "announce_catalog")
    assert any("SPOTIFY_CLIENT_SECRET" in line for line in summary_of(api, run)["text"])
    assert RECCOBEATS in providers_of(loaded)
    assert loaded.plays.count_documents({"enriched.audio_features": RECCOBEATS}) > 0
    assert simulator.control.report()["services"]["accounts"]["calls"] <= 2 * len(Subject)


def test_mock_mode_makes_no_call_and_marks_what_it_made_up(
    api: AirflowApi, loaded: HistoryStore, simulator: SpotifySimulator
) -> None:
    state, run = run_to_the_end(api, DAG, mock=True, kinds=["audio_features"])
    assert state == "success"
    assert calls_of(simulator.control.report()) == {}
    assert providers_of(loaded) == {"history", "mock"}
    made_up = loaded.plays.count_documents({"enriched.audio_features": "mock"})
    assert made_up > 0
    assert summary_of(api, run)["counts"]["audio_features"]["enriched_by"].keys() == {"mock"}


def test_settings_that_cannot_be_meant_fail_at_the_first_try_with_their_reason(
    api: AirflowApi, store: HistoryStore
) -> None:
    state, run = run_to_the_end(api, DAG, providers=["local"])
    assert state == "failed"
    (prepare,) = instances_of(api, run, "prepare")
    assert (prepare["state"], prepare["try_number"]) == ("failed", 1)
    assert any("features_table names no file" in line for line in log_lines(api, run, prepare))
