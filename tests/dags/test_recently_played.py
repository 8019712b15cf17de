"""recently_played through a real scheduler, from make authorize to the summary that names who has to do it again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from cryptography.fernet import Fernet
from pymongo import MongoClient

from echotune.history.store import HistoryStore
from echotune.names import LISTENERS_VARIABLE, listener_connection, rotated_token_variable
from echotune.spotify_account.report import NOBODY
from local.airflow_api import AirflowApi
from local.dag_runs import Run
from local.simulator.control import SimulatorControl
from local.stack import Stack
from tests.support.accounts import moment, plays
from tests.support.authorizing import Said, authorize, remove
from tests.support.dag_runs import instances_of, log_of, run_to_the_end, states_of, summary_of, switched_on
from tests.support.databases import dags_store
from tests.support.secret_search import Place, command_lines, found_in, logs_under, rows_of
from tests.support.supabase import EMPTY, connect

pytestmark = pytest.mark.timeout(600)

DAG = "recently_played"
ANNA, BERT = "anna", "bert_ü!"
"""One of them has a user id that no connection can have."""

ENCRYPTED = {"connection": ["password", "extra"], "variable": ["val"]}


@dataclass(frozen=True, kw_only=True)
class Story:
    """Two listeners agreed, one took it back at Spotify; a run; they agreed again; a second run.

    :param tokens: every refresh token that was ever kept
    :param counts: plays in MongoDB after each run
    :param commands: the command lines of every process that was there meanwhile
    """

    said: list[Said]
    runs: list[Run]
    states: list[str]
    counts: list[int]
    tokens: dict[str, str]
    commands: dict[str, str]


@pytest.fixture(scope="module")
def simulated(stack: Stack) -> Iterator[SimulatorControl]:
    control = stack.spotify.control
    control.reset()
    control.forget_listeners()
    yield control
    control.forget_listeners()
    control.settings(listener="simulated-listener")


@pytest.fixture(scope="module")
def history(mongodb_client: MongoClient[dict[str, Any]]) -> Iterator[HistoryStore]:
    """Where the DAG writes plays and playlists, with nothing in it."""
    with connect(os.environ["DATABASE_URL"]) as supabase:
        supabase.execute(EMPTY)
        with dags_store(mongodb_client) as store:
            yield store
        supabase.execute(EMPTY)


def kept_tokens(stack: Stack) -> dict[str, str]:
    """What Airflow keeps encrypted of all listeners, by name; each is encrypted."""
    fernet = Fernet(stack.secrets.airflow_fernet_key)
    with psycopg.connect(stack.airflow.metadata_uri) as metadata:
        rows = metadata.execute(
            "select conn_id, password from connection where conn_id like 'echotune_listener_%'"
            " union all select key, val from variable where key like '%_refresh_token'"
        ).fetchall()
    plain = {name: fernet.decrypt(value.encode()).decode() for name, value in rows}
    return {
        f"{name} {value[-6:]}": json.loads(value)["refresh_token"] if value.startswith("{") else value
        for name, value in plain.items()
    }


def delete_listeners(api: AirflowApi) -> None:
    """What make authorize REMOVE= does for each listener, without a process for each."""
    for username in (ANNA, BERT):
        for path in (f"connections/{listener_connection(username)}", f"variables/{rotated_token_variable(username)}"):
            if api.find(path):
                api.delete(path)
    if api.find(f"variables/{LISTENERS_VARIABLE}"):
        api.delete(f"variables/{LISTENERS_VARIABLE}")


@pytest.fixture(scope="module")
def story(stack: Stack, api: AirflowApi, simulated: SimulatorControl, history: HistoryStore) -> Iterator[Story]:
    simulated.add_plays(ANNA, plays(3, context="spotify:album:4aawyAB9vmqN3uQ7FjRGTy"))
    simulated.set_playlists(ANNA, [{"id": "one", "name": "One", "description": "First"}])
    simulated.add_plays(BERT, plays(2))
    said, ended, counts, tokens = [], [], [], {}

    def agree(username: str, *, paste: bool) -> None:
        simulated.settings(listener=username)
        said.append(authorize(os.environ, paste=paste))
        tokens.update(kept_tokens(stack))

    def run() -> None:
        ended.append(run_to_the_end(api, DAG))
        counts.append(history.plays.count_documents({}))
        tokens.update(kept_tokens(stack))

    with switched_on(api, DAG), command_lines() as commands:
        agree(ANNA, paste=False)
        agree(BERT, paste=True)
        simulated.revoke(BERT)
        run()
        agree(BERT, paste=False)
        simulated.add_plays(ANNA, plays(2, start=3))
        run()
    yield Story(
        said=said,
        runs=[run for _, run in ended],
        states=[state for state, _ in ended],
        counts=counts,
        tokens=tokens,
        commands=commands,
    )
    delete_listeners(api)


def test_each_listener_is_told_that_it_worked(story: Story) -> None:
    assert [one.status for one in story.said] == [0, 0, 0]
    for one, username in zip(story.said, (ANNA, BERT, BERT), strict=True):
        assert f"{username} gave the authorization" in one.text


def test_a_revoked_authorization_fails_that_listener_at_once_and_names_them(api: AirflowApi, story: Story) -> None:
    first = story.runs[0]
    assert story.states[0] == "failed"
    tasks = {task["rendered_map_index"]: task for task in instances_of(api, first, "load_plays")}
    assert {name: (task["state"], task["try_number"]) for name, task in tasks.items()} == {
        ANNA: ("success", 1),
        BERT: ("failed", 1),
    }
    (problem,) = summary_of(api, first)["problems"]
    assert problem.startswith(f"{BERT}: the authorization is over")
    assert "make authorize" in problem
    assert problem in log_of(api, first, "load_plays")


def test_the_other_listeners_go_on(api: AirflowApi, story: Story) -> None:
    states = states_of(api, story.runs[0])
    assert (states["build_catalog"], states["announce_new_plays"]) == ({"success"}, {"success"})
    assert states["bring_playlists"] == {"success", "skipped"}
    assert story.counts == [3, 7]


def test_the_second_run_goes_on_with_the_tokens_that_the_first_kept(api: AirflowApi, story: Story) -> None:
    assert story.states[1] == "success"
    counts = summary_of(api, story.runs[1])["counts"]
    assert (counts["inserted"], counts["already_there"], counts["rows"]) == (4, 1, 5)


def test_plays_and_playlists_are_there(story: Story, history: HistoryStore) -> None:
    assert story.states
    newest = history.plays.find_one({"user.username": ANNA}, sort=[("timestamp", -1)])
    assert newest
    assert newest["timestamp"] == moment(4)
    assert history.tracks.count_documents({}) == 5
    with connect(os.environ["DATABASE_URL"]) as supabase:
        found = supabase.execute(
            "select spotify_user_id, name, description from public.playlists"
            " join public.users on users.id = playlists.user_id"
        ).fetchall()
    assert found == [(ANNA, "One", "First")]


def test_no_token_is_readable_anywhere(stack: Stack, api: AirflowApi, story: Story) -> None:
    assert len(story.tokens) >= 6
    shown: list[Place] = [
        ("connections", json.dumps(api.get("connections", limit=100))),
        ("variables", json.dumps(api.get("variables", limit=100))),
        *[("said", one.text) for one in story.said],
        *logs_under(stack.folder),
        *rows_of(stack.airflow.metadata_uri, "public", without=ENCRYPTED),
        *story.commands.items(),
    ]
    assert found_in(shown, story.tokens) == []


def test_taking_an_authorization_back_leaves_nothing_of_it(stack: Stack, api: AirflowApi, story: Story) -> None:
    assert len(story.runs) == 2
    assert json.loads(api.get(f"variables/{LISTENERS_VARIABLE}")["value"]) == [ANNA, BERT]
    assert "removed" in remove(os.environ, BERT).text
    assert api.find(f"connections/{listener_connection(BERT)}") is None
    assert api.find(f"variables/{rotated_token_variable(BERT)}") is None
    assert json.loads(api.get(f"variables/{LISTENERS_VARIABLE}")["value"]) == [ANNA]
    assert "there was no authorization" in remove(os.environ, BERT).text


def test_an_answer_to_another_attempt_keeps_nothing(
    stack: Stack, api: AirflowApi, simulated: SimulatorControl, story: Story
) -> None:
    assert story.tokens
    simulated.settings(listener="mallory")
    said = authorize(os.environ, state="of-another")
    assert said.status == 1
    assert "its state differs" in said.text
    assert api.find(f"connections/{listener_connection('mallory')}") is None


def test_a_run_without_listeners_says_what_to_do(api: AirflowApi, story: Story) -> None:
    assert story.runs
    delete_listeners(api)
    state, run = run_to_the_end(api, DAG, playlists=False)
    assert state == "success"
    assert summary_of(api, run)["text"] == [NOBODY]
    states = states_of(api, run)
    assert (states["prepare_playlists"], states["announce_new_plays"]) == ({"skipped"}, {"skipped"})


def test_a_run_for_somebody_who_gave_no_authorization_names_them(api: AirflowApi, story: Story) -> None:
    assert story.runs
    state, run = run_to_the_end(api, DAG, users=["dora"])
    assert state == "failed"
    assert summary_of(api, run)["problems"] == ["find_listeners failed, see its log"]
    assert "users names dora, who gave no authorization: run `make authorize`" in log_of(api, run, "find_listeners")
