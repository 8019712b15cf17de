"""make bench: loads, enriches and syncs one file in several ways, and prints the numbers and their ratios."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from benchmarks import backfill, export, listening_statistics, scale
from benchmarks.dag import run_dag
from benchmarks.enrichment import measure_enrichment
from benchmarks.maintenance import measure_maintenance
from benchmarks.measure import Measurement, measure
from benchmarks.page import measure_page
from benchmarks.peers import insert_encoded, load_row_by_row
from benchmarks.sync import LONG_TIMES, measure_sync
from local.__main__ import down, up
from local.sample.writer import write_sample
from local.servers.mongod import Mongod
from local.stack import open_stack

ROWS = 208_934
PROCESSES = 2
MEMORY_TIMES = 10
STACK = "bench"
MOST_GROWTH = 1.1
"""Times the growth of the history: 11 times the time for 10 times the plays."""

MOST_MEMORY_GROWTH = 1.2

Ratio = tuple[str, float, str, Callable[[float], bool]]
"""What is measured, the number, what was asked, and whether that was reached."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench BENCH=…", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the file (default {ROWS:,})")
    parser.add_argument("--quick", action="store_true", help="leave out the files several times as long")
    alone = parser.add_mutually_exclusive_group()
    alone.add_argument("--enrichment", action="store_true", help="measure nothing but the enrichment")
    alone.add_argument("--sync", action="store_true", help="measure nothing but the sync to PostgreSQL")
    alone.add_argument("--maintenance", action="store_true", help="measure nothing but the maintenance of indexes")
    alone.add_argument("--export", action="store_true", help="measure nothing but a load of Spotify's own export")
    alone.add_argument("--statistics", action="store_true", help="measure nothing but the listening statistics")
    alone.add_argument("--page", action="store_true", help="measure nothing but the page in the Airflow UI")
    alone.add_argument("--scale", type=float, help="measure nothing but how each step grows, up to so many times")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        if arguments.scale:
            show_ratios(measure_growth(Path(folder), arguments.rows, arguments.scale))
            return
        path = Path(folder) / "history.csv"
        write_sample(path, rows=arguments.rows)
        if arguments.enrichment:
            enrichments, numbers = measure_on_loaded(Path(folder) / "enrichment", path)
            show(list(enrichments.values()))
            show_ratios(enrichment_ratios(enrichments, numbers))
            return
        if arguments.sync:
            syncs, written = measure_synced(Path(folder), path, arguments.rows, arguments.quick)
            show(list(syncs.values()))
            show_ratios(sync_ratios(syncs, written))
            return
        if arguments.maintenance:
            show_ratios(measure_maintained(Path(folder), path))
            return
        if arguments.export:
            show_ratios(measure_export(Path(folder)))
            return
        if arguments.statistics:
            show_ratios(measure_statistics(Path(folder), path))
            return
        if arguments.page:
            show_ratios(measure_shown(path))
            return
        long_path = None
        if not arguments.quick:
            long_path = Path(folder) / "long.csv"
            write_sample(long_path, rows=arguments.rows * MEMORY_TIMES)
        loads = measure_alone(Path(folder) / "mongodb", path, long_path, arguments.rows)
        enrichments, numbers = measure_on_loaded(Path(folder) / "enrichment", path)
        syncs, written = measure_synced(Path(folder), path, arguments.rows, arguments.quick)
        maintained = measure_maintained(Path(folder), path)
        histories = [*measure_export(Path(folder)), *measure_statistics(Path(folder), path)]
        dags = measure_dag(path, arguments.rows)
        shown = measure_shown(path)
    show([*loads.values(), *enrichments.values(), *syncs.values(), *dags.values()])
    show_ratios(
        [
            *load_ratios(loads, dags),
            *enrichment_ratios(enrichments, numbers),
            *sync_ratios(syncs, written),
            *maintained,
            *histories,
            *shown,
        ]
    )


def measure_export(folder: Path) -> list[Ratio]:
    """The load of Spotify's ZIP beside that of a CSV with the very same plays; what is asked of it."""
    say(f"a ZIP of {export.RECORDS:,} records and a CSV of as many plays ...")
    found = export.measure_export(folder / "export")
    return [
        ("seconds of the CSV's load", found["csv seconds"], "", lambda _: True),
        ("seconds of the ZIP's load", found["zip seconds"], "", lambda _: True),
        ("times the time of the CSV", found["zip seconds"] / found["csv seconds"], "1.5 or less", lambda x: x <= 1.5),
        ("peak MiB of loading the ZIP", found["zip peak MiB"], "under 300", lambda x: x < 300),
        ("plays that only one of both has", found["differing plays"], "0", lambda x: x == 0),
    ]


