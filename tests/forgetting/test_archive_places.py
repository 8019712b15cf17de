"""An archive that holds plays of several users: written anew without one, and killed anywhere in between."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import bson
import pytest

from echotune.archive.archives import Archives, State
from echotune.archive.archiving import read_plays
from echotune.archive.errors import ArchiveError
from echotune.archive.parquet import write_plays
from echotune.archive.paths import written_file
from echotune.archive.plays import Play
from echotune.forgetting.archive_places import Archived
from echotune.forgetting.person import Person
from echotune.history.store import HistoryStore
from echotune.sync.archived import RULES
from tests.support.archiving import NOW, restore_all
from tests.support.databases import OPTIONS
from tests.support.dying import dies_at
from tests.support.forgetting import OTHER, PERSON
from tests.support.syncing import play

PLAYS = 9


def archived(store: HistoryStore) -> Archived:
    return Archived(store=store, person=Person(PERSON), open_path=Path)


def mixed(store: HistoryStore, folder: Path, *, owner: str = OTHER) -> dict[Any, bytes]:
    """Archive plays of both users in one file, as nothing of ours does; return the bytes of the other user's."""
    for name in store.database.list_collection_names():
        store.database[name].delete_many({})
    documents = [play(number, username=(PERSON, OTHER, OTHER)[number % 3]) for number in range(PLAYS)]
    plays = [Play.of(bson.encode(document, codec_options=OPTIONS)) for document in documents]
    archives = Archives(store)
    archive = archives.begin(target=str(folder), username=owner, year=2021, before=NOW, rules=RULES, run_id="test")
    with written_file(Path(archive.address)) as stream:
        written = write_plays(stream, plays, {})
    archives.move(archive, State.REMOVED, removed=PLAYS, **vars(written))
    store.archived_plays.insert_many([each.stub(archive.id) for each in plays])
    return {each.id: each.document for each in plays if each["username"] == OTHER}


def held(store: HistoryStore) -> dict[Any, bytes]:
    """The plays that are archived: noted, and in a file that is as its record says."""
    noted = {note["_id"] for note in store.archived_plays.find()}
    archives = Archives(store).in_states([State.REMOVED])
    plays = [each for archive in archives for group in read_plays(archive, Path, 4) for each in group]
    return {each.id: each.document for each in plays if each.id in noted}


@pytest.mark.parametrize("owner", [OTHER, PERSON])
def test_a_file_of_several_users_is_written_anew(store: HistoryStore, tmp_path: Path, owner: str) -> None:
    others = mixed(store, tmp_path, owner=owner)
    place = archived(store)
    assert dict(place.count()) == {"archive files": 1, "plays in archive files": 3, "archived plays": 3}
    place.remove()
    assert set(place.count().values()) == {0}
    assert held(store) == others
    (archive,) = Archives(store).in_states([State.REMOVED])
    assert (archive.username, archive.plays, archive.removed) == (OTHER, 6, 6)
    (file,) = tmp_path.rglob("*.parquet")
    assert str(file) == archive.address
    assert b"mona" not in file.read_bytes()
    assert all("mona" not in str(path) for path in tmp_path.rglob("*"))
    assert restore_all(store)[0].restored == 6


def test_killed_anywhere_it_loses_no_play_of_another_user(
    mongodb_uri: str, store: HistoryStore, tmp_path: Path
) -> None:
    for number in count(1):
        others = mixed(store, tmp_path / str(number))
        died = dies_at(number, mongodb_uri, store.database.name, lambda own: archived(own).remove())
        assert held(store).items() >= others.items()
        archived(store).remove()
        assert set(archived(store).count().values()) == {0}
        assert held(store) == others
        assert len(list((tmp_path / str(number)).rglob("*.parquet"))) == 1
        if not died:
            break
    assert number > 8


def test_a_damaged_file_is_not_copied(store: HistoryStore, tmp_path: Path) -> None:
    mixed(store, tmp_path)
    (file,) = tmp_path.rglob("*.parquet")
    store.archives.update_one({}, {"$set": {"sha256": "0" * 64}})
    with pytest.raises(ArchiveError, match="not as it was written"):
        archived(store).remove()
    assert list(tmp_path.rglob("*.parquet")) == [file]
