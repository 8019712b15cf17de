"""Archives in object storage, through Airflow's ObjectStoragePath."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import fsspec
import pytest
from airflow.sdk.io.store import attach

from echotune.archive.archives import Archives
from echotune.archive.reading import ArchiveFiles
from echotune.archive.restoring import restore_archive
from echotune.history.store import HistoryStore
from echotune.operators.history_path import archive_path
from tests.support.archiving import archive_all, bytes_of_plays
from tests.support.syncing import play

YEAR = (datetime(2022, 1, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC))


@pytest.fixture
def bucket() -> Iterator[str]:
    """An empty bucket in fsspec's memory."""
    memory, name = fsspec.filesystem("memory"), uuid4().hex
    attach("memory", fs=memory)
    yield f"memory://{name}"
    memory.rm(f"/{name}", recursive=True)


def test_plays_go_to_a_bucket_and_come_back(store: HistoryStore, bucket: str) -> None:
    store.plays.insert_many([play(number) for number in range(8)])
    before = bytes_of_plays(store)
    archive_all(store, bucket, open_path=archive_path)
    (first, second) = store.archives.find().sort("year", 1)
    assert second["address"].startswith(f"{bucket}/user=listener/year=2022/plays-")
    read = ArchiveFiles(store=store, open_path=archive_path).documents(*YEAR)
    assert [document["_id"] for document in read] == [play(number)["_id"] for number in range(4, 8)]
    for archive in (first, second):
        restore_archive(store, archive["_id"], archive_path, "test")
    assert bytes_of_plays(store) == before


def test_a_file_that_was_begun_is_thrown_away(store: HistoryStore, bucket: str) -> None:
    store.plays.insert_one(play(1))
    begun = Archives(store).begin(
        target=bucket,
        username="listener",
        year=2021,
        before=datetime(2025, 1, 1, tzinfo=UTC),
        rules="",
        run_id="cut off",
    )
    with archive_path(begun.address).open("wb") as stream:
        stream.write(b"the beginning")
    archive_all(store, bucket, open_path=archive_path)
    assert len(fsspec.filesystem("memory").find(f"/{bucket.removeprefix('memory://')}")) == 1
    assert [archive["_id"] == begun.id for archive in store.archives.find()] == [False]
