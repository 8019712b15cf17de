"""A worker that is killed at any point and started again comes to the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from echotune.enrichment.line_up import queue_of
from echotune.enrichment.providers.base import Lookup, Provider
from echotune.enrichment.settings import Subject
from echotune.enrichment.worker import Worker
from echotune.history.store import HistoryStore
from echotune.resources import PROJECT
from local.servers.simulator import SpotifySimulator
from tests.support.asking import (
    ALL_IDS,
    FEATURES,
    TIMES,
    TRACKS,
    asked_again,
)
from tests.support.databases import contents
from tests.support.working import (
    Desk,
    fill,
    let_time_pass,
    without_redis,
)


class Killed(Exception):
    """A worker ends here."""


@dataclass
class Dying:
    """A provider at whose nth look-up the worker dies, before it asks or after it was answered."""

    provider: Provider
    nth: int
    answered: bool
    seen: int = 0

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def batch_size(self) -> int:
        return self.provider.batch_size

    def look_up(self, ids: Sequence[str]) -> Lookup:
        self.seen += 1
        if self.seen == self.nth:
            if self.answered:
                self.provider.look_up(ids)
            raise Killed
        return self.provider.look_up(ids)


def work_and_die(desk: Desk, subject: Subject, *, nth: int, answered: bool) -> None:
    """Work as a worker that is killed."""
    line_up = desk.line_up(subject)
    keeper = desk.keeper(subject)
    queue = queue_of(desk.store, line_up, owner=keeper.progress.id)
    providers = [Dying(provider, nth, answered) for provider in line_up.providers()]
    with pytest.raises(Killed):
        Worker(queue, providers, keeper=keeper, gates=line_up.gates).work()


@pytest.mark.parametrize(
    ("cached", "same_worker"),
    [(True, True), (False, False)],
    ids=["cached, tried again", "without Redis, left to another"],
)
@pytest.mark.parametrize("answered", [True, False], ids=["after", "before"])
@pytest.mark.parametrize(("subject", "batch"), [(FEATURES, 100), (TRACKS, 50)])
def test_killed_and_started_again_it_comes_to_the_same(
    desk: Desk,
    simulator: SpotifySimulator,
    subject: Subject,
    batch: int,
    answered: bool,
    cached: bool,
    same_worker: bool,
) -> None:
    ids = ALL_IDS[:230]
    desk = desk if cached else without_redis(desk)
    fill(desk.store.tracks, ids)
    without_redis(desk).work(subject)
    undisturbed = contents(desk.store.tracks, without=TIMES)
    desk.store.tracks.delete_many({})
    fill(desk.store.tracks, ids)
    simulator.control.reset()
    work_and_die(desk, subject, nth=2, answered=answered)
    if not same_worker:
        let_time_pass(desk.store.tracks, subject.kind)
    pause, _ = desk.work(subject, worker=1 if same_worker else 2)
    assert pause is None
    assert contents(desk.store.tracks, without=TIMES) == undisturbed
    again = asked_again(simulator)
    assert len(again) <= (batch if answered and not cached else 0)
    assert set(again.values()) <= {2}


def test_a_worker_that_was_killed_and_started_again_does_not_count_twice(desk: Desk) -> None:
    fill(desk.store.tracks, ALL_IDS[:120])
    work_and_die(desk, TRACKS, nth=2, answered=True)
    _, progress = desk.work(TRACKS, most=100)
    assert progress.done <= 100


def test_killed_for_real_and_started_again_it_comes_to_the_same(
    desk: Desk, simulator: SpotifySimulator, mongodb_uri: str, redis_uri: str
) -> None:
    ids = ALL_IDS[:1_500]
    fill(desk.store.tracks, ids)
    without_redis(desk).work(FEATURES, providers="spotify")
    undisturbed = contents(desk.store.tracks, without=TIMES)
    desk.store.tracks.delete_many({})
    fill(desk.store.tracks, ids)
    simulator.control.reset()
    simulator.control.settings(latency_seconds=0.03)
    environment = {
        **os.environ,
        **simulator.settings,
        "MONGODB_URI": mongodb_uri,
        "REDIS_URL": redis_uri,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "plugins")]),
    }
    command = [sys.executable, "-m", "tests.support.working", desk.store.database.name, "run"]
    done_at_death = run_and_kill(command, environment, desk.store, 500)
    simulator.control.settings(latency_seconds=0)
    pause, _ = desk.work(FEATURES, run="run", providers="spotify")
    assert pause is None
    assert contents(desk.store.tracks, without=TIMES) == undisturbed
    assert 500 <= done_at_death < 1_500, "it was killed in the middle"
    assert len(asked_again(simulator)) <= 100, "no more than one batch"


def run_and_kill(command: Sequence[str], environment: Mapping[str, str], store: HistoryStore, least: int) -> int:
    """Start a worker and kill it when so many tracks are done; how many were."""
    done = {"enrichment.audio_features.status": {"$ne": "pending"}}
    with subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + 20
        while store.tracks.count_documents(done) < least:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    return store.tracks.count_documents(done)
