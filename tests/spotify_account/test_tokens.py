"""Authorization with PKCE and its refresh tokens, against the simulator."""

from __future__ import annotations

import logging

import pytest

from echotune.enrichment.answers import Outcome
from echotune.enrichment.http import Bounds
from echotune.spotify_account.client import Account, AccountClient
from echotune.spotify_account.errors import AccountError, AccountUnavailable, Postponed
from echotune.spotify_account.tokens import SCOPES, AccountAuthorization
from local.servers.simulator import SpotifySimulator
from tests.support.accounts import QUICK, Kept, authorization_at, consent_to, gate, open_account, refresh_token_of
from tests.support.http_server import raw_server, reply


def test_a_listener_who_agrees_is_known_by_their_token(simulator: SpotifySimulator) -> None:
    simulator.control.settings(listener="anna")
    authorization = authorization_at(simulator, state="mine")
    back = consent_to(authorization.get_authorize_url())
    assert back["state"] == "mine"
    tokens = authorization.exchange(back["code"]).body
    assert set(tokens["scope"].split()) == set(SCOPES)
    profile = AccountClient(tokens["access_token"], simulator.api_url).profile()
    assert profile.body["id"] == "anna"


def test_a_code_is_worth_nothing_without_its_verifier_and_only_once(simulator: SpotifySimulator) -> None:
    asked, thief = authorization_at(simulator), authorization_at(simulator)
    stolen = consent_to(asked.get_authorize_url())["code"]
    thief.get_pkce_handshake_parameters()
    assert thief.exchange(stolen).outcome is Outcome.ACCOUNT_PROBLEM
    assert asked.exchange(stolen).outcome is Outcome.ACCOUNT_PROBLEM
    code = consent_to(asked.get_authorize_url())["code"]
    assert asked.exchange(code).outcome is Outcome.DATA
    assert asked.exchange(code).outcome is Outcome.ACCOUNT_PROBLEM


def test_a_refresh_token_stays_where_the_answer_says_null() -> None:
    with raw_server() as server:
        server.answer = reply(body=b'{"access_token": "new", "expires_in": 3600, "refresh_token": null}')
        authorization = AccountAuthorization(client_id="id", accounts_url=server.url + "/api/token", bounds=QUICK)
        assert authorization.refresh("kept").body["refresh_token"] == "kept"


def test_a_listener_may_refuse(simulator: SpotifySimulator) -> None:
    simulator.control.settings(consent=False)
    assert consent_to(authorization_at(simulator).get_authorize_url()) == {"error": "access_denied"}


def test_a_token_that_took_the_place_of_another_is_kept_before_the_access_token_is_used(
    simulator: SpotifySimulator,
) -> None:
    first = refresh_token_of(simulator, "anna")
    calls: list[int] = []

    def keep(token: str) -> None:
        assert token != first
        calls.append(simulator.control.report()["services"]["spotify"]["calls"])
        raise OSError("the worker is killed")

    account = Account("anna", authorization_at(simulator), first, keep=keep, gate=gate(), api_url=simulator.api_url)
    with pytest.raises(OSError, match="killed"):
        account.recently_played(None)
    assert calls == [0]


def test_each_token_is_good_once(simulator: SpotifySimulator) -> None:
    kept = Kept(refresh_token_of(simulator, "anna"))
    first = kept.token
    for _ in range(3):
        assert open_account(simulator, "anna", kept).recently_played(None) == []
    with pytest.raises(AccountError, match="anna: the authorization is over, or was taken back"):
        open_account(simulator, "anna", Kept(first)).recently_played(None)


def test_a_revoked_listener_is_named_with_what_to_do(simulator: SpotifySimulator) -> None:
    kept = Kept(refresh_token_of(simulator, "bert"))
    account = open_account(simulator, "bert", kept)
    account.recently_played(None)
    simulator.control.revoke("bert")
    with pytest.raises(AccountError, match=r"^bert: Spotify refused the access token \(401\): run `make authorize`"):
        account.recently_played(None)
    with pytest.raises(AccountError, match=r"^bert: .*Refresh token revoked.*: run `make authorize`"):
        open_account(simulator, "bert", kept).recently_played(None)


def test_an_application_that_spotify_does_not_know_is_told_as_that(simulator: SpotifySimulator) -> None:
    authorization = AccountAuthorization(client_id="another", accounts_url=simulator.accounts_url)
    assert "check SPOTIFY_CLIENT_ID" in authorization.refresh("a-token").reason


def test_a_rate_limit_that_is_longer_than_the_patience_postpones(simulator: SpotifySimulator) -> None:
    kept = Kept(refresh_token_of(simulator, "anna"))
    simulator.control.set_rules([{"endpoint": "recently-played", "what": "rate_limit", "retry_after": 600}])
    with pytest.raises(Postponed, match="^anna: Spotify: too many calls") as postponed:
        open_account(simulator, "anna", kept).recently_played(None)
    assert postponed.value.seconds == 600


@pytest.mark.parametrize(
    "rule", [{"what": "status", "status": 503}, {"what": "cut_off"}], ids=["a fault of Spotify's", "half an answer"]
)
def test_a_fault_is_asked_again_and_then_told(simulator: SpotifySimulator, rule: dict[str, object]) -> None:
    account = open_account(simulator, "anna")
    simulator.control.set_rules([{"endpoint": "recently-played", "times": 2, **rule}])
    assert account.recently_played(None) == []
    simulator.control.set_rules([{"endpoint": "recently-played", **rule}])
    with pytest.raises(AccountUnavailable, match="^anna: "):
        account.recently_played(None)


@pytest.mark.parametrize(
    "body",
    [b'{"access_token": "a", "expires_in": 3600, "refresh_token": 7}', b'{"expires_in": 3600}', b"[]"],
)
def test_an_answer_without_usable_tokens_is_broken(body: bytes) -> None:
    with raw_server() as server:
        server.answer = reply(body=body)
        authorization = AccountAuthorization(client_id="id", accounts_url=server.url, bounds=Bounds(total_seconds=2))
        assert authorization.refresh("a-token").outcome is Outcome.BROKEN


def test_no_token_is_logged_or_shown(simulator: SpotifySimulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    kept = Kept(refresh_token_of(simulator, "anna"))
    authorization = authorization_at(simulator, on_token=told.append)
    account = Account("anna", authorization, kept.token, keep=kept, gate=gate(), api_url=simulator.api_url)
    account.recently_played(None)
    assert kept.token in told
    assert len(told) == 2
    shown = caplog.text + repr(authorization) + repr(account) + repr(gate)
    assert [token for token in told if token in shown] == []


def test_to_refresh_takes_no_call_of_its_own(simulator: SpotifySimulator) -> None:
    kept, one = Kept(refresh_token_of(simulator, "anna")), gate()
    account = Account(
        "anna", authorization_at(simulator), kept.token, keep=kept, gate=one, api_url=simulator.api_url, bounds=QUICK
    )
    account.recently_played(None)
    account.recently_played(None)
    assert one.calls == 2
    assert simulator.control.report()["services"]["accounts"]["endpoints"]["token"]["calls"] == 2  # with the consent
