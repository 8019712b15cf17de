"""A user is forgotten everywhere, and of everybody else every byte stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import redis
from pymongo import MongoClient

from echotune.forgetting.errors import ForgettingError, SomethingIsLeft
from echotune.forgetting.forgetting import Forgetting
from echotune.forgetting.report import summarise
from echotune.forgetting.settings import ForgetSettings
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from tests.support.databases import everything
from tests.support.dying import dies_at
from tests.support.forgetting import (
    EACH,
    OTHER,
    PERSON,
    all_bytes,
    fill,
    forgetting_of,
    history_file,
    of_others,
    spelled,
)
from tests.support.loading import load_file, require_reconciled
from tests.support.proving import prove
from tests.support.supabase import Connection, connect
from tests.support.syncing import sync_all

KILLED_BEFORE = (3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36)
"""Numbers of commands to MongoDB, all through a removal."""

NOTHING_THERE = ["plays counted in tracks and gone"]


@pytest.fixture
def loaded(store: HistoryStore, supabase: Connection, redis_client: redis.Redis, tmp_path: Path) -> Path:
    """The file of a history that is in all systems."""
    return fill(store, supabase, redis_client, tmp_path)


@pytest.fixture
def forgetting(store: HistoryStore, supabase: Connection, redis_client: redis.Redis) -> Forgetting:
    return forgetting_of(store, supabase, redis_client)


def test_everything_of_a_user_goes_and_nothing_of_another_one(
    store: HistoryStore,
    supabase: Connection,
    redis_client: redis.Redis,
    tmp_path: Path,
    loaded: Path,
    forgetting: Forgetting,
) -> None:
    places = (store, supabase, redis_client, tmp_path)
    before, others = forgetting.search(), of_others(*places)
    written = all_bytes(*places)
    assert any(name in written for name in spelled())
    assert [name for name, number in before.items() if not number] == NOTHING_THERE
    assert (before["plays"], before["archived plays"], before["plays in archive files"]) == (7, 6, 6)
    assert before["PostgreSQL plays"] == EACH
    assert before["rejected rows"] == 2

    forgetting.remove()
    after = forgetting.search_until_gone()
    assert set(after.values()) == {0}
    assert after.keys() == before.keys()
    found = all_bytes(*places)
    assert [name for name in spelled() if name in found] == []
    kept = of_others(*places)
    rejections = [others.pop("rejections"), kept.pop("rejections")]
    assert kept == others
    assert [len(each) for each in rejections] == [2, 1]
    check = check_catalog(store)
    assert (check.expected, check.found) == (EACH + 3 + 1, EACH + 3 + 1)
    sync_all(supabase, store)
    assert not prove(supabase, store).where()
    assert [name for name in spelled() if name in all_bytes(*places)] == []


def test_a_look_writes_nothing(
    store: HistoryStore, tmp_path: Path, loaded: Path, forgetting: Forgetting, supabase: Connection
) -> None:
    before = everything(store.database)
    looked = forgetting.look()
    assert everything(store.database) == before
    assert (looked.counts["plays"], list(looked.files)) == (7, ["history.csv"])
    assert looked.accounts.sign_ins == 0
    text = str(summarise(looked.counts, None, files=1, left=[], problems=[], dry_run=True))
    assert PERSON not in text
    assert "nothing was touched" in text


@pytest.mark.parametrize("confirmation", ["", "mona", f"{PERSON} ", PERSON.upper()])
def test_another_confirmation_is_refused_without_a_name(confirmation: str) -> None:
    with pytest.raises(ForgettingError, match="type the same name twice. Nothing was touched") as refused:
        ForgetSettings.of({"username": PERSON, "confirmation": confirmation})
    assert "mona" not in str(refused.value)


def test_nobody_is_no_user() -> None:
    with pytest.raises(ForgettingError, match="username: "):
        ForgetSettings.of({"username": "", "confirmation": ""})


def test_a_removal_that_is_killed_anywhere_is_finished_by_the_next(
    mongodb_uri: str,
    store: HistoryStore,
    supabase: Connection,
    supabase_uri: str,
    redis_client: redis.Redis,
    redis_uri: str,
    tmp_path: Path,
    loaded: Path,
) -> None:
    places = (store, supabase, redis_client, tmp_path)
    others = of_others(*places)

    def work(own: HistoryStore) -> None:
        with connect(supabase_uri) as connection, redis.Redis.from_url(redis_uri) as client:
            forgetting_of(own, connection, client).remove()

    died = [dies_at(number, mongodb_uri, store.database.name, work) for number in KILLED_BEFORE]
    assert any(died)
    forgetting = forgetting_of(store, supabase, redis_client)
    forgetting.remove()
    assert set(forgetting.search_until_gone().values()) == {0}
    found = all_bytes(*places)
    assert [name for name in spelled() if name in found] == []
    kept = of_others(*places)
    assert {**kept, "rejections": []} == {**others, "rejections": []}
    assert check_catalog(store).expected == check_catalog(store).found


def test_what_always_comes_back_fails_with_its_name(
    store: HistoryStore, tmp_path: Path, mongodb_client: MongoClient[dict[str, Any]]
) -> None:
    forgetting = forgetting_of(store)
    statistics = store.listening_statistics
    forgetting.wait = lambda _: None
    statistics.replace_one({"_id": PERSON}, {"plays": 3}, upsert=True)
    remove = forgetting.remove

    def remove_in_vain() -> None:
        remove()
        statistics.replace_one({"_id": PERSON}, {"plays": 3}, upsert=True)

    forgetting.remove = remove_in_vain  # type: ignore[method-assign]
    with pytest.raises(SomethingIsLeft, match="after 2 rounds there is still: 1 in statistics"):
        forgetting.search_until_gone(rounds=2)


def test_what_is_loaded_afterwards_is_there_again(store: HistoryStore, tmp_path: Path) -> None:
    path = history_file(tmp_path)
    load_file(store, path, chunk_rows=10)
    forgetting = forgetting_of(store)
    forgetting.remove()
    forgetting.search_until_gone()
    assert store.plays.distinct("user.username") == [OTHER]
    again = load_file(store, path, chunk_rows=10)
    assert (again.counts.inserted, again.counts.already_there, again.counts.forgotten) == (EACH, EACH, 0)
    require_reconciled(store, again)
