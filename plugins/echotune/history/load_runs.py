"""The record of loads: one document a file and one a chunk, and what a re-run reads to skip what is done.

Ids are computed from content and settings. A chunk's id rests on its own bytes and place, so a file that grew
finds its old chunks done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from more_itertools import chunked
from pymongo import UpdateOne

from echotune.history.chunks import Chunk
from echotune.history.counts import LoadCounts
from echotune.history.preflight import InspectedFile
from echotune.history.settings import BadRowAction, LoadSettings
from echotune.history.store import HistoryStore

LOAD_NAMESPACE = UUID("b7f6a1de-0a8e-5b52-9c64-7e4d1d6f2c11")
FORGETTING = "forgetting"
FORGETTING_ID = uuid5(LOAD_NAMESPACE, FORGETTING)
"""The one record that is of no file: plays were taken away, and the catalog may still count them."""

Record = Mapping[str, Any]
"""A document of ``load_runs``."""

LOADED = {"source.sha256": 1, "written_from": 1, "chunk": 1, "uncounted_from": 1, "updated_at": 1}
"""The fields of a record that tell which plays its load may have brought, and whether it was written to since."""

RUNNING = "running"
"""The state of a record whose load works, or was cut off."""

NEITHER_COMPARED_NOR_COUNTED = {"in_catalog": False, "duplicates_checked": False}
"""What a record says whose plays wait for the steps behind a load."""

RECORDS_AT_ONCE = 1_000
"""Records whose plays are looked for by one command."""


def file_load_id(file: InspectedFile, settings: LoadSettings) -> UUID:
    """The id of the record of loading a file: the same for the same content, settings and chunks."""
    return _load_id("file", file.sha256, str(settings.chunk_rows), settings)


def chunk_load_id(chunk: Chunk, settings: LoadSettings) -> UUID:
    """The id of the record of loading a chunk: the same for the same content, place and settings."""
    return _load_id("chunk", chunk.content_sha256, str(chunk.first_row), settings)


def _load_id(kind: str, sha256: str, place: str, settings: LoadSettings) -> UUID:
    return uuid5(LOAD_NAMESPACE, "\0".join((kind, sha256, place, settings.username, settings.pii_policy)))


def record_plan(store: HistoryStore, file: InspectedFile, chunks: Sequence[Chunk], settings: LoadSettings) -> None:
    """Keep the plan of a file, so that the same file need not be cut again."""
    store.load_runs.update_one(
        {"_id": file_load_id(file, settings)},
        {
            "$set": {
                "kind": "file",
                "source": {"file": file.name, "sha256": file.sha256, "size": file.size},
                "settings": _settings_kept(settings),
                "rows": sum(chunk.rows for chunk in chunks),
                "chunks": [asdict(chunk) for chunk in chunks],
                "state": RUNNING,
                "updated_at": datetime.now(UTC),
            },
            "$setOnInsert": {"created_at": datetime.now(UTC)},
        },
        upsert=True,
    )


def recorded_plan(store: HistoryStore, file: InspectedFile, settings: LoadSettings) -> list[Chunk] | None:
    """Return the chunks of a file that was planned before, at the path it has now, or None."""
    record = store.load_runs.find_one({"_id": file_load_id(file, settings)}, {"chunks": 1})
    if record is None:
        return None
    here = {"path": file.path, "member": file.member, "file": file.name}
    return [Chunk(**(chunk | here)) for chunk in record["chunks"]]


def finish_file(
    store: HistoryStore, file: InspectedFile, settings: LoadSettings, counts: LoadCounts, *, reconciled: bool
) -> None:
    """Close the record of a file; where it is reconciled, remember for each chunk how many plays of it there are."""
    store.load_runs.update_one(
        {"_id": file_load_id(file, settings)},
        {
            "$set": {
                "state": "done" if reconciled else "failed",
                "counts": asdict(counts),
                "updated_at": datetime.now(UTC),
            }
        },
    )
    if not reconciled:
        return
    ids = [chunk_load_id(chunk, settings) for chunk in recorded_plan(store, file, settings) or ()]
    for record in list(store.load_runs.find({"_id": {"$in": ids}, "state": "done", "plays": {"$exists": False}})):
        plays = _count_plays(store, _plays_of_record(record), settings)
        store.load_runs.update_one({"_id": record["_id"]}, {"$set": {"plays": plays}})


def make_catalog_due(store: HistoryStore) -> None:
    """Have all of the catalog counted anew although no load brought plays: some are taken away."""
    due = {"kind": FORGETTING, "in_catalog": False, "updated_at": datetime.now(UTC)}
    store.load_runs.update_one({"_id": FORGETTING_ID}, {"$set": due}, upsert=True)


def begin_chunk(store: HistoryStore, chunk: Chunk, settings: LoadSettings) -> str | None:
    """Record that a chunk is being loaded; return the state that a load before left, None where there was none.

    From now on it may have plays, which wait for what is done behind a load: who is killed does not come to its end.
    """
    before = store.load_runs.find_one_and_update(
        {"_id": chunk_load_id(chunk, settings)},
        {
            "$set": _chunk_fields(chunk, settings, RUNNING) | NEITHER_COMPARED_NOR_COUNTED,
            "$addToSet": {"written_from": chunk.sha256},
            "$inc": {"attempts": 1},
            "$setOnInsert": {"created_at": datetime.now(UTC)},
        },
        {"state": 1},
        upsert=True,
    )
    return before["state"] if before else None


def finish_chunk(
    store: HistoryStore, chunk: Chunk, settings: LoadSettings, counts: LoadCounts, *, was_cut_off: bool
) -> None:
    """Record that a chunk is in the database, and what is still to be done with its plays.

    The record may be gone meanwhile: who forgets a user removes those of the user's files.

    :param was_cut_off: whether a load before this one did not come to its end
    """
    store.load_runs.update_one(
        {"_id": chunk_load_id(chunk, settings)},
        {
            "$set": _chunk_fields(chunk, settings, "done") | loaded_fields(counts, was_cut_off=was_cut_off),
            "$setOnInsert": {"created_at": datetime.now(UTC)},
            "$unset": {"plays": ""},
        },
        upsert=True,
    )


def loaded_fields(counts: LoadCounts, *, was_cut_off: bool) -> dict[str, Any]:
    """What a record says of plays that are in the database: not compared with others, nor in the catalog, nor told.

    :param was_cut_off: whether a load before may have brought plays and told nobody
    """
    untold = {"announced": False} if counts.inserted or was_cut_off else {}
    return {"counts": asdict(counts), **NEITHER_COMPARED_NOR_COUNTED, **untold}


def finish_step(store: HistoryStore, records: Iterable[Record], change: Mapping[str, Any]) -> None:
    """Note that a step is done for the plays of some records, but for those that got plays since they were read.

    :param records: with their ``updated_at``
    """
    changes = [UpdateOne({"_id": each["_id"], "updated_at": each.get("updated_at")}, change) for each in records]
    if changes:
        store.load_runs.bulk_write(changes, ordered=False)


def is_unfinished(store: HistoryStore) -> bool:
    """Whether plays that are loaded still wait for a step behind their load: a run failed before it, or works now."""
    waiting = {"$or": [{"in_catalog": False}, {"announced": False}, {"kind": "chunk", "duplicates_checked": False}]}
    collections = ((store.load_runs, waiting), (store.tracks, {"embedding_due": {"$exists": True}}))
    return any(collection.find_one(query, {"_id": 1}) for collection, query in collections)


def announce_new_plays(store: HistoryStore, run: str) -> int:
    """Let a run be the one that tells of new plays that no other has told of; return the number of their chunks.

    Plays wait until they are in the catalog. A run that is tried again finds what it was given before.

    :param run: names it among the runs of all DAGs
    """
    told = {"announced": True, "announced_by": run}
    store.load_runs.update_many({"announced": False, "in_catalog": True}, {"$set": told})
    return store.load_runs.count_documents(told)


def _chunk_fields(chunk: Chunk, settings: LoadSettings, state: str) -> dict[str, Any]:
    return {
        "kind": "chunk",
        "source": {"file": chunk.file, "sha256": chunk.sha256},
        "chunk": {"index": chunk.index, "first_row": chunk.first_row, "rows": chunk.rows},
        "settings": _settings_kept(settings),
        "state": state,
        "updated_at": datetime.now(UTC),
    }


def remove_records_of(store: HistoryStore, username: str) -> int:
    """Remove the records of loads that were asked for one user's plays only; return how many there were."""
    return store.load_runs.delete_many({"settings.username": username}).deleted_count


