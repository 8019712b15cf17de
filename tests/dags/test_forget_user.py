"""forget_user through a real scheduler: refused without the name typed twice, a look, and a proof."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from echotune.history.forgotten import digest_of
from echotune.history.store import HistoryStore
from echotune.operators.forget_user import LISTENERS
from local.airflow_api import AirflowApi
from tests.support.dag_runs import instances_of, log_of, run_to_the_end, states_of, summary_of
from tests.support.databases import everything
from tests.support.syncing import play

DAG = "forget_user"
PERSON, OTHER = "mona-liest", "anna"


@pytest.fixture
def listeners(api: AirflowApi) -> Iterator[str]:
    """The name of a variable that lists both users."""
    name = "echotune_listeners"
    if api.find(f"variables/{name}"):
        api.delete(f"variables/{name}")
    api.post("variables", {"key": name, "value": json.dumps([PERSON, OTHER])})
    yield name
    api.delete(f"variables/{name}")


def test_a_user_is_forgotten_after_a_refusal_and_a_look(api: AirflowApi, store: HistoryStore, listeners: str) -> None:
    store.plays.insert_many([play(number, username=(PERSON, OTHER)[number % 2]) for number in range(10)])
    before = everything(store.database)

    state, refused = run_to_the_end(api, DAG, username=PERSON, confirmation=OTHER)
    assert state == "failed"
    (look,) = instances_of(api, refused, "look")
    assert (look["state"], look["try_number"]) == ("failed", 1)
    assert "type the same name twice. Nothing was touched" in log_of(api, refused, "look")
    assert everything(store.database) == before

    state, looked = run_to_the_end(api, DAG, username=PERSON, confirmation=PERSON, dry_run=True)
    assert state == "success"
    assert summary_of(api, looked)["text"][0].startswith("Dry run: nothing was touched. The user is in ")
    assert states_of(api, looked)["remove"] == {"skipped"}
    assert everything(store.database) == before

    state, run = run_to_the_end(api, DAG, username=PERSON, confirmation=PERSON)
    assert state == "success"
    summary = summary_of(api, run)
    assert summary["text"][0].startswith("Forgotten: the user was in ")
    assert (summary["counts"]["before"]["plays"], summary["counts"]["before"][LISTENERS]) == (5, 1)
    assert set(summary["counts"]["after"].values()) == {0}
    assert PERSON not in json.dumps(summary)
    assert store.plays.distinct("user.username") == [OTHER]
    assert json.loads(api.get(f"variables/{listeners}")["value"]) == [OTHER]
    assert [mark["_id"] for mark in store.forgotten_users.find()] == [digest_of(PERSON)]
