"""Audio features from Spotify and from ReccoBeats: the same promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from echotune.enrichment.answers import Outcome
from echotune.enrichment.capabilities import Capabilities, Capability
from echotune.enrichment.features import FEATURE_NAMES
from echotune.enrichment.gate import Gate
from echotune.enrichment.providers.base import Lookup, Provider
from echotune.enrichment.providers.reccobeats import ReccoBeats
from echotune.enrichment.providers.spotify_features import SpotifyFeatures
from local.servers.simulator import SpotifySimulator
from tests.support.enriching import new_capabilities, open_gate, reccobeats_client, spotify_client
from tests.support.simulator import some_ids

SPOTIFY, RECCOBEATS = "audio-features", "reccobeats"
UNKNOWN = "9" * 22
both = pytest.mark.parametrize("endpoint", [SPOTIFY, RECCOBEATS])


@dataclass
class Setup:
    """A provider, and what shows what it did."""

    provider: Provider
    gate: Gate
    capabilities: Capabilities
    known: list[str]


@pytest.fixture
def set_up(simulator: SpotifySimulator) -> Callable[[str], Setup]:
    def make(endpoint: str) -> Setup:
        capabilities = new_capabilities()
        gate = open_gate(endpoint)
        provider: Provider
        if endpoint == SPOTIFY:
            provider = SpotifyFeatures(client=spotify_client(simulator), gate=gate, capabilities=capabilities)
        else:
            provider = ReccoBeats(client=reccobeats_client(simulator), gate=gate)
        found = sorted(provider.look_up(some_ids(40)).found)
        gate.calls = 0
        simulator.control.reset()
        return Setup(provider, gate, capabilities, found)

    return make


def untouched(lookup: Lookup) -> bool:
    return not lookup.found and not lookup.absent and not lookup.broken


@both
def test_features_are_found_by_id_and_unknown_ids_are_absent(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup], endpoint: str
) -> None:
    setup = set_up(endpoint)
    simulator.control.settings(unknown_ids=[UNKNOWN])
    lookup = setup.provider.look_up([setup.known[1], UNKNOWN, setup.known[0]])
    assert set(lookup.found) == {setup.known[0], setup.known[1]}
    assert lookup.absent == {UNKNOWN}
    assert (lookup.broken, lookup.refusal, setup.gate.calls) == ({}, None, 1)
    names = set(FEATURE_NAMES) - ({"time_signature"} if endpoint == RECCOBEATS else set())
    assert all(set(values) == names for values in lookup.found.values())


@both
def test_a_full_batch_is_one_call(set_up: Callable[[str], Setup], endpoint: str) -> None:
    setup = set_up(endpoint)
    assert setup.provider.batch_size == {SPOTIFY: 100, RECCOBEATS: 40}[endpoint]
    ids = some_ids(setup.provider.batch_size)
    lookup = setup.provider.look_up(ids)
    assert set(lookup.found) | lookup.absent == set(ids)
    assert setup.gate.calls == 1


@both
@pytest.mark.parametrize(
    ("rule", "outcome", "calls"),
    [
        ({"what": "premium"}, {SPOTIFY: Outcome.ACCOUNT_PROBLEM, RECCOBEATS: Outcome.BROKEN}, 1),
        ({"what": "rate_limit", "retry_after": 7000, "seconds": 0}, Outcome.RATE_LIMITED, 1),
        ({"what": "quota", "seconds": 0}, Outcome.RATE_LIMITED, 1),
        ({"what": "status", "status": 404}, Outcome.BROKEN, 1),
        ({"what": "status", "status": 500}, Outcome.TRANSIENT, 3),
        ({"what": "cut_off"}, Outcome.TRANSIENT, 3),
        ({"what": "reset"}, Outcome.TRANSIENT, 3),
        ({"what": "slow", "seconds": 0.6}, Outcome.TRANSIENT, 3),
        ({"what": "empty"}, Outcome.BROKEN, 1),
        ({"what": "html"}, Outcome.BROKEN, 1),
        ({"what": "redirect"}, Outcome.BROKEN, 1),
        ({"what": "gzip_bomb", "megabytes": 40}, Outcome.BROKEN, 1),
        ({"what": "shape", "shape": "list"}, Outcome.BROKEN, 1),
        ({"what": "shape", "shape": "string"}, Outcome.BROKEN, 1),
        ({"what": "shape", "shape": "number"}, Outcome.BROKEN, 1),
        ({"what": "shape", "shape": "null"}, Outcome.BROKEN, 1),
        ({"what": "shape", "shape": "missing_key"}, Outcome.BROKEN, 1),
    ],
    ids=lambda value: (
        "-".join(str(part) for part in value.values()) if isinstance(value, dict) and "what" in value else ""
    ),
)
def test_an_answer_that_is_none_ends_the_look_up_and_says_nothing_of_any_track(
    simulator: SpotifySimulator,
    set_up: Callable[[str], Setup],
    endpoint: str,
    rule: dict[str, Any],
    outcome: Any,
    calls: int,
) -> None:
    setup = set_up(endpoint)
    simulator.control.set_rules([rule | {"endpoint": endpoint}])
    lookup = setup.provider.look_up(setup.known)
    assert lookup.refusal is not None
    assert lookup.refusal.outcome is (outcome[endpoint] if isinstance(outcome, dict) else outcome)
    assert untouched(lookup)
    assert setup.gate.calls == calls


@both
@pytest.mark.parametrize("what", ["strange_id", "out_of_range", "not_a_number", "text_value", "missing_field"])
def test_one_spoiled_item_costs_only_itself(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup], endpoint: str, what: str
) -> None:
    setup = set_up(endpoint)
    good = setup.provider.look_up(setup.known).found
    simulator.control.set_rules([{"endpoint": endpoint, "what": what}])
    lookup = setup.provider.look_up(setup.known)
    assert len(lookup.found) == len(setup.known) - 1
    assert all(values == good[id_] for id_, values in lookup.found.items())
    (spoiled,) = set(setup.known) - set(lookup.found)
    assert (set(lookup.broken), lookup.absent) == ({spoiled}, frozenset())
    assert lookup.broken[spoiled].isprintable()
    assert lookup.refusal is None


def test_a_feature_out_of_range_is_named_with_its_range(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup]
) -> None:
    setup = set_up(SPOTIFY)
    simulator.control.set_rules([{"endpoint": SPOTIFY, "what": "out_of_range", "field": "tempo", "value": 401}])
    assert "tempo is 401, not a number from 0 to 400 BPM" in setup.provider.look_up(setup.known).broken.values()


@pytest.mark.parametrize("what", ["duplicate", "shape"])
def test_a_list_of_another_length_says_nothing_of_any_track(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup], what: str
) -> None:
    setup = set_up(SPOTIFY)
    simulator.control.set_rules([{"endpoint": SPOTIFY, "what": what, "shape": "short"}])
    lookup = setup.provider.look_up(setup.known)
    assert lookup.refusal is not None
    assert lookup.refusal.outcome is Outcome.BROKEN
    assert untouched(lookup)


def test_an_item_that_comes_twice_from_reccobeats_counts_once(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup]
) -> None:
    setup = set_up(RECCOBEATS)
    simulator.control.set_rules([{"endpoint": RECCOBEATS, "what": "duplicate"}])
    assert sorted(setup.provider.look_up(setup.known).found) == setup.known


@both
def test_a_bad_request_is_halved_until_the_bad_id_is_alone(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup], endpoint: str
) -> None:
    setup = set_up(endpoint)
    bad = setup.known[7]
    simulator.control.set_rules([{"endpoint": endpoint, "ids": bad, "what": "status", "status": 400}])
    lookup = setup.provider.look_up(setup.known)
    assert set(lookup.broken) == {bad}
    assert set(lookup.found) == set(setup.known) - {bad}


@both
def test_what_is_no_spotify_id_never_reaches_the_service(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup], endpoint: str
) -> None:
    setup = set_up(endpoint)
    lookup = setup.provider.look_up(["spotify:local:Artist:Album:Title:200", "", "a/../b"])
    assert len(lookup.broken) == 3
    assert setup.gate.calls == 0


def test_closed_audio_features_are_remembered_and_not_asked_for_again(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup]
) -> None:
    setup = set_up(SPOTIFY)
    simulator.control.settings(audio_features="closed")
    for _ in range(2):
        lookup = setup.provider.look_up(setup.known)
        assert lookup.refusal is not None
        assert lookup.refusal.outcome is Outcome.FORBIDDEN_ENDPOINT
        assert untouched(lookup)
    assert isinstance(setup.provider, SpotifyFeatures)
    assert setup.provider.is_closed
    assert setup.capabilities.get("audio-features") is Capability.CLOSED
    assert setup.gate.calls == 1


def test_one_track_alone_that_is_answered_404_is_absent(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup]
) -> None:
    setup = set_up(SPOTIFY)
    simulator.control.set_rules([{"endpoint": SPOTIFY, "what": "status", "status": 404}])
    assert setup.provider.look_up(setup.known[:1]).absent == {setup.known[0]}


def test_a_withdrawn_token_costs_a_call_with_leave_of_its_own(
    simulator: SpotifySimulator, set_up: Callable[[str], Setup]
) -> None:
    setup = set_up(SPOTIFY)
    simulator.control.expire_tokens()
    assert sorted(setup.provider.look_up(setup.known).found) == setup.known
    assert setup.gate.calls == 2
    assert simulator.control.report()["services"]["spotify"]["calls"] == 2
