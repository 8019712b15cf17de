"""Workers of an enrichment with real gates, limits and caches, the documents they work on, and what must come of them.

As a command it works alone on the audio features of a database: ``python -m tests.support.working`` with the
environment's MONGODB_URI, REDIS_URL and settings of Spotify, and as arguments database and run.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import redis
from pymongo import MongoClient

from echotune.enrichment.catalog_entries import READERS
from echotune.enrichment.catalog_links import is_due, link_artists_and_albums, share_genres
from echotune.enrichment.embedding import embed_due
from echotune.enrichment.features import TIME_SIGNATURE, read_features
from echotune.enrichment.gate import Gate
from echotune.enrichment.http import Bounds
from echotune.enrichment.limiter import RedisLimiter
from echotune.enrichment.limits import Limiter
from echotune.enrichment.line_up import LineUp, Services, make_worker
from echotune.enrichment.local_limiter import LocalLimiter
from echotune.enrichment.progress import Progress, ProgressKeeper
from echotune.enrichment.providers.base import Values
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.reconcile import reconcile_enrichment
from echotune.enrichment.runs import begin_run, is_to_announce
from echotune.enrichment.settings import EnrichmentSettings, Subject
from echotune.enrichment.shared_state import SharedState
from echotune.enrichment.spotify_client import SpotifyClient
from echotune.enrichment.worker import Pause
from echotune.history.store import Documents, HistoryStore
from echotune.reconciliation import require_equal
from local.simulator import catalog, features

QUICK = Bounds(connect_seconds=1, read_seconds=0.15, total_seconds=1)
FREE = {"calls_per_30s": 10_000, "calls_per_24h": 1_000_000}
"""Settings of limits that nobody meets."""

PENDING = {"status": "pending", "attempts": 0}
BEFORE = datetime(2024, 1, 1, tzinfo=UTC)
Document = dict[str, Any]


def track(identity: str, play_count: int = 1, **fields: Any) -> Document:
    """A track as loads leave it."""
    return {
        "_id": identity,
        "uri": f"spotify:track:{identity}",
        "name": "As exported",
        "play_count": play_count,
        "enrichment": {"catalog": dict(PENDING), "audio_features": dict(PENDING)},
        "updated_at": BEFORE,
    } | fields


def fill(collection: Documents, ids: Sequence[str], **fields: Any) -> None:
    """Put documents into a collection that are due, the first one played most."""
    collection.insert_many([track(one, len(ids) - place, **fields) for place, one in enumerate(ids)])


def state_of(collection: Documents, identity: str, kind: str = "audio_features") -> Document:
    """The state of one document."""
    document = collection.find_one({"_id": identity})
    assert document is not None
    return dict(document["enrichment"][kind])


def statuses(collection: Documents, kind: str) -> dict[str, str]:
    """The status of each document."""
    return {one["_id"]: one["enrichment"][kind]["status"] for one in collection.find()}


def set_state(collection: Documents, identity: str, kind: str = "audio_features", **state: Any) -> None:
    """Give a document another state."""
    collection.update_one({"_id": identity}, {"$set": {f"enrichment.{kind}": PENDING | state}})


def let_time_pass(collection: Documents, kind: str) -> None:
    """Make everything due that waits, leases too, as if its time had come."""
    path = f"enrichment.{kind}.next_attempt_at"
    collection.update_many({path: {"$exists": True}}, {"$set": {path: BEFORE}})


def true_values(subject: Subject, identity: str, *, development: bool = False) -> Values | None:
    """What Spotify truly says of an id, straight from the simulator's own functions; None where it knows none."""
    if subject is Subject.AUDIO_FEATURES:
        written = features.spotify_features(identity)
        return None if written is None else read_features(json.loads(written))
    makers = {Subject.TRACKS: catalog.track, Subject.ARTISTS: catalog.artist, Subject.ALBUMS: catalog.album}
    body = makers[subject](identity, development)
    return None if body is None else READERS[subject.value](json.loads(body))


def true_reccobeats(identity: str) -> Values | None:
    """What ReccoBeats truly says of a track."""
    answer = features.reccobeats_features(identity)
    return None if answer is None else read_features(json.loads(answer[1]), optional=(TIME_SIGNATURE,))


def values_in(subject: Subject, document: Document, names: Iterable[str]) -> Values:
    """The values of a document that are of a subject: features, or catalog fields of the names given."""
    if subject is Subject.AUDIO_FEATURES:
        return dict(document.get("audio_features", {}))
    return {name: document[name] for name in names if name in document}


