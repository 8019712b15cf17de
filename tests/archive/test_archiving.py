"""Plays into files and out of MongoDB: nothing goes that is not proved, and all of it comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from bson import ObjectId

from echotune.archive.archives import State
from echotune.archive.errors import ArchiveError
from echotune.archive.settings import ArchiveSettings
from echotune.history.store import HistoryStore
from tests.support.archiving import archive_all, bytes_of_plays, restore_all
from tests.support.syncing import play


@pytest.fixture
def plays(store: HistoryStore) -> dict[Any, bytes]:
    """Twelve plays over the turn of a year, and one of this year; by id, as their bytes."""
    documents = [play(number) for number in range(12)]
    store.plays.insert_many([*documents, play(200, timestamp=datetime(2026, 10, 1, tzinfo=UTC))])
    return bytes_of_plays(store)


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


def test_old_plays_leave_mongodb_and_younger_ones_stay(
    store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path
) -> None:
    done = archive_all(store, tmp_path)
    assert [(one.username, one.year, one.plays, one.removed) for one in done] == [
        ("listener", 2021, 4, 4),
        ("listener", 2022, 8, 8),
    ]
    assert list(bytes_of_plays(store)) == [UUID(int=200)]
    assert store.archived_plays.count_documents({}) == 12


def test_a_file_is_one_users_year_with_columns_that_any_tool_reads(
    store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path
) -> None:
    archive_all(store, tmp_path)
    (first, second) = files_in(tmp_path)
    assert first.parent == tmp_path / "user=listener" / "year=2021"
    table = pq.read_table(second, partitioning=None)
    assert table.column_names[:4] == ["id", "played_at", "username", "spotify_track_uri"]
    row = table.slice(0, 1).to_pylist()[0]
    assert (row["id"], row["played_at"], row["username"], row["track_name"], row["ms_played"]) == (
        UUID(int=4),
        play(4)["timestamp"],
        "listener",
        "Track 1",
        1004,
    )
    assert [stored in plays.values() for stored in table.column("document").to_pylist()] == [True] * 8


def test_a_restore_gives_the_very_same_documents(store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path) -> None:
    archive_all(store, tmp_path)
    files = files_in(tmp_path)
    assert sum(one.restored for one in restore_all(store)) == 12
    assert bytes_of_plays(store) == plays
    assert store.archived_plays.count_documents({}) == 0
    assert files_in(tmp_path) == files


def test_a_restore_of_one_year_leaves_the_others(store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path) -> None:
    archive_all(store, tmp_path)
    restore_all(store, year=2021)
    assert len(bytes_of_plays(store)) == 5
    restore_all(store, usernames="somebody else")
    assert len(bytes_of_plays(store)) == 5


def test_what_was_restored_is_archived_again_and_restored_from_its_latest_file(
    store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path
) -> None:
    archive_all(store, tmp_path)
    restore_all(store)
    store.plays.update_many({}, {"$set": {"track.name": "Another"}})
    after = bytes_of_plays(store)
    archive_all(store, tmp_path)
    restore_all(store)
    assert bytes_of_plays(store) == after


def test_a_second_run_finds_nothing_to_do(store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path) -> None:
    archive_all(store, tmp_path)
    files = files_in(tmp_path)
    assert archive_all(store, tmp_path) == []
    assert files_in(tmp_path) == files


def test_only_the_named_users_plays_are_archived(store: HistoryStore, tmp_path: Path) -> None:
    store.plays.insert_many([play(1), play(2, username="anna / ../x"), play(3, username="bert")])
    archive_all(store, tmp_path, usernames="anna / ../x\nnobody")
    assert {found["user"]["username"] for found in store.plays.find()} == {"listener", "bert"}
    (file,) = files_in(tmp_path)
    assert file.parent == tmp_path / "user=anna%20%2F%20..%2Fx" / "year=2021"


def test_a_play_that_has_no_row_stays(store: HistoryStore, tmp_path: Path) -> None:
    store.plays.insert_many([play(1), play(2, listening={"ms_played": "long"}), play(3, timestamp="2019")])
    store.plays.insert_one(play(4) | {"_id": ObjectId()})
    (done,) = [one for one in archive_all(store, tmp_path) if one.year == 2021]
    assert (done.removed, done.unfit) == (1, 1)
    assert store.plays.count_documents({}) == 3


def test_a_play_is_archived_whatever_else_is_in_it(store: HistoryStore, tmp_path: Path) -> None:
    odd: dict[str, Any] = {
        "nested": [{"a": [None, 1.5, {"$x": ObjectId()}]}],
        "": "no name",
        "track": None,
        "updated_at": "never",
    }
    store.plays.insert_one(play(1, **odd))
    before = bytes_of_plays(store)
    assert [one.removed for one in archive_all(store, tmp_path)] == [1]
    restore_all(store)
    assert bytes_of_plays(store) == before


@pytest.mark.parametrize("damage", [lambda old: old[:-9], lambda old: old[:40] + b"?" + old[41:], lambda old: b""])
def test_nothing_is_removed_by_a_file_that_is_damaged(
    store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    def on_a_bad_disk(address: str) -> Path:
        path = Path(address)
        if path.exists():
            path.write_bytes(damage(path.read_bytes()))
        return path

    with pytest.raises(ArchiveError, match="not as it was written"):
        archive_all(store, tmp_path, open_path=on_a_bad_disk)
    assert bytes_of_plays(store) == plays


def test_a_target_that_cannot_be_written_is_named(store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match=r"file/user=listener.* cannot be written"):
        archive_all(store, tmp_path / "file")
    assert bytes_of_plays(store) == plays


def test_a_file_that_is_gone_is_named_by_its_restore(
    store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path
) -> None:
    archive_all(store, tmp_path)
    kept = bytes_of_plays(store)
    for file in files_in(tmp_path):
        file.rename(file.with_suffix(".moved"))
    with pytest.raises(ArchiveError, match="cannot be read"):
        restore_all(store)
    assert bytes_of_plays(store) == kept
    for file in tmp_path.rglob("*.moved"):
        file.rename(file.with_suffix(".parquet"))
    restore_all(store)
    assert bytes_of_plays(store) == plays


def test_the_file_is_its_owners_alone(store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path) -> None:
    archive_all(store, tmp_path)
    assert {file.stat().st_mode & 0o777 for file in files_in(tmp_path)} == {0o600}


def test_the_record_of_a_file_says_what_is_in_it(store: HistoryStore, plays: dict[Any, bytes], tmp_path: Path) -> None:
    archive_all(store, tmp_path)
    (record, _) = store.archives.find().sort("year", 1)
    (file, _) = files_in(tmp_path)
    assert record["state"] == State.REMOVED
    assert (record["plays"], record["removed"], record["size"]) == (4, 4, file.stat().st_size)
    assert (record["first"], record["last"]) == (play(0)["timestamp"], play(3)["timestamp"])


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (datetime(2026, 11, 20, 5, tzinfo=UTC), datetime(2024, 11, 1, tzinfo=UTC)),
        (datetime(2024, 2, 29, tzinfo=UTC), datetime(2022, 2, 1, tzinfo=UTC)),
    ],
)
def test_months_are_archived_whole(now: datetime, before: datetime) -> None:
    assert ArchiveSettings.of({"older_than_years": "2", "target": "x"}).before(now) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"older_than_years": 0, "target": "x"}, "older_than_years is 0"),
        ({"older_than_years": 5, "target": " "}, "name a folder or an address"),
        ({"older_than_years": 5, "target": "x", "usernames": "a", "other": 1}, "other is 1"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchiveError, match=message):
        ArchiveSettings.of(settings)