def done_chunks(store: HistoryStore, chunks: Iterable[Chunk], settings: LoadSettings) -> dict[int, LoadCounts]:
    """Return the counts of the chunks, by index, that need not be read again.

    A chunk is done when its record says so and its plays are still in the collection. Where a person wants to stop
    at bad rows, a chunk that had some is not done; nor is one of which rows of a forgotten user were left out.
    """
    by_id = {chunk_load_id(chunk, settings): chunk for chunk in chunks}
    done = {}
    for record in list(store.load_runs.find({"_id": {"$in": list(by_id)}, "state": "done"})):
        counts = LoadCounts(**record["counts"])
        must_stop = settings.on_bad_row is BadRowAction.STOP and counts.rejected
        there = _count_plays(store, _plays_of_record(record), settings)
        if not must_stop and not counts.forgotten and there >= max(counts.inserted, record.get("plays", 0)):
            done[by_id[record["_id"]].index] = counts
    return done


def plays_of_records(records: Iterable[Record]) -> Iterator[dict[str, Any]]:
    """Filters for the plays that loads may have brought, each for up to ``RECORDS_AT_ONCE`` of them."""
    for filters in chunked(map(_plays_of_record, records), RECORDS_AT_ONCE):
        yield {"$or": filters}


def files_of_record(record: Record) -> list[str]:
    """The SHA-256 of the files that its plays may name as theirs: a load may be cut off, and its file grow then."""
    return list(record.get("written_from", [record["source"]["sha256"]]))