def measure_statistics(folder: Path, path: Path) -> list[Ratio]:
    """The listening statistics beside pandas; what is asked of them."""
    say("the listening statistics, and pandas ...")
    found = listening_statistics.measure_statistics(folder / "statistics", path)
    return [
        ("seconds of a refresh", found["seconds"], "under 5", lambda x: x < 5),
        ("seconds of pandas, with reading the plays", found["pandas seconds"], "", lambda _: True),
        ("numbers that differ from those of pandas", found["differing"], "0", lambda x: x == 0),
        ("seconds of writing ml_features", found["features seconds"], "", lambda _: True),
    ]


def measure_growth(folder: Path, rows: int, most: float) -> list[Ratio]:
    """Every step over histories of growing size; how much longer and larger the longest is than one times the rows."""
    found = scale.measure_scale(folder, rows, most, say)
    print("\n".join(["", *scale.table(found)]))
    print(f"\nThe plot: {scale.plot(found)}")
    times = max(found)
    return [
        ratio
        for name, seconds, memory in scale.growth(found)
        for ratio in (
            (f"{name}: time, {times:g} times / once", seconds, "11 or less", lambda x: x <= MOST_GROWTH * times),
            (f"{name}: memory, {times:g} times / once", memory, "about 1", lambda x: x < MOST_MEMORY_GROWTH),
        )
    ]


def measure_on_loaded(folder: Path, path: Path) -> tuple[dict[str, Measurement], dict[str, float]]:
    """The enrichment of a loaded history, on servers of its own."""
    server = Mongod(folder / "mongodb")
    server.start()
    try:
        with Database(server.uri) as database:
            say("the enrichment against the simulator ...")
            backfill.load_all(server.uri, database.name, str(path))
            return measure_enrichment(folder, server, database.name)
    finally:
        server.stop()


def measure_synced(folder: Path, path: Path, rows: int, quick: bool) -> tuple[dict[str, Measurement], dict[str, float]]:
    """The sync of a loaded history, and unless in a hurry of a longer one."""
    long_path = None
    if not quick:
        long_path = folder / "long-for-sync.csv"
        write_sample(long_path, rows=rows * LONG_TIMES)
    say("the sync to PostgreSQL, dlt's merge and one COPY ...")
    return measure_sync(folder / "sync", path, rows, long_path)


def measure_maintained(folder: Path, path: Path) -> list[Ratio]:
    """Maintenance with nothing to do, and rebuilds beside a writer and a reader; what is asked of each."""
    say("the maintenance of indexes ...")
    found = measure_maintenance(folder / "maintenance", path)
    rows: list[Ratio] = [
        ("seconds of maintenance with nothing to do", found["idle seconds"], "", lambda _: True),
        ("our own processor seconds of it", found["idle processor seconds"], "under 2", lambda x: x < 2),
    ]
    for system in ("mongodb", "postgresql"):
        rows += [
            (f"{system}: seconds of a rebuild", found[f"{system} rebuild seconds"], "", lambda _: True),
            (f"{system}: rows a second meanwhile", found[f"{system} rows a second"], "500", lambda x: x > 490),
            (f"{system}: failed writes and reads", found[f"{system} failed"], "0", lambda x: x == 0),
            (f"{system}: lost rows", found[f"{system} lost rows"], "0", lambda x: x == 0),
            (f"{system}: longest write, seconds", found[f"{system} longest write seconds"], "under 1", lambda x: x < 1),
            (f"{system}: longest read, seconds", found[f"{system} longest read seconds"], "under 1", lambda x: x < 1),
        ]
    return rows


def measure_alone(folder: Path, path: Path, long_path: Path | None, rows: int) -> dict[str, Measurement]:
    """The loads without Airflow, on a MongoDB of their own: an idle Airflow takes a good part of a core."""
    server = Mongod(folder)
    server.start()
    try:
        loads = measure_loads(server.uri, str(path), rows)
        if long_path:
            loads["long"] = measure_long(server.uri, str(long_path), rows * MEMORY_TIMES)
        return loads
    finally:
        server.stop()


