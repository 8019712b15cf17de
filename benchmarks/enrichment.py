"""The enrichment's own work, without Airflow: what the tasks of spotify_enrichment call, against the simulator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from pymongo import MongoClient, UpdateOne
from spotipy import Spotify, SpotifyClientCredentials
from spotipy.cache_handler import MemoryCacheHandler

from benchmarks.measure import Measurement, measure
from echotune.enrichment.embedding import embed_due
from echotune.enrichment.line_up import LineUp, Services, make_worker
from echotune.enrichment.progress import ProgressKeeper
from echotune.enrichment.reccobeats_client import ReccoBeatsClient
from echotune.enrichment.settings import EnrichmentSettings, ProviderName, Subject
from echotune.enrichment.shared_state import SharedLimiter, SharedState
from echotune.enrichment.spotify_client import SpotifyClient
from echotune.history.store import HistoryStore
from local.servers.mongod import Mongod
from local.servers.redis import RedisServer
from local.servers.simulator import SpotifySimulator

UNLIMITED = EnrichmentSettings(providers=(ProviderName.SPOTIFY,), calls_per_30s=10_000, calls_per_24h=1_000_000)
LIMITED = EnrichmentSettings(providers=(ProviderName.SPOTIFY,), calls_per_30s=100, calls_per_24h=1_000_000)
LIMITED_WORKERS = 4
LIMITED_TRACKS = 30_000
"""300 calls, so the limit of 100 in 30 seconds is filled three times."""
PEER_TRACKS = 2_000
BATCH = 100


@dataclass(frozen=True, kw_only=True)
class Servers:
    """Where the servers are, for processes that are started anew."""

    mongodb: str
    redis: str
    api_url: str
    accounts_url: str
    reccobeats_url: str
    client_id: str
    client_secret: str

    def services(self) -> Services:
        """The services of one worker."""
        state = SharedState(redis.Redis.from_url(self.redis))
        return Services(
            state=state,
            limiter=SharedLimiter(state, is_caller=True),
            spotify=lambda: SpotifyClient(self.client_id, self.client_secret, None, self.api_url, self.accounts_url),
            reccobeats=lambda: ReccoBeatsClient(self.reccobeats_url),
            application=self.client_id,
        )


@contextmanager
def servers(folder: Path, mongod: Mongod) -> Iterator[tuple[Servers, SpotifySimulator]]:
    """Redis and the simulator beside a MongoDB that runs."""
    cache, simulator = RedisServer(folder / "redis"), SpotifySimulator(folder / "spotify")
    cache.start()
    simulator.start()
    try:
        yield (
            Servers(
                mongodb=mongod.uri,
                redis=cache.uri,
                api_url=simulator.api_url,
                accounts_url=simulator.accounts_url,
                reccobeats_url=simulator.reccobeats_url,
                client_id=simulator.client_id,
                client_secret=simulator.password,
            ),
            simulator,
        )
    finally:
        simulator.stop()
        cache.stop()


def work(where: Servers, database: str, subject: str, worker: int, settings: dict[str, Any]) -> None:
    """What a mapped task does; its processor time is kept in the collection ``benchmark``."""
    with MongoClient[dict[str, Any]](where.mongodb) as client:
        store = HistoryStore.of(client[database])
        line_up = LineUp(Subject(subject), EnrichmentSettings(**settings), where.services())
        identity = f"benchmark/{subject}/{worker}"
        keeper = ProgressKeeper.resume(store.enrichment_runs, identity=identity, run="benchmark", what=subject)
        before = time.process_time()
        make_worker(store, line_up, keeper).work()
        used = time.process_time() - before
        store.database["benchmark"].insert_one({"seconds": used, "calls": sum(keeper.progress.calls.values())})


def embed(where: Servers, database: str) -> None:
    """What the task embed_into_plays does."""
    with MongoClient[dict[str, Any]](where.mongodb) as client:
        embed_due(HistoryStore.of(client[database]))


def usual_loop(where: Servers, database: str) -> None:
    """The usual script: spotipy in a loop, a batch of tracks a call, one update a track, then one a track for plays."""
    with MongoClient[dict[str, Any]](where.mongodb) as client:
        tracks, plays = client[database]["tracks"], client[database]["listening_history"]
        credentials = SpotifyClientCredentials(where.client_id, where.client_secret, cache_handler=MemoryCacheHandler())
        credentials.OAUTH_TOKEN_URL = f"{where.accounts_url}/api/token"
        spotify = Spotify(auth_manager=credentials)
        spotify.prefix = f"{where.api_url}/"
        ids = [track["_id"] for track in tracks.find({}, {"_id": 1}).limit(PEER_TRACKS)]
        for first in range(0, len(ids), BATCH):
            for features in spotify.audio_features(ids[first : first + BATCH]):
                if features:
                    tracks.update_one({"_id": features["id"]}, {"$set": {"audio_features": features}})
                    plays.update_many({"spotify_track_uri": features["uri"]}, {"$set": {"audio_features": features}})


def make_all_due(uri: str, database: str, most: int | None = None) -> int:
    """Let tracks forget what is known of them; return how many there are."""
    pending = {"status": "pending", "attempts": 0}
    with MongoClient[dict[str, Any]](uri) as client:
        tracks = client[database]["tracks"]
        ids = [track["_id"] for track in tracks.find({}, {"_id": 1}).limit(most or 0)]
        tracks.bulk_write(
            [
                UpdateOne(
                    {"_id": identity},
                    {
                        "$set": {"enrichment.audio_features": pending},
                        "$unset": {"audio_features": "", "embedding_due": ""},
                    },
                )
                for identity in ids
            ],
            ordered=False,
        )
        if most:
            tracks.delete_many({"_id": {"$nin": ids}})
        return len(ids)


def measure_enrichment(folder: Path, mongod: Mongod, database: str) -> tuple[dict[str, Measurement], dict[str, float]]:
    """Measure on a loaded history. Returns what each step took, and other numbers by name.

    The order matters: the limited run comes last, because it keeps some of the tracks only.
    """
    found: dict[str, Measurement] = {}
    numbers: dict[str, float] = {}
    with servers(folder, mongod) as (where, simulator):
        arguments = (where, database)
        found["usual"] = measure("a usual loop, features into tracks and plays", PEER_TRACKS, usual_loop, arguments)
        tracks = make_all_due(mongod.uri, database)
        one = (where, database, "audio_features", 1, UNLIMITED.model_dump())
        found["features"] = measure("audio features, 1 worker", tracks, work, one)
        numbers["cpu"] = milliseconds_a_call(mongod.uri, database)
        redis.Redis.from_url(where.redis).flushall()
        make_all_due(mongod.uri, database)
        both = [(where, database, "audio_features", worker, UNLIMITED.model_dump()) for worker in (1, 2)]
        found["features 2"] = measure("audio features, 2 workers", tracks, work, *both)
        catalog = [(where, database, "tracks", worker, UNLIMITED.model_dump()) for worker in (1, 2)]
        found["catalog"] = measure("catalog of tracks, 2 workers", tracks, work, *catalog)
        with MongoClient[dict[str, Any]](mongod.uri) as client:
            plays = client[database]["listening_history"].estimated_document_count()
        found["embedding"] = measure("embedding into plays", plays, embed, arguments)
        found["embedding again"] = measure("embedding again, nothing due", plays, embed, arguments)
        numbers |= measure_limit(where, simulator, mongod.uri, database)
    return found, numbers


def measure_limit(where: Servers, simulator: SpotifySimulator, uri: str, database: str) -> dict[str, float]:
    """Four workers at a limit that the simulator enforces: how much of it they used, and whether they ever broke it."""
    redis.Redis.from_url(where.redis).flushall()
    simulator.control.reset()
    simulator.control.settings(limit=LIMITED.calls_per_30s)
    tracks = make_all_due(uri, database, LIMITED_TRACKS)
    workers = [
        (where, database, "audio_features", worker, LIMITED.model_dump()) for worker in range(1, LIMITED_WORKERS + 1)
    ]
    measure("limited", tracks, work, *workers)
    window = simulator.control.report()["services"]["spotify"]["window"]
    return {"utilisation": window["utilisation"], "largest": window["largest"], "limit": LIMITED.calls_per_30s}


def milliseconds_a_call(uri: str, database: str) -> float:
    """Processor time of a worker for each call, in milliseconds: everything but what servers do."""
    with MongoClient[dict[str, Any]](uri) as client:
        kept: Sequence[dict[str, Any]] = list(client[database]["benchmark"].find())
    seconds, calls = (sum(float(one[name]) for one in kept) for name in ("seconds", "calls"))
    return 1000 * seconds / calls
