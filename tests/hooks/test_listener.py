"""The hook of a listener: which refresh token is good, and what is kept out of logs."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from airflow.sdk import Variable

from echotune.hooks import listener
from echotune.hooks.listener import ListenerHook, listeners
from echotune.names import LISTENERS_VARIABLE, listener_connection, rotated_token_variable
from echotune.spotify_account.errors import AccountError

Set = Callable[[str, str], None]

GIVEN, ROTATED = "the-token-that-was-given", "the-token-that-took-its-place"


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> Set:
    """Sets an Airflow variable as a deployment's environment does."""
    return lambda name, value: monkeypatch.setenv(f"AIRFLOW_VAR_{name.upper()}", value)


@pytest.fixture
def masked(monkeypatch: pytest.MonkeyPatch, variable: Set) -> list[str]:
    """An authorization of anna's; what Airflow was told to keep out of its logs. What is kept is kept as a variable."""
    told: list[str] = []
    connection = json.dumps({"conn_type": "generic", "login": "anna", "password": GIVEN})
    monkeypatch.setenv(f"AIRFLOW_CONN_{listener_connection('anna').upper()}", connection)
    monkeypatch.setattr(listener, "mask_secret", told.append)
    monkeypatch.setattr(Variable, "set", lambda name, value, description: variable(name, value))
    return told


def test_the_token_that_took_the_place_of_another_wins(masked: list[str]) -> None:
    hook = ListenerHook("anna")
    assert hook.refresh_token() == GIVEN
    hook.keep(ROTATED)
    assert ListenerHook("anna").refresh_token() == ROTATED
    assert {GIVEN, ROTATED} <= set(masked)


def test_a_token_of_an_earlier_authorization_counts_for_nothing(
    masked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = ListenerHook("anna")
    hook.refresh_token()
    again = json.dumps({"conn_type": "generic", "login": "anna", "password": "another-token"})
    monkeypatch.setenv(f"AIRFLOW_CONN_{listener_connection('anna').upper()}", again)
    hook.keep(ROTATED)  # by a task that began before
    assert ListenerHook("anna").refresh_token() == "another-token"
    assert masked


@pytest.mark.parametrize("written", ["", "nonsense", "[]", "7", '{"origin": null}', '{"refresh_token": "x"}'])
@pytest.mark.usefixtures("masked")
def test_what_somebody_else_wrote_there_counts_for_nothing(variable: Set, written: str) -> None:
    variable(rotated_token_variable("anna"), written)
    assert ListenerHook("anna").refresh_token() == GIVEN


def test_a_listener_without_authorization_is_named_with_what_to_do() -> None:
    with pytest.raises(AccountError, match="^dora: there is no authorization: run `make authorize`"):
        ListenerHook("dora").refresh_token()


def test_the_listeners_are_read_from_their_variable(variable: Set) -> None:
    assert listeners() == []
    variable(LISTENERS_VARIABLE, '["anna", "bert"]')
    assert listeners() == ["anna", "bert"]
    variable(LISTENERS_VARIABLE, '{"anna": 1}')
    with pytest.raises(AccountError, match=LISTENERS_VARIABLE):
        listeners()


def test_every_user_id_has_a_connection_of_its_own_that_airflow_takes() -> None:
    names = ["anna", "Anna", "an_na", "an-na", "an.na", "an na", "an_20na", "ü", "a/b", "_", "__"]
    ids = [listener_connection(name) for name in names]
    assert len(set(ids)) == len(names)
    assert all(part.isalnum() or part in "_.-" for conn_id in ids for part in conn_id)
    assert rotated_token_variable("anna").endswith("_refresh_token")