def measure_loads(uri: str, path: str, rows: int) -> dict[str, Measurement]:
    """Each way of loading the file, each into a database of its own that is dropped afterwards."""
    found = {}
    with Database(uri) as database:
        say("a loader of the usual kind (iterrows, one bulk_write) ...")
        found["row by row"] = measure("iterrows, one bulk_write", rows, load_row_by_row, (uri, database.name, path))
    with Database(uri) as database:
        say("csv_backfill's chunks in one process ...")
        ((file_plan, chunks),) = backfill.plan(uri, database.name, path)
        found["one"] = measure("ours, 1 process", rows, backfill.load, (uri, database.name, chunks, file_plan.rows))
        documents = database.encoded_plays()
    with Database(uri) as database:
        say("the same documents already encoded ...")
        found["encoded"] = measure(
            "the same documents, encoded before", rows, insert_encoded, (uri, database.name, documents)
        )
        del documents
    with Database(uri) as database:
        say(f"csv_backfill's chunks in {PROCESSES} processes ...")
        found["two"] = measure_parallel("ours, 2 processes", uri, database.name, path, rows)
    with Database(uri) as database:
        say("the whole backfill without Airflow, and again ...")
        arguments = (uri, database.name, path)
        found["whole"] = measure("ours, whole load, 1 process", rows, backfill.load_all, arguments)
        found["again"] = measure("ours, whole load again, unchanged", rows, backfill.load_all, arguments)
    return found


def measure_long(uri: str, path: str, rows: int) -> Measurement:
    with Database(uri) as database:
        say(f"a file {MEMORY_TIMES} times as long in {PROCESSES} processes ...")
        return measure_parallel(f"ours, 2 processes, {MEMORY_TIMES} times", uri, database.name, path, rows)


def measure_parallel(name: str, uri: str, database: str, path: str, rows: int) -> Measurement:
    """Load a file's chunks side by side, each process taking every other chunk."""
    ((file_plan, chunks),) = backfill.plan(uri, database, path)
    shares = [(uri, database, chunks[first::PROCESSES], file_plan.rows) for first in range(PROCESSES)]
    return measure(name, rows, backfill.load, *shares)


def measure_dag(path: Path, rows: int) -> dict[str, Measurement]:
    """The DAG in a stack of its own: a first load, and the same file again."""
    say("the DAG csv_backfill in Airflow, and again ...")
    up(STACK, [])
    try:
        stack = open_stack(STACK)
        if stack is None:
            raise RuntimeError(f"the stack {STACK} was started and is not there")
        settings = stack.variables
        with MongoClient[dict[str, Any]](settings["MONGODB_URI"]) as client:
            client.drop_database(settings["MONGODB_DATABASE"])
        return {
            "first": dag_measurement("DAG csv_backfill, first run", rows, run_dag(stack, path)),
            "again": dag_measurement("DAG csv_backfill, same file again", rows, run_dag(stack, path)),
        }
    finally:
        down(STACK)


def measure_shown(path: Path) -> list[Ratio]:
    """The page over a history that went all the way, in the same stack; what is asked of each panel."""
    say("the page in the Airflow UI ...")
    up(STACK, [])
    try:
        stack = open_stack(STACK)
        if stack is None:
            raise RuntimeError(f"the stack {STACK} was started and is not there")
        found = measure_page(stack, path)
    finally:
        down(STACK)
    return [
        (f"page, {panel}: milliseconds {when}", milliseconds, "under 300", lambda x: x < 300)
        for when, panels in found.items()
        for panel, milliseconds in panels.items()
    ]


def dag_measurement(name: str, rows: int, seconds: float) -> Measurement:
    return Measurement(name=name, rows=rows, seconds=seconds, peak_mebibytes=0)


class Database:
    """A database with a random name, dropped at the end."""

    def __init__(self, uri: str) -> None:
        self.name = f"echotune_benchmark_{secrets.token_hex(4)}"
        self._uri = uri
        self._client = MongoClient[dict[str, Any]](uri)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.drop_database(self.name)
        self._client.close()

    def encoded_plays(self) -> list[RawBSONDocument]:
        with MongoClient[RawBSONDocument](self._uri, document_class=RawBSONDocument) as client:
            return list(client[self.name]["listening_history"].find())


def say(text: str) -> None:
    print(f"measuring: {text}", file=sys.stderr, flush=True)


def show(measurements: Sequence[Measurement]) -> None:
    print(f"\n{'':38}{'rows':>12}{'seconds':>10}{'rows/s':>10}{'peak MiB':>10}")
    for one in measurements:
        memory = f"{one.peak_mebibytes:,.0f}" if one.peak_mebibytes else ""
        print(f"{one.name:38}{one.rows:12,}{one.seconds:10.2f}{one.rows / one.seconds:10,.0f}{memory:>10}")


