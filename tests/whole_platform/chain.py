"""The whole chain of DAGs over one history: struck, supervised as systemd or Docker would, followed to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from pymongo import MongoClient
from redis import Redis

from echotune.enrichment.settings import ProviderName
from echotune.history.privacy import PersonalDataPolicy
from echotune.history.store import HistoryStore
from echotune.sync.migrations import migrate
from local.airflow_api import Json
from local.dag_runs import Run, has_active_run, trigger
from local.errors import StackError, say
from local.simulator.settings import Settings
from local.stack import Stack
from tests.support.dag_runs import forget_events
from tests.support.supabase import EMPTY, connect
from tests.whole_platform.plan import (
    ARCHIVE,
    BACKFILL,
    ENRICHMENT,
    FORGETTING,
    MAINTENANCE,
    STATISTICS,
    STEPS,
    SYNC,
    Fault,
    Round,
)
from tests.whole_platform.state import State, state_of, unequal_sides
from tests.whole_platform.strikes import Target, strike

RUN_SECONDS = 600.0
POLL_SECONDS = 0.5
AIM_SECONDS = 0.05
"""Between two looks for what a fault strikes: a connection of the maintenance lasts a fifth of a second."""

ARCHIVED_YEARS = 13
"""Plays that are older are archived: a few years', as a task restores each."""

MOST_RUNS = 5
"""A step that failed, or in which a fault found nothing to strike, is run again, as the next day would do."""

HOURS_LATER = (2, 26, 200)
"""When what was answered wrongly is due again: after an hour, then after twice as long each time."""


Found = TypeVar("Found")


@dataclass
class Told:
    """What happened in a round, for the person who reads a failure."""

    lines: list[str] = field(default_factory=list)
    runs: int = 0
    struck: int = 0

    def add(self, line: str) -> None:
        """Keep a line and show it."""
        self.lines.append(line)
        say(f"  {line}")


