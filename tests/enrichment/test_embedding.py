"""What was learnt of tracks is in their plays: what is written, what is not, and plays that come later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from echotune.enrichment.embedding import BY_USERS_ABOVE, Embedded, embed_due
from echotune.enrichment.outdated_plays import count_outdated_plays
from echotune.history.catalog import refresh_catalog
from echotune.history.document import cells_of
from echotune.history.enriched import ENRICHED_FIELDS, as_exported
from echotune.history.store import HistoryStore
from tests.support.databases import contents
from tests.support.embedding import LONG_AGO, WAYS, embed, known, put_play, put_track, value_at
from tests.support.loading import load_file
from tests.support.rows import row, track_uri, write_csv

LATER = "2018-01-01 00:00:00+00:00"
FEATURES = {"energy": 0.5, "tempo": 120.0}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the plays of tracks are found."""
    found: str = request.param
    return found


def times(store: HistoryStore) -> dict[Any, Any]:
    return {key: play["updated_at"] for key, play in contents(store.plays).items()}


def test_each_play_of_a_track_gets_its_values(indexed: HistoryStore, way: str) -> None:
    for number, track in enumerate([1, 1, 2]):
        put_play(indexed, number, row(), track)
    put_track(indexed, 1, known(audio_features=FEATURES, duration_ms=5, popularity=7, genres=["pop"]))
    assert embed(indexed, way) == Embedded(tracks=1, plays=2)
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


def test_each_value_says_its_own_provider(indexed: HistoryStore, way: str) -> None:
    put_play(indexed, 0, row(), 1)
    put_track(indexed, 1, known("reccobeats", "spotify", audio_features=FEATURES, popularity=7))
    embed(indexed, way)
    (play,) = contents(indexed.plays).values()
    assert play["enriched"] == {"audio_features": "reccobeats", "popularity": "spotify"}


def test_what_the_file_had_is_kept_beside(indexed: HistoryStore, way: str) -> None:
    cells = row(Energy="0.9", **{"Popularity_releases": "3.0", "Artist Genres": "folk, jazz"})
    exported = put_play(indexed, 0, cells, 1)
    put_track(indexed, 1, known(audio_features=FEATURES, popularity=7, genres=["pop"], duration_ms=5))
    embed(indexed, way)
    (play,) = contents(indexed.plays).values()
    assert play["source"]["replaced"] == {
        field: value_at(exported, ENRICHED_FIELDS[field]) for field in ("audio_features", "popularity", "genres")
    }
    assert cells_of(play) == cells_of(exported)


def test_values_that_the_file_had_already_are_no_change(indexed: HistoryStore, way: str) -> None:
    put_play(indexed, 0, row(Energy="0.5"), 1)
    put_track(indexed, 1, known(audio_features={"energy": 0.5}))
    assert embed(indexed, way).plays == 0
    (play,) = contents(indexed.plays).values()
    assert (play["updated_at"], "enriched" in play) == (LONG_AGO, False)


def test_only_the_plays_of_tracks_that_changed_are_looked_at_again(indexed: HistoryStore, way: str) -> None:
    put_play(indexed, 0, row(), 1)
    put_play(indexed, 1, row(), 2)
    for number in (1, 2):
        put_track(indexed, number, known(popularity=7))
    embed(indexed, way)
    before = times(indexed)
    put_track(indexed, 2, known(popularity=8))
    assert embed(indexed, way) == Embedded(tracks=1, plays=1)
    assert {number for number, when in times(indexed).items() if when != before[number]} == {1}


@pytest.mark.parametrize("status", ["pending", "not_found", "unavailable", "error"])
def test_values_of_the_export_in_a_track_that_was_not_enriched_stay_where_they_are(
    indexed: HistoryStore, way: str, status: str
) -> None:
    put_play(indexed, 0, row(), 1)
    state = {"status": status, "attempts": 0}
    put_track(indexed, 1, {"duration_ms": 9, "enrichment": {"audio_features": state, "catalog": state}})
    assert embed(indexed, way).plays == 0
    assert count_outdated_plays(indexed) == 0


def test_what_the_file_of_a_play_had_is_kept_though_its_track_was_counted_before(
    indexed: HistoryStore, way: str
) -> None:
    came_since = row({"Energy": "0.5", "Track Duration (ms)_releases": "9"})
    exported = [put_play(indexed, 0, row(), 1), put_play(indexed, 1, came_since, 1)]
    learnt = known(audio_features={"energy": 0.1}, duration_ms=7)
    put_track(indexed, 1, learnt | {"has_exported_values": False})
    assert embed(indexed, way).plays == 1
    assert contents(indexed.plays)[1] == exported[1]
    put_track(indexed, 1, learnt | {"has_exported_values": True})
    assert embed(indexed, way).plays == 1
    plays = contents(indexed.plays, without=("updated_at",))
    assert [play["track"]["duration_ms"] for play in plays.values()] == [7, 7]
    for play, before in zip(plays.values(), exported, strict=True):
        assert as_exported(play) == {name: value for name, value in before.items() if name != "updated_at"}