def load_ratios(loads: dict[str, Measurement], dags: dict[str, Measurement]) -> list[Ratio]:
    """What issue and README ask of a load."""
    two, again = loads["two"], loads["again"]
    rows: list[Ratio] = [
        ("times faster than row by row", loads["row by row"].seconds / two.seconds, "25 or more", lambda x: x >= 25),
        (
            "times the time of encoded documents",
            two.seconds / loads["encoded"].seconds,
            "2.5 or less",
            lambda x: x <= 2.5,
        ),
        ("peak MiB of a loading process", two.peak_mebibytes, "under 300", lambda x: x < 300),
        ("re-run / first load, our own work", again.seconds / loads["whole"].seconds, "under 0.1", lambda x: x < 0.1),
        ("seconds of the whole DAG", dags["first"].seconds, "under 90", lambda x: x < 90),
        (
            "re-run / first run of the DAG",
            dags["again"].seconds / dags["first"].seconds,
            "under 0.1",
            lambda x: x < 0.1,
        ),
    ]
    if "long" in loads:
        growth = loads["long"].peak_mebibytes / two.peak_mebibytes
        rows.append((f"peak memory, file {MEMORY_TIMES} times as long / file", growth, "about 1", lambda x: x < 1.1))
    return rows


def enrichment_ratios(found: dict[str, Measurement], numbers: dict[str, float]) -> list[Ratio]:
    """What is asked of an enrichment."""
    usual, features = found["usual"], found["features 2"]
    return [
        (
            "tracks a second, audio features, 2 workers",
            features.rows / features.seconds,
            "10,000",
            lambda x: x >= 10_000,
        ),
        (
            "times faster than a usual loop, with embedding",
            (usual.seconds / usual.rows) / ((features.seconds + found["embedding"].seconds) / features.rows),
            "",
            lambda _: True,
        ),
        ("our own milliseconds a batch call", numbers["cpu"], "5 or less", lambda x: x <= 5),
        ("seconds to embed into all plays", found["embedding"].seconds, "under 10", lambda x: x < 10),
        ("share of the limit used by 4 workers", numbers["utilisation"], "0.95 or more", lambda x: x >= 0.95),
        (
            "most calls in any window / limit",
            numbers["largest"] / numbers["limit"],
            "1 or less",
            lambda x: x <= 1,
        ),
    ]


def sync_ratios(found: dict[str, Measurement], numbers: dict[str, float]) -> list[Ratio]:
    """What is asked of a sync."""
    copy, dlt, nothing = found["copy"].seconds, found["dlt"].seconds, found["nothing"]
    alone = min(found[name].seconds for name in ("alone", "alone beside"))
    whole = min(found[name].seconds for name in ("first", "beside"))
    ours = [one for name, one in found.items() if name not in ("copy", "dlt")]
    rows: list[Ratio] = [
        ("times faster than dlt's merge, plays alone", dlt / alone, "5 or more", lambda x: x >= 5),
        ("times faster than dlt's merge, all tables", dlt / whole, "5 or more", lambda x: x >= 5),
        ("times the time of one COPY, plays alone", alone / copy, "2 or less", lambda x: x <= 2),
        ("times the time of one COPY, all tables", whole / copy, "2 or less", lambda x: x <= 2),
        ("seconds with nothing new, proof included", nothing.seconds, "under 2", lambda x: x < 2),
        ("our own processor seconds with nothing new", nothing.processor_seconds, "", lambda _: True),
        ("rows written with nothing new", numbers["rows, nothing new"], "0", lambda x: x == 0),
        ("megabytes of WAL with nothing new", numbers["megabytes, nothing new"], "under 1", lambda x: x < 1),
        ("rows written / plays changed", numbers["rows, changed"] / numbers["changed"], "1", lambda x: x == 1),
        ("megabytes of WAL, one play in a hundred changed", numbers["megabytes, changed"], "", lambda _: True),
        ("peak MiB of a sync", max(one.peak_mebibytes for one in ours), "under 400", lambda x: x < 400),
    ]
    if "long" in found:
        growth = max(
            found[longer].peak_mebibytes / found[name].peak_mebibytes
            for name, longer in (("first", "long"), ("proof", "long proof"))
        )
        rows.append((f"peak memory, {LONG_TIMES} times the plays / the plays", growth, "about 1", lambda x: x < 1.1))
    return rows


def show_ratios(rows: Sequence[Ratio]) -> None:
    print(f"\n{'':50}{'measured':>10}  {'asked':14}")
    for name, value, asked, reached in rows:
        print(f"{name:50}{value:10.2f}  {asked:14}{'' if reached(value) else 'NOT REACHED'}")


if __name__ == "__main__":
    main()
