"""make bench: loads, enriches and syncs one file in several ways, and prints the numbers and their ratios."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import backfill, export, listening_statistics, scale
from benchmarks.database import Database
from benchmarks.enrichment import measure_enrichment
from benchmarks.found import Found, Ratio, say, show, show_ratios
from benchmarks.loads import measure_loads
from benchmarks.maintenance import measure_maintenance
from benchmarks.measure import Measurement
from benchmarks.page import measure_page
from benchmarks.stack import own_stack
from benchmarks.sync import LONG_TIMES, measure_sync
from local.sample.writer import write_sample
from local.servers.mongod import Mongod

ROWS = 208_934
MOST_GROWTH = 1.1
"""Times the growth of the history: 11 times the time for 10 times the plays."""

MOST_MEMORY_GROWTH = 1.2


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What all parts measure with.

    :param folder: where their servers and files may be
    :param path: the file
    :param rows: its rows
    :param quick: whether to leave out the files several times as long
    """

    folder: Path
    path: Path
    rows: int
    quick: bool


def main() -> None:
    """Measure what the command line names, and print what was found."""
    arguments = read_arguments()
    with TemporaryDirectory() as folder:
        if arguments.scale:
            show_ratios(measure_growth(Path(folder), arguments.rows, arguments.scale))
            return
        path = Path(folder) / "history.csv"
        write_sample(path, rows=arguments.rows)
        bench = Bench(folder=Path(folder), path=path, rows=arguments.rows, quick=arguments.quick)
        parts = [PARTS[arguments.part]] if arguments.part else [measure_all_loads, *PARTS.values()]
        found = [measure_part(bench) for measure_part in parts]
    if measurements := [one for part in found for one in part.measurements]:
        show(measurements)
    show_ratios([ratio for part in found for ratio in part.ratios])


def read_arguments() -> argparse.Namespace:
    """Return what the command line asks for: ``rows``, ``quick``, and the ``part`` or ``scale`` to measure alone."""
    parser = argparse.ArgumentParser(prog="make bench BENCH=…", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows of the file (default {ROWS:,})")
    parser.add_argument("--quick", action="store_true", help="leave out the files several times as long")
    alone = parser.add_mutually_exclusive_group()
    for name, measure_part in PARTS.items():
        text = f"nothing but: {measure_part.__doc__}"
        alone.add_argument(f"--{name}", dest="part", action="store_const", const=name, help=text)
    alone.add_argument("--scale", type=float, help="nothing but how each step grows, up to so many times")
    return parser.parse_args()


def measure_all_loads(bench: Bench) -> Found:
    """Every way of loading a file."""
    return measure_loads(bench.folder, bench.path, bench.rows, quick=bench.quick)


def measure_export(bench: Bench) -> Found:
    """The load of Spotify's own export, beside that of a CSV with the very same plays."""
    say(f"a ZIP of {export.RECORDS:,} records and a CSV of as many plays ...")
    found = export.measure_export(bench.folder / "export")
    ratios: list[Ratio] = [
        ("seconds of the CSV's load", found["csv seconds"], "", lambda _: True),
        ("seconds of the ZIP's load", found["zip seconds"], "", lambda _: True),
        ("times the time of the CSV", found["zip seconds"] / found["csv seconds"], "1.5 or less", lambda x: x <= 1.5),
        ("peak MiB of loading the ZIP", found["zip peak MiB"], "under 300", lambda x: x < 300),
        ("plays that only one of both has", found["differing plays"], "0", lambda x: x == 0),
    ]
    return Found(ratios=ratios)


def measure_statistics(bench: Bench) -> Found:
    """The listening statistics, beside pandas."""
    say("the listening statistics, and pandas ...")
    found = listening_statistics.measure_statistics(bench.folder / "statistics", bench.path)
    ratios: list[Ratio] = [
        ("seconds of a refresh", found["seconds"], "under 5", lambda x: x < 5),
        ("seconds of pandas, with reading the plays", found["pandas seconds"], "", lambda _: True),
        ("numbers that differ from those of pandas", found["differing"], "0", lambda x: x == 0),
        ("seconds of writing ml_features", found["features seconds"], "", lambda _: True),
    ]
    return Found(ratios=ratios)


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


def measure_enriched(bench: Bench) -> Found:
    """The enrichment of a loaded history, on servers of its own."""
    folder = bench.folder / "enrichment"
    server = Mongod(folder / "mongodb")
    server.start()
    try:
        with Database(server.uri) as database:
            say("the enrichment against the simulator ...")
            backfill.load_all(server.uri, database.name, str(bench.path))
            enrichments, numbers = measure_enrichment(folder, server, database.name)
    finally:
        server.stop()
    return Found(measurements=list(enrichments.values()), ratios=enrichment_ratios(enrichments, numbers))


def measure_synced(bench: Bench) -> Found:
    """The sync of a loaded history to PostgreSQL, and unless in a hurry of a longer one."""
    long_path = None
    if not bench.quick:
        long_path = bench.folder / "long-for-sync.csv"
        write_sample(long_path, rows=bench.rows * LONG_TIMES)
    say("the sync to PostgreSQL, dlt's merge and one COPY ...")
    syncs, written = measure_sync(bench.folder / "sync", bench.path, bench.rows, long_path)
    return Found(measurements=list(syncs.values()), ratios=sync_ratios(syncs, written))


def measure_maintained(bench: Bench) -> Found:
    """The maintenance of indexes with nothing to do, and rebuilds beside a writer and a reader."""
    say("the maintenance of indexes ...")
    found = measure_maintenance(bench.folder / "maintenance", bench.path)
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
    return Found(ratios=rows)


def measure_shown(bench: Bench) -> Found:
    """The page in the Airflow UI, over a history that went all the way, in a stack of its own."""
    say("the page in the Airflow UI ...")
    with own_stack() as stack:
        found = measure_page(stack, bench.path)
    ratios: list[Ratio] = [
        (f"page, {panel}: milliseconds {when}", milliseconds, "under 300", lambda x: x < 300)
        for when, panels in found.items()
        for panel, milliseconds in panels.items()
    ]
    return Found(ratios=ratios)


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


PARTS: dict[str, Callable[[Bench], Found]] = {
    "enrichment": measure_enriched,
    "sync": measure_synced,
    "maintenance": measure_maintained,
    "export": measure_export,
    "statistics": measure_statistics,
    "page": measure_shown,
}
"""What can be measured alone, by the name of its option."""


if __name__ == "__main__":
    main()