@dataclass(frozen=True, kw_only=True)
class Chain:
    """The four DAGs over the plays of a file, and those beside them.

    :param source: the file
    :param username: one of its users, who is forgotten in the end
    :param folder: where DAGs write files
    """

    target: Target
    source: str
    username: str
    folder: Path

    @property
    def stack(self) -> Stack:
        """The stack that runs it."""
        return self.target.stack

    def conf(self, dag: str) -> Json:
        """The params of a DAG. One provider: another's values, where the first one is away, would be right too."""
        chosen: dict[str, Json] = {
            BACKFILL: {"source": self.source, "chunk_rows": 1_000, "pii_policy": PersonalDataPolicy.HASH},
            ENRICHMENT: {"calls_per_30s": 10_000, "calls_per_24h": 1_000_000, "providers": [ProviderName.SPOTIFY]},
            MAINTENANCE: {"mongodb_plan": "atlas-m0"},
            STATISTICS: {"target": str(self.folder / "ml_features")},
            ARCHIVE: {"target": str(self.folder / "archive"), "older_than_years": ARCHIVED_YEARS},
            FORGETTING: {"username": self.username, "confirmation": self.username},
        }
        return chosen.get(dag, {})

    def empty(self) -> None:
        """Remove everything that a chain makes, and every fault."""
        variables = self.stack.variables
        with MongoClient[dict[str, Any]](variables["MONGODB_URI"]) as client:
            client.drop_database(variables["MONGODB_DATABASE"])
        with connect(variables["DATABASE_URL"]) as connection:
            connection.execute(EMPTY)
        with Redis.from_url(variables["REDIS_URL"]) as shared:
            for key in shared.scan_iter("echotune:*"):
                shared.delete(key)
        self.calm()

    def calm(self) -> None:
        """End what lasts longer than the moment it struck."""
        self.target.clock.set(0)
        control = self.stack.spotify.control
        control.settings(**Settings().model_dump(mode="json"))
        control.reset()

    def settle(self) -> None:
        """Let the schedules have what is due by now, so that no other run comes between."""
        with connect(self.stack.variables["DATABASE_URL"]) as connection:
            migrate(connection)  # else the maintenance tries three times
        for step in STEPS:
            self._wait(f"the DAG {step}", lambda step=step: self.target.api.find(f"dags/{step}"))  # type: ignore[misc]
            self.target.api.patch(f"dags/{step}", {"is_paused": False})
        time.sleep(2)
        for step in STEPS:
            self._wait_while_active(step)
            self.target.api.patch(f"dags/{step}", {"is_paused": True})

    def undisturbed(self) -> tuple[State, dict[str, float], list[Run]]:
        """Run it without a fault; returns what came out, the seconds of each step, and the runs."""
        self.empty()
        seconds, runs, told = {}, [], Told()
        for step in STEPS:
            begun = time.monotonic()
            state, run = self._run(step, (), told)
            seconds[step] = time.monotonic() - begun
            runs.append(run)
            assert state == "success", f"{step} failed without a fault"
            told.add(f"{step}: {seconds[step]:.0f} s undisturbed")
        return self.state(), seconds, runs

    def disturbed(self, faults: Round, seconds: Mapping[str, float], told: Told) -> State:
        """Run it with the faults of a round, each step until it has succeeded; returns what came out."""
        self.empty()
        for step in STEPS:
            self._recover(step, [(fault.share * seconds[step], fault) for fault in faults.of_step(step)], told)
        self.calm()
        if self._heal(told):
            self._recover(SYNC, [], told)
            self._recover(MAINTENANCE, [], told)
        return self.state()

    def state(self) -> State:
        """What is in both databases."""
        return self._look(state_of)

    def unequal_sides(self) -> list[str]:
        """The tables whose rows are not what the documents come to."""
        return self._look(unequal_sides)

    def _look(self, look: Callable[[HistoryStore, psycopg.Connection[Any]], Found]) -> Found:
        variables = self.stack.variables
        with MongoClient[dict[str, Any]](variables["MONGODB_URI"]) as client, connect(variables["DATABASE_URL"]) as one:
            store = HistoryStore.of(client[variables["MONGODB_DATABASE"]], plays=variables["MONGODB_COLLECTION"])
            return look(store, one)

    def _recover(self, step: str, faults: Sequence[tuple[float, Fault]], told: Told) -> None:
        left = list(faults)
        for attempt in range(1, MOST_RUNS + 1):
            state, _ = self._run(step, left, told)
            told.add(f"{step}, run {attempt}: {state}")
            if state == "success" and not left:
                return
            # What came too late strikes the next run.
            left[:] = [(0.0, fault) for _, fault in left]
        assert state == "success", "\n".join([f"{step} did not recover in {MOST_RUNS} runs", *told.lines])
        assert not left, "\n".join(["a fault found nothing to strike", *told.lines])

    def _run(self, step: str, faults: Sequence[tuple[float, Fault]], told: Told) -> tuple[str, Run]:
        """Run a step to its end while faults strike; those that did are taken from the list."""
        api = self.target.api
        forget_events(api, step)
        run = trigger(api, step, self.conf(step))
        told.runs += 1
        begun, waiting = time.monotonic(), list(faults)
        try:
            while (state := self._state(run)) not in ("success", "failed"):
                passed = time.monotonic() - begun
                assert passed < RUN_SECONDS, "\n".join([f"{step} did not end in {RUN_SECONDS:.0f} s", *told.lines])
                if state and waiting and passed >= waiting[0][0] and self._strike(waiting[0][1], run, passed, told):
                    waiting.pop(0)
                self.supervise()
                time.sleep(AIM_SECONDS if waiting and passed >= waiting[0][0] else POLL_SECONDS)
        finally:
            if isinstance(faults, list):
                faults[:] = waiting
        self._wait_while_active(step)
        api.patch(f"dags/{step}", {"is_paused": True})
        return state or "", run

    def _strike(self, fault: Fault, run: Run, passed: float, told: Told) -> bool:
        try:
            done = strike(fault, self.target, run)
        except StackError:
            return False  # what it needs is away just now because of the fault before it
        if done:
            told.struck += 1
            told.add(f"{run.dag}, after {passed:.1f} s: {done}")
        return bool(done)

    def _heal(self, told: Told) -> bool:
        """Run the enrichment again when what was answered wrongly is due; whether there was any."""
        healed = False
        for hours in HOURS_LATER:
            if not self._look(_is_unfinished):
                break
            self.target.clock.set(hours * 3_600)
            self._recover(ENRICHMENT, [], told)
            self.target.clock.set(0)
            healed = True
        return healed

    def supervise(self) -> None:
        """Start again what is dead, as whoever runs a deployment lets something do."""
        servers_run = all(server.running for name, server in self.stack.servers.items() if self.stack.needs(name))
        airflow_runs = all(self.stack.airflow.pid(name) for name in self.stack.airflow.components)
        if servers_run and airflow_runs:
            return
        try:
            with redirect_stdout(StringIO()):  # at each start it tells of the connections that go through proxies
                self.stack.up()
        except (StackError, psycopg.OperationalError) as error:
            say(f"  not up yet: {error}")

    def _state(self, run: Run) -> str | None:
        """The run's state; None while Airflow cannot say."""
        try:
            return str(self.target.api.get(run.path)["state"])
        except StackError:
            return None

    def _wait_while_active(self, dag: str) -> None:
        self._wait(f"the end of all runs of {dag}", lambda: not has_active_run(self.target.api, dag))

    def _wait(self, what: str, found: Callable[[], Any]) -> None:
        deadline = time.monotonic() + RUN_SECONDS
        while True:
            self.supervise()
            try:
                if found():
                    return
            except StackError:
                pass  # Airflow comes back, or the time is over
            assert time.monotonic() < deadline, f"waited {RUN_SECONDS:.0f} s in vain for {what}"
            time.sleep(POLL_SECONDS)


def _is_unfinished(store: HistoryStore, connection: psycopg.Connection[Any]) -> bool:
    """Whether something waits for another attempt, or is still claimed by a run that ended."""
    for collection in (store.tracks, store.artists, store.albums):
        for kind in ("audio_features", "catalog"):
            path = f"enrichment.{kind}"
            waiting = [{f"{path}.status": "error"}, {f"{path}.claimed_by": {"$exists": True}}]
            if collection.count_documents({"$or": waiting}, limit=1):
                return True
    return False
