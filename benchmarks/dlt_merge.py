"""A peer of the sync, run by a Python that has dlt: its merge of a collection, nested values as JSON.

python benchmarks/dlt_merge.py MONGODB_URI DATABASE POSTGRESQL_URI FOLDER prints seconds and peak memory as JSON.
It imports nothing of the project: dlt is never one of its requirements.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import dlt
from pymongo import MongoClient

COLLECTION = "listening_history"
PAGE_DOCUMENTS = 10_000


@dlt.resource(name=COLLECTION, write_disposition="merge", primary_key="_id", max_table_nesting=0)
def collection(uri: str, database: str) -> Iterator[list[dict[str, Any]]]:
    """Pages of documents as dlt's own MongoDB source makes them: ids as text, the rest as it is."""
    with MongoClient[dict[str, Any]](uri, uuidRepresentation="standard", tz_aware=True) as client:
        documents = iter(client[database][COLLECTION].find())
        while page := list(islice(documents, PAGE_DOCUMENTS)):
            yield [document | {"_id": str(document["_id"])} for document in page]


def main(uri: str, database: str, postgres_uri: str, folder: str) -> None:
    started = time.perf_counter()
    pipeline = dlt.pipeline(
        pipeline_name="listening_history",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(postgres_uri),
        dataset_name="dlt",
    )
    pipeline.run(collection(uri, database)).raise_on_failed_jobs()
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "peak_kibibytes": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
