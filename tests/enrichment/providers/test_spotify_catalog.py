"""Tracks, artists and albums: in batches, or one by one where batches are not allowed."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.enrichment.answers import Outcome
from echotune.enrichment.capabilities import Capabilities, Capability
from echotune.enrichment.gate import Gate
from echotune.enrichment.providers.spotify_catalog import SINGLE_AT_ONCE, SpotifyCatalog
from echotune.enrichment.spotify_client import AT_ONCE, Kind
from local.servers.simulator import SpotifySimulator
from tests.support.enriching import new_capabilities, open_gate, spotify_client
from tests.support.simulator import some_ids

every_kind = pytest.mark.parametrize("kind", Kind)
UNKNOWN = "9" * 22


class Catalog:
    """A provider whose token is there, and what shows what it did."""

    def __init__(self, simulator: SpotifySimulator, kind: Kind) -> None:
        self.simulator, self.kind = simulator, kind
        self.gate: Gate = open_gate("spotify")
        self.capabilities: Capabilities = new_capabilities()
        client = spotify_client(simulator)
        self.provider = SpotifyCatalog(kind, client=client, gate=self.gate, capabilities=self.capabilities)
        self.known = sorted(self.provider.look_up(some_ids(20)).found)[:8]
        self.gate.calls = 0
        simulator.control.reset()
        simulator.control.settings(unknown_ids=[UNKNOWN])

    def spoil(self, **rule: Any) -> None:
        self.simulator.control.set_rules([rule | {"endpoint": self.kind.value}])


@pytest.fixture(params=Kind)
def catalog(request: pytest.FixtureRequest, simulator: SpotifySimulator) -> Catalog:
    return Catalog(simulator, request.param)


@pytest.fixture
def tracks(simulator: SpotifySimulator) -> Catalog:
    return Catalog(simulator, Kind.TRACKS)


def test_a_batch_is_one_call(catalog: Catalog) -> None:
    ids = some_ids(AT_ONCE[catalog.kind])
    assert catalog.provider.batch_size == len(ids)
    lookup = catalog.provider.look_up(ids)
    assert set(lookup.found) | lookup.absent == set(ids)
    assert (lookup.refusal, lookup.broken, catalog.gate.calls) == (None, {}, 1)
    assert all(values["name"] for values in lookup.found.values())


def test_an_unknown_id_is_absent(catalog: Catalog) -> None:
    lookup = catalog.provider.look_up([*catalog.known, UNKNOWN])
    assert (sorted(lookup.found), set(lookup.absent)) == (catalog.known, {UNKNOWN})


def test_where_batches_are_closed_each_id_is_a_call_and_that_is_remembered(catalog: Catalog) -> None:
    catalog.simulator.control.settings(mode="development", unknown_ids=[UNKNOWN])
    lookup = catalog.provider.look_up([*catalog.known, UNKNOWN])
    assert (sorted(lookup.found), set(lookup.absent), lookup.refusal) == (catalog.known, {UNKNOWN}, None)
    assert catalog.gate.calls == 1 + len(catalog.known) + 1
    assert catalog.capabilities.get(catalog.kind) is Capability.SINGLE
    assert catalog.provider.batch_size == SINGLE_AT_ONCE
    catalog.provider.look_up(catalog.known[:2])
    assert catalog.gate.calls == 1 + len(catalog.known) + 1 + 2


def test_a_batch_that_is_answered_404_is_asked_for_singly(tracks: Catalog) -> None:
    tracks.spoil(what="status", status=404, nth=1)
    assert sorted(tracks.provider.look_up(tracks.known).found) == tracks.known
    assert tracks.capabilities.get(Kind.TRACKS) is Capability.SINGLE


def test_where_nothing_is_allowed_that_is_remembered_and_no_call_is_made(tracks: Catalog) -> None:
    tracks.spoil(what="closed_endpoint")
    for _ in range(2):
        lookup = tracks.provider.look_up(tracks.known)
        assert lookup.refusal is not None
        assert lookup.refusal.outcome is Outcome.FORBIDDEN_ENDPOINT
        assert (lookup.found, lookup.absent, lookup.broken) == ({}, frozenset(), {})
    assert tracks.provider.is_closed
    assert tracks.gate.calls == 2


REFUSALS: list[tuple[dict[str, Any], Outcome]] = [
    ({"what": "premium"}, Outcome.ACCOUNT_PROBLEM),
    ({"what": "status", "status": 401}, Outcome.ACCOUNT_PROBLEM),
    ({"what": "rate_limit", "retry_after": 7000, "seconds": 0}, Outcome.RATE_LIMITED),
    ({"what": "quota", "seconds": 0}, Outcome.RATE_LIMITED),
    ({"what": "status", "status": 503}, Outcome.TRANSIENT),
    ({"what": "cut_off"}, Outcome.TRANSIENT),
    ({"what": "reset"}, Outcome.TRANSIENT),
]
NONSENSE: list[dict[str, Any]] = [
    {"what": "empty"},
    {"what": "html"},
    {"what": "redirect"},
    {"what": "gzip_bomb", "megabytes": 40},
    {"what": "status", "status": 418},
    {"what": "shape", "shape": "list"},
    {"what": "shape", "shape": "string"},
    {"what": "shape", "shape": "number"},
    {"what": "shape", "shape": "null"},
    {"what": "shape", "shape": "missing_key"},
]


def name_of(value: Any) -> str:
    return "-".join(str(part) for part in value.values()) if isinstance(value, dict) else ""


@pytest.mark.parametrize(("rule", "outcome"), [*REFUSALS, *((rule, Outcome.BROKEN) for rule in NONSENSE)], ids=name_of)
def test_a_batch_without_an_answer_says_nothing_of_any_id(
    tracks: Catalog, rule: dict[str, Any], outcome: Outcome
) -> None:
    tracks.spoil(**rule)
    lookup = tracks.provider.look_up(tracks.known)
    assert lookup.refusal is not None
    assert lookup.refusal.outcome is outcome
    assert (lookup.found, lookup.absent, lookup.broken) == ({}, frozenset(), {})


@pytest.mark.parametrize(("rule", "outcome"), REFUSALS, ids=name_of)
def test_in_single_calls_what_was_found_before_a_refusal_is_kept(
    tracks: Catalog, rule: dict[str, Any], outcome: Outcome
) -> None:
    tracks.capabilities.remember(Kind.TRACKS, Capability.SINGLE)
    tracks.spoil(**rule, ids=tracks.known[3])
    lookup = tracks.provider.look_up(tracks.known)
    assert lookup.refusal is not None
    assert lookup.refusal.outcome is outcome
    assert (sorted(lookup.found), lookup.absent, lookup.broken) == (tracks.known[:3], frozenset(), {})


@pytest.mark.parametrize("rule", [*NONSENSE, {"what": "status", "status": 400}, {"what": "strange_id"}], ids=name_of)
def test_in_single_calls_nonsense_costs_only_its_id(tracks: Catalog, rule: dict[str, Any]) -> None:
    tracks.capabilities.remember(Kind.TRACKS, Capability.SINGLE)
    tracks.spoil(**rule, ids=tracks.known[3])
    lookup = tracks.provider.look_up(tracks.known)
    assert (set(lookup.broken), lookup.absent, lookup.refusal) == ({tracks.known[3]}, frozenset(), None)
    assert set(lookup.found) == set(tracks.known) - {tracks.known[3]}


@pytest.mark.parametrize("single", [False, True], ids=["batch", "single"])
@pytest.mark.parametrize(
    "rule",
    [{"what": "strange_id"}, {"what": "out_of_range"}, {"what": "not_a_number"}, {"what": "text_value"}],
    ids=name_of,
)
def test_a_wrong_entry_costs_only_itself(catalog: Catalog, rule: dict[str, Any], single: bool) -> None:
    if single:
        catalog.capabilities.remember(catalog.kind, Capability.SINGLE)
    catalog.spoil(**rule, nth=1)
    lookup = catalog.provider.look_up(catalog.known)
    assert (set(lookup.broken), lookup.absent, lookup.refusal) == ({catalog.known[0]}, frozenset(), None)
    assert set(lookup.found) == set(catalog.known[1:])


@pytest.mark.parametrize("rule", [{"what": "duplicate"}, {"what": "shape", "shape": "short"}], ids=name_of)
def test_a_batch_of_another_length_says_nothing_of_any_id(catalog: Catalog, rule: dict[str, Any]) -> None:
    catalog.spoil(**rule)
    lookup = catalog.provider.look_up(catalog.known)
    assert lookup.refusal is not None
    assert (lookup.refusal.outcome, lookup.found, lookup.absent) == (Outcome.BROKEN, {}, frozenset())


def test_a_bad_request_is_halved_until_the_bad_id_is_alone(catalog: Catalog) -> None:
    bad = catalog.known[5]
    catalog.spoil(what="status", status=400, ids=bad)
    lookup = catalog.provider.look_up(catalog.known)
    assert (set(lookup.broken), set(lookup.found)) == ({bad}, set(catalog.known) - {bad})
    assert catalog.gate.calls == 7


def test_nothing_to_ask_is_no_call(tracks: Catalog) -> None:
    assert tracks.provider.look_up([]).refusal is None
    assert set(tracks.provider.look_up(["spotify:local:a:b:c:1", "spotify:episode:x"]).broken) != set()
    assert tracks.gate.calls == 0
