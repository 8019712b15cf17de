"""Whose a rejected row is, and what of Redis names a user."""

from __future__ import annotations

import json

import pytest
import redis

from echotune.forgetting.person import Person
from echotune.forgetting.redis_place import RedisEntries
from echotune.history.rejected_owner import is_of, may_be_of, names_in
from echotune.history.store import HistoryStore
from tests.support.forgetting import OTHER, PERSON
from tests.support.rows import csv_text, row


def raw_of(username: str, **cells: str) -> str:
    return csv_text([row(username=username, **cells)]).splitlines()[1]


@pytest.mark.parametrize(
    ("rejected", "expected"),
    [
        ({"username": PERSON, "raw": ""}, True),
        ({"username": OTHER, "raw": raw_of(PERSON)}, True),
        ({"raw": raw_of(PERSON)}, True),
        ({"raw": raw_of(OTHER, master_metadata_track_name_x=PERSON)}, False),
        ({"raw": csv_text([["broken", PERSON]]).splitlines()[1]}, True),
        ({"raw": f"broken,about {PERSON}"}, False),
        ({"raw": json.dumps({"ts": "x", "username": PERSON})}, True),
        ({"raw": json.dumps({"username": OTHER, "track": PERSON}, ensure_ascii=False)}, False),
        ({"raw": json.dumps({"username": PERSON, "long": "x" * 9})[:-3]}, True),
        ({"raw": ""}, False),
    ],
)
def test_a_rejected_row_is_of_the_user_that_its_text_tells(
    store: HistoryStore, rejected: dict[str, str], expected: bool
) -> None:
    assert is_of(PERSON, rejected) is expected
    store.rejected_rows.insert_one(dict(rejected))
    assert store.rejected_rows.count_documents(may_be_of(PERSON)) >= expected


def test_a_row_that_no_reader_takes_is_cut_at_its_commas() -> None:
    assert names_in('"' + "x" * 200_000 + ",anna") >= {"anna"}
    assert names_in(r'{"username": "an\xna", "ts": ') == {r"an\xna"}


def test_of_redis_only_what_names_the_user_goes(redis_client: redis.Redis) -> None:
    person = Person("ann")
    redis_client.set("echotune:answer:{x}:1", json.dumps({"name": "Joanna and anna"}))
    redis_client.set("echotune:answer:{x}:2", json.dumps({"by": "ann"}))
    redis_client.hset("echotune:hash", mapping={"ann": "1", "anna": "2", "x": "of ann"})
    redis_client.sadd("echotune:set", "ann", "anna")
    redis_client.zadd("echotune:limit:{x}:calls", {"ann": 1, "bann": 2})
    redis_client.rpush("echotune:list", "ann", "other", "ann")
    redis_client.set("echotune:token:ann", "secret")
    redis_client.set("not-ours:ann", "1")
    entries = RedisEntries(client=redis_client, person=person)
    assert entries.count() == {"Redis entries": 8}
    entries.remove()
    assert entries.count() == {"Redis entries": 0}
    assert set(redis_client.keys()) == {
        b"echotune:answer:{x}:1",
        b"echotune:hash",
        b"echotune:set",
        b"echotune:limit:{x}:calls",
        b"echotune:list",
        b"not-ours:ann",
    }
    assert redis_client.hgetall("echotune:hash") == {b"anna": b"2"}
    assert redis_client.zcard("echotune:limit:{x}:calls") == 1