@dataclass(frozen=True, kw_only=True)
class Desk:
    """All that a worker needs, and how long its gates wait.

    :param urls: the settings of a simulator, by the names of their variables
    :param limits: settings of the calls that are allowed
    """

    store: HistoryStore
    urls: dict[str, str]
    client: redis.Redis | None = None
    limiter: Limiter | None = None
    patience_seconds: float = 5
    retry_seconds: float = 0.001
    bounds: Bounds = QUICK
    features_table: str = ""

    def services(self) -> Services:
        """Services for one worker."""
        return Services(
            state=SharedState(self.client),
            limiter=self.limiter or self._limiter(),
            spotify=self._spotify,
            reccobeats=lambda: ReccoBeatsClient(self.urls["RECCOBEATS_API_URL"], bounds=self.bounds),
            application=self.urls["SPOTIFY_CLIENT_ID"],
        )

    def line_up(self, subject: Subject, **settings: Any) -> LineUp:
        """The line-up for a subject, whose gates are quick."""
        chosen = EnrichmentSettings.of(FREE | settings)
        services = self.services()
        gates = {
            service: Gate(
                limiter=services.limiter,
                service=service,
                limits=chosen.limits_of(service),
                patience_seconds=self.patience_seconds,
                retry_seconds=self.retry_seconds,
            )
            for service in ("spotify", "reccobeats")
        }
        return LineUp(subject, chosen, services, gates)

    def keeper(self, subject: Subject, *, run: str = "run", worker: int = 1) -> ProgressKeeper:
        """The progress of a worker, as the operator makes it."""
        identity = f"{run}/{subject}/{worker}"
        return ProgressKeeper.resume(self.store.enrichment_runs, identity=identity, run=run, what=subject)

    def work(
        self, subject: Subject, *, run: str = "run", worker: int = 1, most: int = 0, **settings: Any
    ) -> tuple[Pause | None, Progress]:
        """Let one worker work to its end."""
        keeper = self.keeper(subject, run=run, worker=worker)
        pause = make_worker(self.store, self.line_up(subject, **settings), keeper, most=most).work()
        return pause, keeper.progress

    def _limiter(self) -> Limiter:
        if self.client is None:
            return LocalLimiter(window_seconds=0)
        return RedisLimiter(self.client)

    def _spotify(self) -> SpotifyClient:
        return SpotifyClient(
            self.urls["SPOTIFY_CLIENT_ID"],
            self.urls["SPOTIFY_CLIENT_SECRET"],
            None,
            self.urls["SPOTIFY_API_URL"],
            self.urls["SPOTIFY_ACCOUNTS_URL"],
            bounds=self.bounds,
        )


def enrich(desk: Desk, run: str) -> bool:
    """Do what a run of the DAG does; return whether it tells of something new."""
    store = desk.store
    begin_run(store, run)
    done = [desk.work(subject, run=run)[1].done for subject in (Subject.AUDIO_FEATURES, Subject.TRACKS)]
    if is_due(store, run):
        link_artists_and_albums(store)
    done += [desk.work(subject, run=run)[1].done for subject in (Subject.ARTISTS, Subject.ALBUMS)]
    if is_due(store, run):
        share_genres(store)
    embedded = embed_due(store)
    require_equal(reconcile_enrichment(store, run))
    return is_to_announce(store, run, learnt=any(done) or embedded.plays > 0)


def let_leases_end(store: HistoryStore) -> None:
    """Make everything due that waits, of whatever subject."""
    for subject in Subject:
        let_time_pass(store.database[subject.collection], subject.kind)


def without_redis(desk: Desk) -> Desk:
    """The same desk where nothing is shared and nothing is cached."""
    return replace(desk, client=None)


def main(database: str, run: str) -> None:
    """Work on audio features until nothing is due."""
    environment = dict(os.environ)
    with (
        MongoClient[Document](environment["MONGODB_URI"]) as mongo,
        redis.Redis.from_url(environment["REDIS_URL"]) as client,
    ):
        desk = Desk(store=HistoryStore.of(mongo[database]), urls=environment, client=client)
        print("ready", flush=True)
        desk.work(Subject.AUDIO_FEATURES, run=run, providers="spotify")


if __name__ == "__main__":
    main(*sys.argv[1:])
