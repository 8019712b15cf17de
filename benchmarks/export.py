"""Spotify's own export beside a combined CSV of the very same plays."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from benchmarks import backfill
from benchmarks.measure import measure
from echotune.history.settings import LoadSettings
from local.sample import HEADER, write_sample
from local.sample.export import record_of, write_export
from local.servers.mongod import Mongod

RECORDS = 227_000


def measure_export(folder: Path) -> dict[str, float]:
    """Seconds of each whole load in one process, into databases of their own; the plays that differ."""
    folder.mkdir(parents=True)
    csv_path, zip_path = folder / "history.csv", folder / "my_spotify_data.zip"
    write_sample(csv_path, rows=RECORDS)
    username = write_zip(csv_path, zip_path)
    server = Mongod(folder / "mongodb")
    server.start()
    try:
        settings = LoadSettings(chunk_rows=backfill.SETTINGS.chunk_rows, username=username)
        from_csv = measure("CSV", RECORDS, backfill.load_all, (server.uri, "csv", str(csv_path), settings))
        from_zip = measure("ZIP", RECORDS, backfill.load_all, (server.uri, "zip", str(zip_path), settings))
        differing = differing_plays(server.uri)
    finally:
        server.stop()
    return {
        "csv seconds": from_csv.seconds,
        "zip seconds": from_zip.seconds,
        "zip peak MiB": from_zip.peak_mebibytes,
        "differing plays": differing,
    }


def write_zip(source: Path, target: Path) -> str:
    """Write the plays of a CSV as Spotify's ZIP; return whose they are."""
    with source.open(encoding="utf-8", newline="") as text:
        rows = csv.reader(text)
        next(rows)
        first = next(rows)
        text.seek(0)
        rows = csv.reader(text)
        next(rows)
        write_export(target, map(record_of, rows))
    return first[HEADER.index("username")]


def differing_plays(uri: str) -> int:
    """How many plays only one of both databases has."""
    with MongoClient[dict[str, Any]](uri) as client:
        ids = [{play["_id"] for play in client[name].listening_history.find({}, {"_id": 1})} for name in ("csv", "zip")]
    return len(ids[0] ^ ids[1])