def _plays_of_record(record: Record) -> dict[str, Any]:
    """All of its chunk, or of its source from some row on."""
    rows = {}
    if chunk := record.get("chunk"):
        rows = {"source.row": {"$gte": chunk["first_row"], "$lt": chunk["first_row"] + chunk["rows"]}}
    elif "uncounted_from" in record:
        rows = {"source.row": {"$gte": record["uncounted_from"]}}
    return {"source.sha256": {"$in": files_of_record(record)}} | rows


def plays_inserted(store: HistoryStore, file: InspectedFile, settings: LoadSettings) -> int:
    """Plays that the chunks of a file's plan say they inserted."""
    ids = [chunk_load_id(chunk, settings) for chunk in recorded_plan(store, file, settings) or ()]
    match = {"_id": {"$in": ids}, "state": "done", "source.sha256": file.sha256}
    total = {"$group": {"_id": None, "plays": {"$sum": "$counts.inserted"}}}
    return int(next(store.load_runs.aggregate([{"$match": match}, total]), {"plays": 0})["plays"])


def plays_of_file(store: HistoryStore, sha256: str, settings: LoadSettings) -> int:
    """Plays in the collection that came from a file."""
    return _count_plays(store, {"source.sha256": sha256}, settings)


def _count_plays(store: HistoryStore, query: dict[str, Any], settings: LoadSettings) -> int:
    users = {"user.username": settings.username} if settings.username else {}
    return store.plays.count_documents(query | users)


def _settings_kept(settings: LoadSettings) -> dict[str, str]:
    """The settings that decide which documents a chunk becomes."""
    return {"username": settings.username, "pii_policy": settings.pii_policy.value}
