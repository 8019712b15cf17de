"""spotify_enrichment through a real scheduler: a worker is killed, another stopped, plays are loaded meanwhile."""

from __future__ import annotations

import base64
import csv
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from pymongo import MongoClient

from echotune.enrichment.catalog_links import link_artists_and_albums, share_genres
from echotune.enrichment.embedding import embed_due
from echotune.enrichment.http import Bounds
from echotune.enrichment.line_up import Services
from echotune.enrichment.settings import Subject
from echotune.history.store import HistoryStore
from local.airflow_api import AirflowApi, Json
from local.dag_runs import Run, task_instances, trigger
from local.sample import write_sample
from local.servers.simulator import SpotifySimulator
from local.stack import Stack
from tests.support.dag_runs import (
    end_of,
    instances_of,
    run_to_the_end,
    running,
    states_of,
    summary_of,
    switched_on,
    wait_for,
)
from tests.support.databases import contents, dags_store, fresh_store
from tests.support.enrichment_runs import BATCH, DAG, FREE, RECCOBEATS, SPOTIFY, calls_of, fresh_simulator, load
from tests.support.working import Desk

ROWS_FOR_TWO_WORKERS = 6_000
LATER_ROWS = 500
STOP_SECONDS = 61
"""The shortest stop for which a worker gives its slot back: up to a minute it waits."""

SLOW_SECONDS = 3.0
"""So long is an answer until two workers ask: on a busy machine the second starts seconds after the first."""

TIMES = {"created_at", "updated_at", "fetched_at", "next_attempt_at"}
COLLECTIONS = ("listening_history", "tracks", "artists", "albums")

Document = dict[str, Any]
Contents = dict[str, dict[Any, Document]]


@pytest.fixture(scope="module", autouse=True)
def _only_runs_of_these_tests(api: AirflowApi) -> Iterator[None]:
    """Neither the schedule nor other tests' loads may start this DAG."""
    with switched_on(api, DAG):
        yield


def all_contents(store: HistoryStore) -> Contents:
    return {name: contents(store.database[name]) for name in COLLECTIONS}


def without_times(value: Any) -> Any:
    """The same without the times at which things were done, however deep they are."""
    if isinstance(value, dict):
        return {name: without_times(one) for name, one in value.items() if name not in TIMES}
    return value


class SimulatedDesk(Desk):
    """A desk whose services say that they are simulated, as the stack's do."""

    def services(self) -> Services:
        return replace(super().services(), simulated=True)


