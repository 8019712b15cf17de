"""The load of a history, beside other ways to do it, and as a DAG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo import MongoClient

from benchmarks import backfill
from benchmarks.dag import run_dag
from benchmarks.database import Database
from benchmarks.found import Found, Ratio, say
from benchmarks.measure import Measurement, measure
from benchmarks.more_plays import MORE_ROWS, write_more_plays
from benchmarks.peers import insert_encoded, load_row_by_row
from benchmarks.stack import own_stack
from local.sample.writer import write_sample
from local.servers.mongod import Mongod

PROCESSES = 2
MEMORY_TIMES = 10


def measure_loads(folder: Path, path: Path, rows: int, *, quick: bool) -> Found:
    """Measure every way of loading a file, and unless in a hurry a longer file.

    :param rows: the rows of the file
    """
    long_path = None
    if not quick:
        long_path = folder / "long.csv"
        write_sample(long_path, rows=rows * MEMORY_TIMES)
    loads = _measure_alone(folder / "mongodb", path, long_path, rows)
    dags = _measure_dag(path, rows)
    return Found(measurements=[*loads.values(), *dags.values()], ratios=_ratios(loads, dags))


def _measure_alone(folder: Path, path: Path, long_path: Path | None, rows: int) -> dict[str, Measurement]:
    """The loads without Airflow, on a MongoDB of their own: an idle Airflow takes a good part of a core."""
    server = Mongod(folder)
    server.start()
    try:
        loads = _measure_ways(server.uri, str(path), rows)
        if long_path:
            loads["long"] = _measure_long(server.uri, str(long_path), rows * MEMORY_TIMES)
        return loads
    finally:
        server.stop()


def _measure_ways(uri: str, path: str, rows: int) -> dict[str, Measurement]:
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
        found["two"] = _measure_parallel("ours, 2 processes", uri, database.name, path, rows)
    with Database(uri) as database:
        say("the whole backfill without Airflow, and again ...")
        arguments = (uri, database.name, path)
        found["whole"] = measure("ours, whole load, 1 process", rows, backfill.load_all, arguments)
        found["again"] = measure("ours, whole load again, unchanged", rows, backfill.load_all, arguments)
        more = (uri, database.name, str(write_more_plays(Path(path))))
        found["more"] = measure("ours, whole load of a few more rows", MORE_ROWS, backfill.load_all, more)
    return found


def _measure_long(uri: str, path: str, rows: int) -> Measurement:
    with Database(uri) as database:
        say(f"a file {MEMORY_TIMES} times as long in {PROCESSES} processes ...")
        return _measure_parallel(f"ours, 2 processes, {MEMORY_TIMES} times", uri, database.name, path, rows)


def _measure_parallel(name: str, uri: str, database: str, path: str, rows: int) -> Measurement:
    """Load a file's chunks side by side, each process taking every other chunk."""
    ((file_plan, chunks),) = backfill.plan(uri, database, path)
    shares = [(uri, database, chunks[first::PROCESSES], file_plan.rows) for first in range(PROCESSES)]
    return measure(name, rows, backfill.load, *shares)


def _measure_dag(path: Path, rows: int) -> dict[str, Measurement]:
    """The DAG in a stack of its own: a first load, and the same file again."""
    say("the DAG csv_backfill in Airflow, and again ...")
    with own_stack() as stack:
        settings = stack.variables
        with MongoClient[dict[str, Any]](settings["MONGODB_URI"]) as client:
            client.drop_database(settings["MONGODB_DATABASE"])
        return {
            "first": _dag_measurement("DAG csv_backfill, first run", rows, run_dag(stack, path)),
            "again": _dag_measurement("DAG csv_backfill, same file again", rows, run_dag(stack, path)),
        }


def _dag_measurement(name: str, rows: int, seconds: float) -> Measurement:
    return Measurement(name=name, rows=rows, seconds=seconds, peak_mebibytes=0)


def _ratios(loads: dict[str, Measurement], dags: dict[str, Measurement]) -> list[Ratio]:
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
        (
            f"load of {MORE_ROWS:,} rows more / first load",
            loads["more"].seconds / loads["whole"].seconds,
            "",
            lambda _: True,
        ),
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
