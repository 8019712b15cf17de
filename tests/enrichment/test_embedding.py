"""What was learnt of tracks is in their plays, and what the file had can still be told."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from echotune.enrichment.embedding import Embedded, count_outdated_plays, embed_due
from echotune.history.catalog import refresh_catalog
from echotune.history.document import cells_of
from echotune.history.enriched import ENRICHED_FIELDS, as_exported
from echotune.history.store import HistoryStore
from echotune.indexes.mongo import declared_indexes, ensure_indexes
from tests.support.cells import cells
from tests.support.databases import contents
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv
from tests.support.shaping import shape
from tests.support.working import BEFORE

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LATER = "2018-01-01 00:00:00+00:00"
FEATURES = {"energy": 0.5, "tempo": 120.0}
STATE_OF = {"audio_features": "audio_features", "duration_ms": "catalog", "popularity": "catalog", "genres": "catalog"}
"""The kind whose state speaks for each field."""


@pytest.fixture
def indexed(store: HistoryStore) -> HistoryStore:
    ensure_indexes(store.database, declared_indexes(plays=store.plays.name))
    return store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"


def embed(store: HistoryStore) -> Embedded:
    """Embed what became due before this very millisecond."""
    time.sleep(0.002)
    return embed_due(store)


def put_play(store: HistoryStore, number: int, cells: Sequence[str], track: int) -> dict[str, Any]:
    """A play of a numbered track, as a load writes it."""
    play = shape(cells, number=number)
    play |= {"_id": number, "spotify_track_uri": track_uri(track), "updated_at": LONG_AGO}
    store.plays.insert_one(deepcopy(play))
    return play


def enriched_state(provider: str) -> dict[str, Any]:
    return {"status": "enriched", "provider": provider, "attempts": 0, "fetched_at": BEFORE}


def put_track(store: HistoryStore, number: int, knowledge: Mapping[str, Any]) -> None:
    """A numbered track of which something is known, due for embedding."""
    identity = track_uri(number)[14:]
    document = {"_id": identity, "uri": track_uri(number), "play_count": 1, "embedding_due": BEFORE, **knowledge}
    if "audio_features" not in knowledge:
        # As settlement leaves a track whose made-up values it took away.
        document["values_withdrawn"] = True
    store.tracks.replace_one({"_id": identity}, document, upsert=True)


def known(provider: str = "spotify", catalog: str = "spotify", **values: Any) -> dict[str, Any]:
    """Knowledge of a track from two providers."""
    states = {"audio_features": enriched_state(provider), "catalog": enriched_state(catalog)}
    return {"enrichment": states, **values}


def value_at(play: Mapping[str, Any], path: str) -> Any:
    for name in path.split("."):
        play = play.get(name, {})
    return None if play == {} else play


def times(store: HistoryStore) -> dict[Any, Any]:
    return {key: play["updated_at"] for key, play in contents(store.plays).items()}


# --- the law


def texts() -> st.SearchStrategy[str]:
    return st.sampled_from(["rock", "pop", "ambient"])


FEATURE_VALUES = st.dictionaries(
    st.sampled_from(["energy", "tempo", "key", "valence"]), st.sampled_from([0, 0.25, 0.5, 1, 7]), min_size=1
)
UNKNOWN = [{"status": status, "attempts": 0} for status in ("pending", "not_found", "error")]
FEATURE_STATES = st.builds(enriched_state, st.sampled_from(["spotify", "reccobeats", "mock"])) | st.sampled_from(
    UNKNOWN
)
CATALOG_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "duration_ms": st.sampled_from([1, 3, 200_000]),
        "popularity": st.sampled_from([0, 3, 88]),
        "genres": st.lists(texts(), min_size=1, max_size=2, unique=True),
    },
)


def turns() -> st.SearchStrategy[list[dict[str, Any]]]:
    """What is known of a track, turn by turn: catalog values change and never go, features may also vanish."""
    states = st.tuples(FEATURE_STATES, FEATURE_VALUES, st.booleans(), CATALOG_VALUES)
    return st.lists(states, min_size=1, max_size=3).map(knowledge_of)


def knowledge_of(turns: list[tuple[dict[str, Any], dict[str, Any], bool, dict[str, Any]]]) -> list[dict[str, Any]]:
    known_so_far: dict[str, Any] = {}
    catalog, told = dict(UNKNOWN[0]), []
    for features, values, learnt, catalog_values in turns:
        if learnt:
            catalog = enriched_state("spotify")
            known_so_far |= catalog_values
        one = {"enrichment": {"audio_features": features, "catalog": catalog}, **known_so_far}
        told.append(one | ({"audio_features": values} if features["status"] == "enriched" else {}))
    return told


def wanted(play: Mapping[str, Any], track: Mapping[str, Any] | None, field: str) -> tuple[Any, str | None]:
    """What a play should have in a field, and from whom; as exported where nothing is known."""
    exported = value_at(play, ENRICHED_FIELDS[field])
    state = track["enrichment"][STATE_OF[field]] if track else {}
    if track is None or state["status"] != "enriched" or field not in track:
        return exported, None
    return track[field], state["provider"]


def assert_embedded(play: Mapping[str, Any], exported: Mapping[str, Any], track: Mapping[str, Any] | None) -> None:
    for field, path in ENRICHED_FIELDS.items():
        value, provider = wanted(exported, track, field)
        assert value_at(play, path) == value
        if provider and value != value_at(exported, path):
            assert play["enriched"][field] in {provider, *PROVIDERS_OF_EQUAL_VALUES}
    assert cells_of(play) == cells_of(exported)
    assert without_time(as_exported(play)) == without_time(exported)
    assert_no_hole(play)


PROVIDERS_OF_EQUAL_VALUES = ("spotify", "reccobeats", "mock", "history")
"""A value that a later provider gives just the same keeps the name of the first."""


def without_time(play: Mapping[str, Any]) -> dict[str, Any]:
    source = {name: value for name, value in play["source"].items() if name != "replaced"}
    return {name: value for name, value in play.items() if name != "updated_at"} | {"source": source}


def assert_no_hole(value: Any, path: str = "") -> None:
    """No None, and no empty section, but what the file itself had."""
    assert value is not None, path
    if isinstance(value, Mapping):
        assert value or not path, path
        for name, part in value.items():
            assert_no_hole(part, f"{path}.{name}")


TOUCHED = ("Energy", "Key", "Popularity_releases", "Track Duration (ms)_releases", "Artist Genres")
ROWS = st.fixed_dictionaries({}, optional={name: cells(name) for name in TOUCHED}).map(row)


@settings(max_examples=30)
@given(
    plays=st.lists(st.tuples(ROWS, st.integers(1, 2)), min_size=1, max_size=4),
    first=turns(),
    second=turns(),
)
def test_plays_have_what_is_known_and_the_cells_can_still_be_told(
    indexed: HistoryStore,
    plays: list[tuple[list[str], int]],
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
) -> None:
    for collection in (indexed.plays, indexed.tracks):
        collection.delete_many({})
    exported = [put_play(indexed, number, written, track) for number, (written, track) in enumerate(plays)]
    tracks: dict[int, dict[str, Any]] = {}
    for turn in zip_longest(first, second):
        for number, knowledge in enumerate(turn, start=1):
            if knowledge is not None:
                tracks[number] = knowledge
                put_track(indexed, number, knowledge)
        embed(indexed)
        embedded = contents(indexed.plays)
        for number, (_, track) in enumerate(plays):
            assert_embedded(embedded[number], exported[number], tracks.get(track))
        assert count_outdated_plays(indexed) == 0
        assert embed(indexed) == Embedded(tracks=0, plays=0)
        indexed.tracks.update_many({}, {"$set": {"embedding_due": BEFORE}})
        assert embed(indexed).plays == 0
        assert contents(indexed.plays) == embedded, "what is right already is not written"


# --- what is written, and what is not


def test_each_play_of_a_track_gets_its_values(indexed: HistoryStore) -> None:
    for number, track in enumerate([1, 1, 2]):
        put_play(indexed, number, row(), track)
    put_track(indexed, 1, known(audio_features=FEATURES, duration_ms=5, popularity=7, genres=["pop"]))
    assert embed(indexed) == Embedded(tracks=1, plays=2)
    one, two, other = (contents(indexed.plays)[number] for number in range(3))
    for play in (one, two):
        assert play["audio_features"] == FEATURES
        assert (play["track"]["duration_ms"], play["track"]["popularity"]) == (5, 7)
        assert play["track"]["name"] == "Bohemian", "the rest of a section stays"
        assert play["metadata"] == {"genres": ["pop"]}
        assert play["enriched"] == dict.fromkeys(ENRICHED_FIELDS, "spotify")
        assert "replaced" not in play["source"], "the file had nothing to keep"
        assert play["updated_at"] > LONG_AGO
    assert (other["updated_at"], "enriched" in other) == (LONG_AGO, False)


def test_each_value_says_its_own_provider(indexed: HistoryStore) -> None:
    put_play(indexed, 0, row(), 1)
    put_track(indexed, 1, known("reccobeats", "spotify", audio_features=FEATURES, popularity=7))
    embed(indexed)
    (play,) = contents(indexed.plays).values()
    assert play["enriched"] == {"audio_features": "reccobeats", "popularity": "spotify"}


def test_what_the_file_had_is_kept_beside(indexed: HistoryStore) -> None:
    cells = row(Energy="0.9", **{"Popularity_releases": "3.0", "Artist Genres": "folk, jazz"})
    exported = put_play(indexed, 0, cells, 1)
    put_track(indexed, 1, known(audio_features=FEATURES, popularity=7, genres=["pop"], duration_ms=5))
    embed(indexed)
    (play,) = contents(indexed.plays).values()
    assert play["source"]["replaced"] == {
        field: value_at(exported, ENRICHED_FIELDS[field]) for field in ("audio_features", "popularity", "genres")
    }
    assert cells_of(play) == cells_of(exported)


def test_values_that_the_file_had_already_are_no_change(indexed: HistoryStore) -> None:
    put_play(indexed, 0, row(Energy="0.5"), 1)
    put_track(indexed, 1, known(audio_features={"energy": 0.5}))
    assert embed(indexed).plays == 0
    (play,) = contents(indexed.plays).values()
    assert (play["updated_at"], "enriched" in play) == (LONG_AGO, False)


def test_only_the_plays_of_tracks_that_changed_are_looked_at_again(indexed: HistoryStore) -> None:
    put_play(indexed, 0, row(), 1)
    put_play(indexed, 1, row(), 2)
    for number in (1, 2):
        put_track(indexed, number, known(popularity=7))
    embed(indexed)
    before = times(indexed)
    put_track(indexed, 2, known(popularity=8))
    assert embed(indexed) == Embedded(tracks=1, plays=1)
    assert {number for number, when in times(indexed).items() if when != before[number]} == {1}


@pytest.mark.parametrize("status", ["pending", "not_found", "unavailable", "error"])
def test_values_of_the_export_in_a_track_that_was_not_enriched_stay_where_they_are(
    indexed: HistoryStore, status: str
) -> None:
    put_play(indexed, 0, row(), 1)
    state = {"status": status, "attempts": 0}
    put_track(indexed, 1, {"duration_ms": 9, "enrichment": {"audio_features": state, "catalog": state}})
    assert embed(indexed).plays == 0
    assert count_outdated_plays(indexed) == 0


def test_outdated_plays_are_counted(indexed: HistoryStore) -> None:
    for number in range(3):
        put_play(indexed, number, row(), 1)
    put_track(indexed, 1, known(popularity=7))
    assert count_outdated_plays(indexed) == 3
    embed(indexed)
    assert count_outdated_plays(indexed) == 0
    indexed.plays.update_one({"_id": 1}, {"$set": {"track.popularity": 1}})
    assert count_outdated_plays(indexed) == 1


def test_without_tracks_or_plays_there_is_nothing_to_do(store: HistoryStore) -> None:
    assert (embed(store), count_outdated_plays(store)) == (Embedded(tracks=0, plays=0), 0)


# --- from made-up values to real ones, and to none


def test_made_up_values_become_real_ones_and_vanish_without_a_trace(indexed: HistoryStore) -> None:
    exported = [put_play(indexed, 0, row(), 1), put_play(indexed, 1, row(Energy="0.9"), 1)]
    put_track(indexed, 1, known("mock", audio_features={"energy": 0.1}))
    embed(indexed)
    assert [play["enriched"] for play in contents(indexed.plays).values()] == [{"audio_features": "mock"}] * 2
    put_track(indexed, 1, known("reccobeats", audio_features=FEATURES))
    embed(indexed)
    for number, play in contents(indexed.plays).items():
        assert (play["audio_features"], play["enriched"]) == (FEATURES, {"audio_features": "reccobeats"})
        assert play["source"].get("replaced", {}) == ({"audio_features": {"energy": 0.9}} if number else {})
    not_found = {"status": "not_found", "attempts": 0}
    put_track(indexed, 1, {"enrichment": {"audio_features": not_found, "catalog": not_found}})
    embed(indexed)
    for number, play in contents(indexed.plays).items():
        assert play | {"updated_at": LONG_AGO} == exported[number]


# --- plays that come later


def play_of(number: int, **more: str) -> dict[str, str]:
    return {"spotify_track_uri": track_uri(number)} | more


def load(store: HistoryStore, path: Path, *cells: dict[str, str]) -> None:
    load_file(store, write_csv(path, [row(one) for one in cells]))
    refresh_catalog(store)


def enrich(store: HistoryStore, number: int, **values: Any) -> None:
    """Make a loaded track known, as settlement does."""
    states = {f"enrichment.{kind}": state for kind, state in known()["enrichment"].items()}
    store.tracks.update_one(
        {"uri": track_uri(number)}, {"$set": values | states, "$currentDate": {"embedding_due": True}}
    )


def test_a_play_loaded_later_gets_what_is_known_without_a_call(store: HistoryStore, path: Path) -> None:
    load(store, path, play_of(1), play_of(2))
    enrich(store, 1, audio_features=FEATURES, popularity=7, genres=["pop"])
    embed(store)
    first = times(store)
    load(store, path, play_of(1), play_of(1, ts_x=LATER), play_of(2, ts_x=LATER))
    assert embed(store) == Embedded(tracks=1, plays=1)
    plays = list(store.plays.find({"spotify_track_uri": track_uri(1)}))
    assert [play["audio_features"] for play in plays] == [FEATURES] * 2
    assert [play["metadata"]["genres"] for play in plays] == [["pop"]] * 2
    assert {key: when for key, when in times(store).items() if key in first} == first
    assert count_outdated_plays(store) == 0


def test_features_that_one_row_of_the_file_has_reach_the_other_plays_of_the_track(
    store: HistoryStore, path: Path
) -> None:
    load(store, path, play_of(1, Energy="0.5"), play_of(1, ts_x=LATER))
    embed(store)
    plays = {play["source"]["row"]: play for play in store.plays.find()}
    assert [play["audio_features"] for play in plays.values()] == [{"energy": 0.5}] * 2
    assert sorted(str(play.get("enriched")) for play in plays.values()) == ["None", "{'audio_features': 'history'}"]


# --- what changes meanwhile


class Meddler(CommandListener):
    """Does something to the database while a command of someone else has just ended."""

    def __init__(self, action: Callable[[], object], nth: int) -> None:
        self.action, self.nth, self.seen = action, nth, 0

    def started(self, event: CommandStartedEvent) -> None:
        """Nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing."""

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in ("find", "aggregate", "update", "bulkWrite", "getMore", "count"):
            self.seen += 1
            if self.seen == self.nth:
                self.action()


@pytest.fixture
def busy_store(indexed: HistoryStore) -> HistoryStore:
    """Two tracks of two plays each, due."""
    for number in range(4):
        put_play(indexed, number, row(), 1 + number % 2)
    for number in (1, 2):
        put_track(indexed, number, known(audio_features={"energy": 0.1}))
    return indexed


@pytest.mark.parametrize("nth", range(1, 7))
def test_a_track_that_changes_while_embedding_runs_is_not_forgotten(
    busy_store: HistoryStore, mongodb_uri: str, nth: int
) -> None:
    def change() -> None:
        busy_store.tracks.update_one(
            {"uri": track_uri(1)},
            {"$set": {"audio_features": {"energy": 0.9}}, "$currentDate": {"embedding_due": True}},
        )

    time.sleep(0.002)
    meddler = Meddler(change, nth)
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[meddler]) as client:
        embed_due(HistoryStore.of(client[busy_store.database.name]))
    if meddler.seen < nth:
        change()
    embed(busy_store)
    plays = {play["_id"]: play["audio_features"] for play in busy_store.plays.find()}
    assert plays == {number: {"energy": 0.1 if number % 2 else 0.9} for number in range(4)}
    assert (count_outdated_plays(busy_store), busy_store.tracks.count_documents({"embedding_due": {"$ne": None}})) == (
        0,
        0,
    )


class Stopped(BaseException):
    """The work ends here."""


@pytest.mark.parametrize("nth", range(1, 7))
def test_stopped_anywhere_and_started_again_it_comes_to_the_same(
    busy_store: HistoryStore, mongodb_uri: str, nth: int
) -> None:
    def stop() -> None:
        raise Stopped

    meddler = Meddler(stop, nth)
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[meddler]) as client, suppress(Stopped):
        embed_due(HistoryStore.of(client[busy_store.database.name]))
    embed(busy_store)
    plays = contents(busy_store.plays)
    assert [play["audio_features"] for play in plays.values()] == [{"energy": 0.1}] * 4
    assert count_outdated_plays(busy_store) == 0