@dataclass(frozen=True, kw_only=True)
class Story:
    """A run of two workers, of which one was killed and the other met a long 429; a load while nobody could call; the
    run that this load started.

    :param slots_while_waiting: slots of the pool spotify_api that were taken while the worker waited
    :param waiting: the instance that waited, as it was then
    :param killed: the instance whose process was killed, as it was then
    :param features_of_later_plays: of each play of the load, right after it: its features, and those of its track
    :param undisturbed: what the same comes to without Airflow and without trouble
    :param tokens: all that were given
    """

    run: Run
    started_run: Run
    slots_while_waiting: int
    waiting: Json
    killed: Json
    features_of_later_plays: list[tuple[Document | None, Document | None]]
    report: Json
    report_after_second: Json
    after: Contents
    after_second: Contents
    undisturbed: Contents
    tokens: list[str]


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two files: a history, and later plays of tracks that are in it."""
    folder = tmp_path_factory.mktemp("histories")
    whole, history, later = folder / "whole.csv", folder / "history.csv", folder / "later.csv"
    write_sample(whole, rows=ROWS_FOR_TWO_WORKERS)
    with whole.open(encoding="utf-8", newline="") as text:
        header, *rows = csv.reader(text)
    uri = header.index("spotify_track_uri")
    known = {row[uri] for row in rows[:-LATER_ROWS]}
    for path, chosen in (
        (history, rows[:-LATER_ROWS]),
        (later, [row for row in rows[-LATER_ROWS:] if row[uri] in known]),
    ):
        with path.open("w", encoding="utf-8", newline="") as text:
            csv.writer(text).writerows([header, *chosen])
    return history, later


@pytest.fixture(scope="module")
def one_store(mongodb_client: MongoClient[Document]) -> Iterator[HistoryStore]:
    """The collections that the DAG writes to, for all that happens in the story."""
    with dags_store(mongodb_client) as empty:
        yield empty


@pytest.fixture(scope="module")
def story(
    stack: Stack,
    api: AirflowApi,
    shared: redis.Redis,
    mongodb_client: MongoClient[Document],
    one_store: HistoryStore,
    histories: tuple[Path, Path],
) -> Iterator[Story]:
    simulator = fresh_simulator(stack, shared)
    undisturbed = without_trouble(mongodb_client, simulator, histories)
    simulator = fresh_simulator(stack, shared)
    history, later = histories
    load(one_store, history)
    earlier = {run.run for run in runs_started_by_asset(api)}

    run = trigger(api, DAG, FREE)
    wait_for("a worker that asks for tracks", lambda: running(api, run, "enrich_tracks"))
    simulator.control.settings(latency_seconds=SLOW_SECONDS)
    killed, _ = wait_for("two workers that ask for tracks", lambda: two_workers_at_work(api, run, simulator))
    os.kill(killed["pid"], signal.SIGKILL)
    simulator.control.set_rules([{"endpoint": "tracks", "nth": 1, "what": "rate_limit", "retry_after": STOP_SECONDS}])
    waiting = wait_for("a worker that waits", lambda: in_state(api, run, "enrich_tracks", "deferred"))
    # Until its end is noticed, the killed one holds a slot.
    wait_for("the killed worker's end", lambda: in_state(api, run, "enrich_tracks", "up_for_retry"))
    slots = api.get("pools/spotify_api")["occupied_slots"]
    simulator.control.settings(latency_seconds=0)

    state, _ = run_to_the_end(api, "csv_backfill", source=str(later))
    assert state == "success"
    features = features_of_plays(one_store, later)
    assert end_of(api, run) == "success"
    report, after = simulator.control.report(full=True), all_contents(one_store)
    started = wait_for("the run that the load started", lambda: started_since(api, earlier))
    assert end_of(api, started) == "success"
    yield Story(
        run=run,
        started_run=started,
        slots_while_waiting=slots,
        waiting=waiting,
        killed=killed,
        features_of_later_plays=features,
        report=report,
        report_after_second=simulator.control.report(),
        after=after,
        after_second=all_contents(one_store),
        undisturbed=undisturbed,
        tokens=[json.loads(shared.get(key) or "{}")["access_token"] for key in shared.scan_iter("*token*")],
    )
    fresh_simulator(stack, shared)


def without_trouble(
    client: MongoClient[Document], simulator: SpotifySimulator, histories: tuple[Path, Path]
) -> Contents:
    """What the same histories come to without Airflow, with one worker and no trouble."""
    history, later = histories
    with fresh_store(client) as store:
        load(store, history)
        desk = SimulatedDesk(store=store, urls=simulator.settings, bounds=Bounds())
        desk.work(Subject.AUDIO_FEATURES)
        desk.work(Subject.TRACKS)
        link_artists_and_albums(store)
        desk.work(Subject.ARTISTS)
        desk.work(Subject.ALBUMS)
        share_genres(store)
        load(store, later)
        embed_due(store)
        return all_contents(store)


def two_workers_at_work(api: AirflowApi, run: Run, simulator: SpotifySimulator) -> list[Json] | None:
    workers = running(api, run, "enrich_tracks")
    calls = simulator.control.report()["services"].get("spotify", {"endpoints": {}})["endpoints"].get("tracks")
    return workers if len(workers) == 2 and calls and calls["calls"] > 2 else None


def in_state(api: AirflowApi, run: Run, task_id: str, state: str) -> Json | None:
    return next((task for task in instances_of(api, run, task_id) if task["state"] == state), None)


def runs_started_by_asset(api: AirflowApi) -> list[Run]:
    runs = api.get(f"dags/{DAG}/dagRuns", run_type="asset_triggered", order_by="-run_after", limit=50)
    return [Run(DAG, run["dag_run_id"]) for run in runs["dag_runs"]]


def started_since(api: AirflowApi, earlier: set[str]) -> Run | None:
    return next((run for run in runs_started_by_asset(api) if run.run not in earlier), None)


def features_of_plays(store: HistoryStore, path: Path) -> list[tuple[Document | None, Document | None]]:
    """Of each play of a file: the features it has, and those its track has."""
    tracks = {track["uri"]: track.get("audio_features") for track in store.tracks.find()}
    plays = store.plays.find({"source.file": path.name, "spotify_track_uri": {"$in": list(tracks)}})
    return [(play.get("audio_features"), tracks[play["spotify_track_uri"]]) for play in plays]


def test_a_run_that_was_stopped_and_lost_a_worker_ends_in_the_same_tracks_and_plays(story: Story) -> None:
    for collection in ("tracks", "listening_history"):
        assert without_times(story.after[collection]) == without_times(story.undisturbed[collection])
    tracks = story.after["tracks"].values()
    assert {track["enrichment"]["catalog"]["status"] for track in tracks} == {"enriched", "not_found"}
    assert any(track.get("genres") for track in tracks)
    plays = story.after["listening_history"].values()
    assert any(play.get("enriched", {}).keys() >= {"audio_features", "genres"} for play in plays)


def test_the_summary_says_what_came_from_where(api: AirflowApi, story: Story) -> None:
    summary = summary_of(api, story.run)
    tracks = story.after["tracks"].values()
    by_spotify = sum(track["enrichment"]["audio_features"].get("provider") == SPOTIFY for track in tracks)
    assert summary["counts"]["audio_features"]["enriched_by"][SPOTIFY] == by_spotify > 0
    assert any(f"{by_spotify:,} from {SPOTIFY}" in line for line in summary["text"])
    assert "Nothing is left." in summary["text"]
    assert summary["calls"].keys() == {SPOTIFY, RECCOBEATS}


def test_a_worker_that_may_not_call_for_over_a_minute_gives_its_slot_back_and_goes_on_by_itself(
    api: AirflowApi, story: Story
) -> None:
    assert story.waiting["map_index"] != story.killed["map_index"]
    assert story.slots_while_waiting == 0
    tries = {task["map_index"]: task["try_number"] for task in instances_of(api, story.run, "enrich_tracks")}
    assert tries == {story.waiting["map_index"]: 1, story.killed["map_index"]: 2}


def test_nobody_calls_before_a_stop_is_over(story: Story) -> None:
    (stop,) = story.report["services"]["spotify"]["stops"]
    assert stop["seconds"] == STOP_SECONDS
    assert stop["early_calls"] == []


def test_a_killed_worker_costs_one_batch_at_most(story: Story) -> None:
    endpoints = story.report["services"]["spotify"]["endpoints"]
    assert {name for name, endpoint in endpoints.items() if endpoint["answered_again"]} <= {"tracks"}
    assert len(endpoints["tracks"]["answered_again"]) <= BATCH


def test_a_load_gives_later_plays_the_features_of_known_tracks_without_a_call(story: Story) -> None:
    known = [(play, track) for play, track in story.features_of_later_plays if track]
    assert len(known) > LATER_ROWS / 2
    assert all(play == track for play, track in known)


def test_a_load_starts_a_run_which_makes_no_call_and_changes_and_announces_nothing(
    api: AirflowApi, story: Story
) -> None:
    assert calls_of(story.report_after_second) == calls_of(story.report)
    assert story.after_second == story.after
    assert states_of(api, story.started_run)["announce_catalog"] == {"skipped"}
    assert summary_of(api, story.started_run)["calls"] == {}


def test_the_catalog_is_announced_by_the_run_that_learnt_something(api: AirflowApi, story: Story) -> None:
    events = api.get("assets/events", source_dag_id=DAG, order_by="-timestamp", limit=50)["asset_events"]
    sources = {event["source_run_id"] for event in events if event["name"] == "music_catalog"}
    assert story.run.run in sources
    assert story.started_run.run not in sources


def test_no_secret_and_no_token_is_in_a_log_an_xcom_or_a_rendered_field(
    stack: Stack, api: AirflowApi, story: Story
) -> None:
    login = f"{stack.spotify.client_id}:{stack.spotify.password}"
    secrets = [*story.tokens, stack.spotify.password, base64.b64encode(login.encode()).decode(), "Bearer "]
    assert len(secrets) > 3
    runs = api.get(f"dags/{DAG}/dagRuns", order_by="-run_after", limit=10)["dag_runs"]
    texts = [
        json.dumps(api.get(f"{run.path}/taskInstances/{task['task_id']}/logs/{number}", map_index=task["map_index"]))
        for run in (Run(DAG, found["dag_run_id"]) for found in runs)
        for task in task_instances(api, run)
        for number in range(1, task["try_number"] + 1)
    ]
    with psycopg.connect(stack.airflow.metadata_uri) as metadata:
        for table in ("xcom", "rendered_task_instance_fields"):
            rows = metadata.execute(f"select row_to_json(t)::text from {table} t where dag_id = %s", [DAG])
            texts += [text for (text,) in rows]
    assert len(texts) > 50
    assert [text for text in texts if any(secret in text for secret in secrets)] == []
