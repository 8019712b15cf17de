"""The queue: what is due, in which order, and that two workers never have the same document."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echotune.enrichment.queue import LEASE, Due, Queue, Status
from echotune.enrichment.settings import EnrichmentKind
from echotune.history.store import HistoryStore
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from tests.support.databases import contents
from tests.support.simulator import some_ids
from tests.support.working import PENDING, fill, let_time_pass, set_state, state_of, track

KIND = EnrichmentKind.AUDIO_FEATURES
NOW = datetime.now(UTC).replace(microsecond=0)
PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
OLD, YOUNG = NOW - timedelta(days=200), NOW - timedelta(days=10)
AGE = NOW - timedelta(days=180)
REAL = Due(refresh_before=AGE)
MOCK = Due(made_up_too=False)
IDS = some_ids(12)


def queue(store: HistoryStore, owner: str = "anna", due: Due = REAL, kind: EnrichmentKind = KIND) -> Queue:
    return Queue(store.tracks, kind, owner=owner, due=due)


def ids(claims: Iterable[Any]) -> list[str]:
    return [claim.id for claim in claims]


def claim_all(worker: Queue, size: int, providers: tuple[str, ...] = ()) -> list[str]:
    """Everything that one worker gets until there is no more."""
    claimed: list[str] = []
    while won := worker.claim(size, providers=providers):
        assert len(won) <= size
        claimed += ids(won)
    return claimed


# --- the order and the size


def test_the_most_played_come_first(store: HistoryStore) -> None:
    store.tracks.insert_many([track(one, play_count) for one, play_count in zip(IDS, [3, 9, 1, 7], strict=False)])
    assert ids(queue(store).claim(2)) == [IDS[1], IDS[3]]
    assert ids(queue(store).claim(5)) == [IDS[0], IDS[2]]


def test_an_empty_queue_gives_nothing(store: HistoryStore) -> None:
    assert (queue(store).claim(10), queue(store).count_due()) == ([], 0)


def test_a_claim_tells_what_is_known(store: HistoryStore) -> None:
    fill(store.tracks, IDS[:1])
    set_state(store.tracks, IDS[0], status="error", attempts=3, provider="spotify", next_attempt_at=PAST)
    (claim,) = queue(store).claim(1)
    assert (claim.id, claim.status, claim.attempts, claim.provider) == (IDS[0], Status.ERROR, 3, "spotify")


def test_the_kinds_have_queues_of_their_own(store: HistoryStore) -> None:
    fill(store.tracks, IDS[:3])
    assert len(queue(store).claim(9)) == len(queue(store, kind=EnrichmentKind.CATALOG).claim(9)) == 3


@pytest.mark.parametrize(
    "identity",
    ["name:Quartet", "name:" + "A" * 17, "A" * 21, "A" * 23, "A" * 21 + "é", "A" * 21 + ":", "", "A" * 10 + " " * 12],
)
def test_what_is_no_spotify_id_never_comes_out(store: HistoryStore, identity: str) -> None:
    providers = ("spotify",)
    for place, state in enumerate(
        [
            PENDING,
            {"status": "not_found", "next_attempt_at": PAST, "providers": []},
            {"status": "not_found", "next_attempt_at": FUTURE, "providers": []},
            {"status": "enriched", "fetched_at": OLD, "provider": "mock"},
        ]
    ):
        name = f"name:{place}" if place else identity
        store.tracks.insert_one(track(name, enrichment={KIND: state}))
    assert queue(store).claim(10, providers=providers) == []
    assert queue(store).count_due(providers) == 0


# --- what is due


DUE_STATES: dict[str, tuple[dict[str, Any], bool, bool]] = {
    "pending": ({}, True, True),
    "leased": ({"claimed_by": "dead", "next_attempt_at": FUTURE}, False, False),
    "lease over": ({"claimed_by": "dead", "next_attempt_at": PAST}, True, True),
    "error that waits": ({"status": "error", "attempts": 2, "next_attempt_at": FUTURE}, False, False),
    "error whose time has come": ({"status": "error", "attempts": 2, "next_attempt_at": PAST}, True, True),
    "error of too many attempts": ({"status": "error", "attempts": 8}, False, False),
    "not found a short time ago": (
        {"status": "not_found", "next_attempt_at": FUTURE, "providers": ["spotify"]},
        False,
        True,
    ),
    "not found a month ago": ({"status": "not_found", "next_attempt_at": PAST, "providers": ["spotify"]}, True, True),
    "unavailable at another provider": (
        {"status": "unavailable", "next_attempt_at": FUTURE, "providers": ["local"]},
        True,
        True,
    ),
    "young values": ({"status": "enriched", "provider": "spotify", "fetched_at": YOUNG}, False, False),
    "old values": ({"status": "enriched", "provider": "spotify", "fetched_at": OLD}, True, False),
    "values of the export": ({"status": "enriched", "provider": "history"}, False, False),
    "made-up values": ({"status": "enriched", "provider": "mock", "fetched_at": YOUNG}, True, False),
    "old values that could not be had anew": (
        {"status": "enriched", "provider": "spotify", "fetched_at": OLD, "next_attempt_at": FUTURE},
        False,
        False,
    ),
    "old values to be tried again": (
        {"status": "enriched", "provider": "spotify", "fetched_at": OLD, "next_attempt_at": PAST},
        True,
        False,
    ),
    "old values of a dead worker": (
        {
            "status": "enriched",
            "provider": "spotify",
            "fetched_at": OLD,
            "next_attempt_at": PAST,
            "claimed_by": "dead",
        },
        True,
        False,
    ),
    "made-up values of a dead worker": (
        {"status": "enriched", "provider": "mock", "fetched_at": YOUNG, "next_attempt_at": PAST, "claimed_by": "dead"},
        True,
        False,
    ),
}


@pytest.mark.parametrize("name", DUE_STATES)
def test_what_is_due_in_a_real_run_and_in_one_that_makes_values_up(store: HistoryStore, name: str) -> None:
    state, in_real_run, in_mock_run = DUE_STATES[name]
    store.tracks.insert_one(track(IDS[0], enrichment={KIND: PENDING | state}))
    for due, providers, expected in ((MOCK, ("mock",), in_mock_run), (REAL, ("spotify",), in_real_run)):
        worker = queue(store, due=due)
        assert worker.count_due(providers) == expected
        claims = worker.claim(5, providers=providers)
        assert ids(claims) == IDS[:expected]
        store.tracks.replace_one({"_id": IDS[0]}, track(IDS[0], enrichment={KIND: PENDING | state}))


def test_values_are_never_due_by_age_where_no_age_is_set(store: HistoryStore) -> None:
    fill(store.tracks, IDS[:1])
    set_state(store.tracks, IDS[0], status="enriched", provider="spotify", fetched_at=datetime(2001, 1, 1, tzinfo=UTC))
    assert queue(store, due=Due()).claim(1) == []


def test_what_no_provider_had_is_due_once_for_one_that_was_not_asked(store: HistoryStore) -> None:
    fill(store.tracks, IDS[:1])
    set_state(store.tracks, IDS[0], status="unavailable", providers=["spotify"], next_attempt_at=FUTURE)
    worker, other = queue(store), queue(store, "bert")
    assert worker.claim(1, providers=["spotify"]) == []
    assert ids(worker.claim(1, providers=["spotify", "local"])) == IDS[:1]
    assert other.claim(1, providers=["spotify", "local"]) == []
    set_state(store.tracks, IDS[0], status="unavailable", providers=["spotify", "local"], next_attempt_at=FUTURE)
    assert worker.claim(1, providers=["local", "spotify"]) == []


STATES = st.fixed_dictionaries(
    {"status": st.sampled_from(["pending", "enriched", "not_found", "unavailable", "error"])},
    optional={
        "next_attempt_at": st.sampled_from([PAST, FUTURE]),
        "claimed_by": st.sampled_from(["dead", "bert"]),
        "provider": st.sampled_from(["spotify", "mock", "history"]),
        "fetched_at": st.sampled_from([OLD, YOUNG]),
        "providers": st.lists(st.sampled_from(["spotify", "reccobeats", "local"]), unique=True),
        "attempts": st.integers(0, 9),
    },
)


@settings(max_examples=40)
@given(
    states=st.lists(STATES, max_size=12),
    due=st.sampled_from([REAL, MOCK, Due()]),
    providers=st.lists(st.sampled_from(["spotify", "reccobeats", "local", "mock"]), unique=True),
    size=st.integers(1, 5),
)
def test_the_count_is_what_workers_get(
    store: HistoryStore, states: list[dict[str, Any]], due: Due, providers: list[str], size: int
) -> None:
    store.tracks.delete_many({})
    for place, state in enumerate(states):
        store.tracks.insert_one(track(IDS[place], place, enrichment={KIND: state}))
    worker = queue(store, due=due)
    counted = worker.count_due(providers)
    claimed = claim_all(worker, size, tuple(providers))
    assert (len(claimed), len(set(claimed))) == (counted, counted)
    assert worker.count_due(providers) == 0


# --- two workers and more


def test_what_one_worker_has_no_other_gets(store: HistoryStore) -> None:
    fill(store.tracks, IDS)
    first = ids(queue(store, "anna").claim(5))
    second = ids(queue(store, "bert").claim(20))
    assert sorted(first + second) == sorted(IDS)
    assert queue(store, "cleo").count_due() == 0


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_side_by_side_never_have_the_same_document(store: HistoryStore, workers: int) -> None:
    ensure_indexes(store.database, declared_indexes(plays=store.plays.name))
    everything = some_ids(1200)
    fill(store.tracks, everything)
    everyone = threading.Barrier(workers)

    def work(name: str) -> list[str]:
        worker = queue(store, name)
        everyone.wait()
        first = ids(worker.claim(37))
        # On a busy machine one worker would have all before another begins.
        everyone.wait()
        return first + claim_all(worker, 37)

    with ThreadPoolExecutor(workers) as pool:
        claimed = list(pool.map(work, map(str, range(workers))))
    assert sorted(identity for mine in claimed for identity in mine) == sorted(everything)
    assert all(claimed), "each worker has its share"
    for name, mine in enumerate(claimed):
        assert {one["_id"] for one in store.tracks.find({f"enrichment.{KIND}.claimed_by": str(name)})} == set(mine)


@pytest.mark.parametrize(
    "state",
    [
        {"status": "not_found", "providers": ["local"], "next_attempt_at": FUTURE},
        {"status": "error", "next_attempt_at": PAST},
        {"status": "enriched", "provider": "mock"},
    ],
    ids=["waiting", "to be tried again", "made up"],
)
def test_workers_never_share_what_is_due_again_either(store: HistoryStore, state: dict[str, Any]) -> None:
    everything = some_ids(300)
    fill(store.tracks, everything, enrichment={KIND: PENDING | state})
    begin = threading.Barrier(2)

    def work(name: str) -> list[str]:
        begin.wait()
        return claim_all(queue(store, name), 20, ("spotify",))

    with ThreadPoolExecutor(2) as pool:
        claimed = [identity for mine in pool.map(work, ["a", "b"]) for identity in mine]
    assert sorted(claimed) == sorted(everything)


def test_a_claim_comes_back_when_its_lease_is_over(store: HistoryStore) -> None:
    fill(store.tracks, IDS[:2])
    before = datetime.now(UTC)
    queue(store, "dead").claim(2)
    lease_ends = state_of(store.tracks, IDS[0])["next_attempt_at"]
    assert LEASE - timedelta(seconds=1) < lease_ends - before < LEASE + timedelta(seconds=10)
    assert queue(store, "bert").claim(2) == []
    let_time_pass(store.tracks, KIND)
    assert ids(queue(store, "bert").claim(2)) == IDS[:2]
    assert state_of(store.tracks, IDS[0])["claimed_by"] == "bert"


# --- giving back


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"status": "enriched", "provider": "mock", "fetched_at": YOUNG},
        {"status": "enriched", "provider": "spotify", "fetched_at": OLD},
        {"attempts": 2},
    ],
    ids=["pending", "made up", "old", "tried before"],
)
def test_what_is_given_back_is_as_it_was(store: HistoryStore, state: dict[str, Any]) -> None:
    fill(store.tracks, IDS[:3])
    for identity in IDS[:3]:
        set_state(store.tracks, identity, **state)
    before = contents(store.tracks)
    worker = queue(store)
    worker.release(worker.claim(3))
    assert contents(store.tracks) == before
    assert worker.count_due() == 3


@pytest.mark.parametrize("status", ["not_found", "unavailable", "error"])
@pytest.mark.parametrize("when", [PAST, FUTURE])
def test_what_waited_is_due_at_once_when_it_is_given_back(store: HistoryStore, status: str, when: datetime) -> None:
    fill(store.tracks, IDS[:1])
    set_state(store.tracks, IDS[0], status=status, attempts=2, error="500", providers=["local"], next_attempt_at=when)
    before = state_of(store.tracks, IDS[0])
    worker = queue(store)
    claims = worker.claim(1, providers=["spotify"])
    assert bool(claims) == (when == PAST or status != "error")
    worker.release(claims)
    after = state_of(store.tracks, IDS[0])
    assert {**after, "next_attempt_at": None} == {**before, "next_attempt_at": None}
    assert worker.count_due() == len(claims)


def test_only_what_is_given_back_is_given_back(store: HistoryStore) -> None:
    fill(store.tracks, IDS[:4])
    worker, other = queue(store, "anna"), queue(store, "bert")
    mine, others = worker.claim(2), other.claim(2)
    worker.release([mine[0], *others])
    assert ids(queue(store, "cleo").claim(9)) == [mine[0].id]
    worker.release([])
    assert queue(store, "cleo").count_due() == 0


def test_a_second_try_of_a_worker_takes_up_its_own(store: HistoryStore) -> None:
    fill(store.tracks, IDS[:5])
    queue(store, "anna").claim(2)
    queue(store, "bert").claim(1)
    assert queue(store, "anna").release_all() == 2
    assert ids(queue(store, "anna").claim(9)) == [*IDS[:2], *IDS[3:5]]
