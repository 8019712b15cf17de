"""Every step of the platform over histories of growing size: its seconds, its peak memory, and how both grow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from pymongo import MongoClient

from benchmarks import backfill, maintenance
from benchmarks.enrichment import UNLIMITED, Servers, embed, make_all_due, servers, work
from benchmarks.measure import Measurement, measure
from benchmarks.more_plays import MORE_ROWS, write_more_plays
from benchmarks.sync import ALL_TABLES, Targets, Way, prove, synchronise_beside
from echotune.enrichment.catalog_links import link_artists_and_albums, share_genres
from echotune.history.store import HistoryStore
from echotune.statistics.feature_files import write_features
from echotune.statistics.refresh import refresh_statistics
from echotune.statistics.settings import StatisticsSettings
from local.files import STATE
from local.sample.writer import write_sample
from local.servers.mongod import Mongod
from local.servers.postgres import Postgres

TIMES = (0.1, 1.0, 3.0, 10.0)
USERS = 2
"""In a history of one times the rows; as many times as many in a longer one."""

WORKERS = 2
DATABASE = "scale"
RESULTS = STATE / "bench" / "scale.json"
PLOT = RESULTS.with_suffix(".png")
PLOTTING = STATE / "bench" / "matplotlib"
HERE = Path(__file__).parent

Scale = dict[float, list[Measurement]]
"""What each step took, by how many times the rows."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a history of one size is worked on.

    :param path: the file
    :param rows: its rows
    """

    path: Path
    rows: int
    folder: Path
    mongodb: str
    postgres: str
    where: Servers


def measure_scale(folder: Path, rows: int, most: float, say: Callable[[str], None]) -> Scale:
    """Measure every size up to `most` times the rows, each on servers of its own."""
    found: Scale = {}
    for times in (one for one in TIMES if one <= most):
        say(f"every step over {times:g} times the rows ...")
        place = folder / f"times-{times:g}"
        found[times] = _measure_size(place, round(rows * times), max(1, round(USERS * times)))
        shutil.rmtree(place)
        _keep(found)
    return found


def growth(found: Scale) -> list[tuple[str, float, float]]:
    """How many times as long the longest history took as that of one times the rows, and its memory, by step."""
    once, longest = found[1.0], found[max(found)]
    return [
        (one.name, many.seconds / one.seconds, many.peak_mebibytes / one.peak_mebibytes)
        for one, many in zip(once, longest, strict=True)
    ]


def table(found: Scale) -> list[str]:
    """Seconds and peak MiB of each step by size, as lines."""
    sizes = sorted(found)
    head = "".join(f"{f'{times:g} times':>16}" for times in sizes)
    lines = [f"{'seconds (peak MiB)':38}{head}"]
    for steps in zip(*(found[times] for times in sizes), strict=True):
        cells = "".join(f"{f'{one.seconds:,.1f} ({one.peak_mebibytes:,.0f})':>16}" for one in steps)
        lines.append(f"{steps[0].name:38}{cells}")
    return lines


def plot(found: Scale) -> Path:
    """Draw what was kept; matplotlib is installed beside the project, where that was not done yet."""
    uv = Path(sys.prefix) / "bin" / "uv"
    if not PLOTTING.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, PLOTTING], check=True)
    python = PLOTTING / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "-r", HERE / "matplotlib.txt"], check=True)
    subprocess.run([python, HERE / "plot_scale.py", RESULTS, PLOT], check=True)
    return PLOT


def _measure_size(folder: Path, rows: int, users: int) -> list[Measurement]:
    folder.mkdir(parents=True)
    path = folder / "history.csv"
    write_sample(path, rows=rows, users=users)
    mongod, postgres = Mongod(folder / "mongodb"), Postgres(folder / "postgres")
    with ExitStack() as running:
        for server in (mongod, postgres):
            server.start()
            running.callback(server.stop)
        where, _ = running.enter_context(servers(folder, mongod))
        places = Places(
            path=path,
            rows=rows,
            folder=folder,
            mongodb=mongod.uri,
            postgres=Targets(postgres).migrated("scale"),
            where=where,
        )
        return [*_load(places), *_enrich(places), *_sync(places), *_look_after(places)]


def _load(places: Places) -> list[Measurement]:
    ((file_plan, chunks),) = backfill.plan(places.mongodb, DATABASE, str(places.path))
    shares = [(places.mongodb, DATABASE, chunks[first::WORKERS], file_plan.rows) for first in range(WORKERS)]
    finish = (places.mongodb, DATABASE, str(places.path))
    return [
        measure("load", places.rows, backfill.load, *shares),
        measure("indexes, duplicates, catalog, proof", places.rows, backfill.finish, finish),
    ]


def _enrich(places: Places) -> list[Measurement]:
    make_all_due(places.mongodb, DATABASE)
    settings: Mapping[str, Any] = UNLIMITED.model_dump()

    def enriched(subject: str) -> Measurement:
        workers = [(places.where, DATABASE, subject, worker, settings) for worker in range(1, WORKERS + 1)]
        return measure(f"enrichment: {subject}", places.rows, work, *workers)

    return [
        enriched("audio_features"),
        enriched("tracks"),
        measure("artists and albums from tracks", places.rows, link, (places.mongodb,)),
        enriched("artists"),
        enriched("albums"),
        measure("genres to albums and tracks", places.rows, share, (places.mongodb,)),
        measure("embedding into plays", places.rows, embed, (places.where, DATABASE)),
    ]


def _sync(places: Places) -> list[Measurement]:
    way = Way(mongodb=places.mongodb, database=DATABASE, postgres=places.postgres, run_id="1", settings=ALL_TABLES)
    beside = ((way, worker, WORKERS) for worker in range(WORKERS))
    return [
        measure("sync of all tables", places.rows, synchronise_beside, *beside),
        measure("proof of the sync", places.rows, prove, (way,)),
    ]


def _look_after(places: Places) -> list[Measurement]:
    where = (places.mongodb, places.postgres)
    more = (places.mongodb, DATABASE, str(write_more_plays(places.path)))
    return [
        measure("maintenance, first run", places.rows, maintain, where),
        measure("maintenance, nothing to do", places.rows, maintain, where),
        measure("listening statistics", places.rows, refresh, (places.mongodb,)),
        measure("tables for models", places.rows, write_tables, (places.mongodb, str(places.folder / "ml_features"))),
        measure(f"{MORE_ROWS:,} plays more, load to proof", places.rows, backfill.load_all, more),
    ]


def link(mongodb: str) -> None:
    """What the task link_catalog does."""
    with MongoClient[dict[str, Any]](mongodb) as client:
        link_artists_and_albums(HistoryStore.of(client[DATABASE]))


def share(mongodb: str) -> None:
    """What the task share_genres does."""
    with MongoClient[dict[str, Any]](mongodb) as client:
        share_genres(HistoryStore.of(client[DATABASE]))


def maintain(mongodb: str, postgres: str) -> None:
    """What the tasks of index_maintenance do."""
    with (
        MongoClient[dict[str, Any]](mongodb) as client,
        psycopg.connect(postgres, autocommit=True, prepare_threshold=None) as connection,
    ):
        maintenance.run(HistoryStore.of(client[DATABASE]), connection, "scale")


def refresh(mongodb: str) -> None:
    """What the task refresh_statistics does."""
    with MongoClient[dict[str, Any]](mongodb) as client:
        refresh_statistics(HistoryStore.of(client[DATABASE]), StatisticsSettings(time_zone="Europe/Amsterdam"))


def write_tables(mongodb: str, folder: str) -> None:
    """What the task write_features does."""
    with MongoClient[dict[str, Any]](mongodb) as client:
        write_features(HistoryStore.of(client[DATABASE]), folder, Path)


def _keep(found: Scale) -> None:
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    told: Mapping[str, Sequence[Mapping[str, Any]]] = {
        f"{times:g}": [asdict(one) for one in steps] for times, steps in found.items()
    }
    RESULTS.write_text(json.dumps(told, indent=1), encoding="utf-8")