def test_outdated_plays_are_counted(indexed: HistoryStore, way: str) -> None:
    for number in range(3):
        put_play(indexed, number, row(), 1)
    put_track(indexed, 1, known(popularity=7))
    assert count_outdated_plays(indexed) == 3
    embed(indexed, way)
    assert count_outdated_plays(indexed) == 0
    indexed.plays.update_one({"_id": 1}, {"$set": {"track.popularity": 1}})
    assert count_outdated_plays(indexed) == 1


def test_without_tracks_or_plays_there_is_nothing_to_do(store: HistoryStore, way: str) -> None:
    assert (embed(store, way), count_outdated_plays(store)) == (Embedded(tracks=0, plays=0), 0)


def test_made_up_values_become_real_ones_and_vanish_without_a_trace(indexed: HistoryStore, way: str) -> None:
    exported = [put_play(indexed, 0, row(), 1), put_play(indexed, 1, row(Energy="0.9"), 1)]
    put_track(indexed, 1, known("mock", audio_features={"energy": 0.1}))
    embed(indexed, way)
    assert [play["enriched"] for play in contents(indexed.plays).values()] == [{"audio_features": "mock"}] * 2
    put_track(indexed, 1, known("reccobeats", audio_features=FEATURES))
    embed(indexed, way)
    for number, play in contents(indexed.plays).items():
        assert (play["audio_features"], play["enriched"]) == (FEATURES, {"audio_features": "reccobeats"})
        assert play["source"].get("replaced", {}) == ({"audio_features": {"energy": 0.9}} if number else {})
    not_found = {"status": "not_found", "attempts": 0}
    put_track(indexed, 1, {"enrichment": {"audio_features": not_found, "catalog": not_found}})
    embed(indexed, way)
    for number, play in contents(indexed.plays).items():
        assert play | {"updated_at": LONG_AGO} == exported[number]


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


def test_a_play_loaded_later_gets_what_is_known_without_a_call(store: HistoryStore, way: str, path: Path) -> None:
    load(store, path, play_of(1), play_of(2))
    enrich(store, 1, audio_features=FEATURES, popularity=7, genres=["pop"])
    embed(store, way)
    first = times(store)
    load(store, path, play_of(1), play_of(1, ts_x=LATER), play_of(2, ts_x=LATER))
    assert embed(store, way) == Embedded(tracks=1, plays=1)
    plays = list(store.plays.find({"spotify_track_uri": track_uri(1)}))
    assert [play["audio_features"] for play in plays] == [FEATURES] * 2
    assert [play["metadata"]["genres"] for play in plays] == [["pop"]] * 2
    assert {key: when for key, when in times(store).items() if key in first} == first
    assert count_outdated_plays(store) == 0


def test_features_that_one_row_of_the_file_has_reach_the_other_plays_of_the_track(
    store: HistoryStore, way: str, path: Path
) -> None:
    load(store, path, play_of(1, Energy="0.5"), play_of(1, ts_x=LATER))
    embed(store, way)
    plays = {play["source"]["row"]: play for play in store.plays.find()}
    assert [play["audio_features"] for play in plays.values()] == [{"energy": 0.5}] * 2
    assert sorted(str(play.get("enriched")) for play in plays.values()) == ["None", "{'audio_features': 'history'}"]


class Watcher(CommandListener):
    """Hears whether the users are asked for."""

    asked = 0

    def started(self, event: CommandStartedEvent) -> None:
        self.asked += event.command_name == "distinct"

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing."""


@pytest.mark.parametrize("due", [1, 2])
def test_tracks_are_looked_up_user_by_user_only_where_many_are_due(
    indexed: HistoryStore, mongodb_uri: str, due: int
) -> None:
    plays = round(1 / BY_USERS_ABOVE)
    for number in range(plays):
        put_play(indexed, number, row(), number + 1)
    for number in range(due):
        put_track(indexed, number + 1, known(popularity=7))
    watcher = Watcher()
    with MongoClient[dict[str, Any]](mongodb_uri, event_listeners=[watcher]) as client:
        embedded = embed_due(HistoryStore.of(client[indexed.database.name]))
    assert embedded == Embedded(tracks=due, plays=due)
    assert bool(watcher.asked) == (due == 2)
