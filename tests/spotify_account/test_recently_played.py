"""Recent plays into MongoDB: paged, each once, with the cursor moved last and gaps told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from echotune.dashboard.panels.rejected import rejected_rows
from echotune.history.catalog import refresh_catalog
from echotune.history.errors import CellError
from echotune.history.forgotten import begin_forgetting
from echotune.history.load_runs import announce_new_plays
from echotune.history.reconcile import check_catalog
from echotune.history.store import HistoryStore
from echotune.history.uncounted import Uncounted
from echotune.spotify_account.plays import shape_play, source_sha256
from echotune.spotify_account.progress import Gap, newest_known
from echotune.spotify_account.recently_played import RecentLoad, load_recent_plays
from local.servers.simulator import SpotifySimulator
from local.simulator import catalog
from tests.support.accounts import FIRST, TRACKS, Kept, moment, open_account, plays, refresh_token_of
from tests.support.dying import dies_at

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Listening:
    """A listener who plays and whose plays are loaded, run after run."""

    def __init__(self, simulator: SpotifySimulator, store: HistoryStore, username: str) -> None:
        self.simulator, self.store, self.username = simulator, store, username
        self.kept = Kept(refresh_token_of(simulator, username))

    def dies_at(self, number: int, uri: str) -> bool:
        """Load as a process that is killed; what it was given of the account is lost with it."""
        died = dies_at(number, uri, self.store.database.name, self.load_into)
        self.kept = Kept(refresh_token_of(self.simulator, self.username))
        return died

    def play(self, count: int, start: int = 0) -> None:
        self.simulator.control.add_plays(self.username, plays(count, start))

    def load(self) -> RecentLoad:
        return self.load_into(self.store)

    def load_into(self, store: HistoryStore) -> RecentLoad:
        return load_recent_plays(store, open_account(self.simulator, self.username, self.kept))

    def inserted(self) -> int:
        return self.load().counts.inserted


@pytest.fixture
def anna(simulator: SpotifySimulator, store: HistoryStore) -> Listening:
    return Listening(simulator, store, "anna")


def test_a_play_has_what_spotify_tells_and_nothing_else(anna: Listening, store: HistoryStore) -> None:
    (given,) = plays(1, context="spotify:playlist:37i9dQZF1DX")
    anna.simulator.control.add_plays("anna", [given])
    anna.load()
    (play,) = store.plays.find()
    assert play.pop("_id").version == 5
    assert play.pop("created_at") == play.pop("updated_at")
    track = play.pop("track")
    assert track["duration_ms"] == catalog.duration_ms(TRACKS[0])
    assert track.keys() == {"name", "artist", "album", "duration_ms"}
    assert play.pop("metadata").keys() == {"explicit", "isrc"}
    assert play == {
        "spotify_track_uri": f"spotify:track:{TRACKS[0]}",
        "timestamp": moment(0),
        "user": {"username": "anna"},
        "listening": {"context_uri": "spotify:playlist:37i9dQZF1DX"},
        "source": {
            "format": "recently_played",
            "file": "recently_played",
            "sha256": source_sha256("anna"),
            "row": FIRST,
        },
    }


def test_the_id_of_a_play_never_changes() -> None:
    item = {"track": {"uri": "spotify:track:0"}, "played_at": "2026-11-01T00:00:00.123Z"}
    assert str(shape_play(item, "anna", NOW)["_id"].as_uuid()) == "5cc86d2e-f74e-520f-a0e4-782ee033ca83"
    other = [
        item | {"played_at": "2026-11-01T00:00:00.124Z"},
        item | {"track": {"uri": "spotify:track:1"}},
    ]
    assert (
        len({shape_play(one, "anna", NOW)["_id"] for one in [item, *other]} | {shape_play(item, "b", NOW)["_id"]}) == 4
    )


def test_a_local_file_is_kept_with_its_uri_and_is_no_track(anna: Listening, store: HistoryStore) -> None:
    uri = "spotify:local:The+Band:An+Album:A+Song:184"
    anna.simulator.control.add_plays("anna", [{"uri": uri, "played_at": FIRST}])
    anna.load()
    (play,) = store.plays.find()
    assert play["spotify_track_uri"] == uri
    assert play["track"] == {"name": "A Song", "artist": "The Band", "album": "An Album", "duration_ms": 184_000}
    assert "listening" not in play
    refresh_catalog(store)
    assert store.tracks.count_documents({}) == 0


def test_only_new_plays_are_inserted_and_what_was_written_to_the_others_stays(
    anna: Listening, store: HistoryStore
) -> None:
    anna.play(3)
    assert anna.inserted() == 3
    store.plays.update_many({}, {"$set": {"audio_features": {"energy": 0.5}}})
    anna.play(2, start=3)
    loaded = anna.load()
    assert (loaded.counts.inserted, loaded.counts.already_there, loaded.gap) == (2, 1, None)
    assert store.plays.count_documents({"audio_features.energy": 0.5}) == 3
    assert anna.inserted() == 0
    assert newest_known(store, "anna") == moment(4)


def test_plays_beyond_a_page_come_too(anna: Listening) -> None:
    anna.simulator.control.settings(plays_kept=200)
    anna.play(1)
    anna.load()
    anna.simulator.control.reset()
    anna.play(130, start=1)
    loaded = anna.load()
    assert (loaded.counts.inserted, loaded.gap) == (130, None)
    endpoint = anna.simulator.control.report()["services"]["spotify"]["endpoints"]["recently-played"]
    assert endpoint["calls"] == 3


def test_spotify_forgetting_plays_is_told_with_the_times_between(anna: Listening, store: HistoryStore) -> None:
    anna.play(2)
    assert anna.load().gap is None
    anna.play(70, start=2)
    loaded = anna.load()
    assert loaded.gap == Gap(username="anna", start=moment(1), end=moment(22))
    assert "anna: plays between 2026-11-01 00:01:00 and 2026-11-01 00:22:00 UTC may be missing" in str(loaded.gap)
    assert "csv_backfill" in str(loaded.gap)
    record = store.load_runs.find_one({"kind": "recently_played"})
    assert record
    assert [(gap["from"], gap["to"]) for gap in record["gaps"]] == [(moment(1), moment(22))]
    assert anna.load().gap is None


def test_fifty_plays_at_once_with_the_newest_known_among_them_are_no_gap(anna: Listening) -> None:
    anna.play(10)
    anna.load()
    anna.play(49, start=10)
    assert anna.load().gap is None


def forget_all(store: HistoryStore) -> None:
    for name in store.database.list_collection_names():
        store.database[name].delete_many({})


def test_a_load_that_is_killed_anywhere_is_done_again_counted_and_announced(
    anna: Listening, store: HistoryStore, mongodb_uri: str
) -> None:
    anna.play(4)
    for number in count(1):
        died = anna.dies_at(number, mongodb_uri)
        anna.load()
        assert (store.plays.count_documents({}), newest_known(store, "anna")) == (4, moment(3))
        assert refresh_catalog(store)["tracks"] == 4
        assert check_catalog(store).passed
        assert announce_new_plays(store, "next") == 1, f"killed before command {number}"
        if not died:
            break
        forget_all(store)


def test_plays_of_a_load_that_was_killed_wait_even_if_spotify_forgot_them_since(
    simulator: SpotifySimulator, store: HistoryStore, mongodb_uri: str
) -> None:
    for number in count(1):
        listener = Listening(simulator, store, f"listener {number}")
        listener.play(4)
        died = listener.dies_at(number, mongodb_uri)
        listener.play(60, start=4)
        listener.load()
        there = set(store.plays.distinct("spotify_track_uri"))
        assert {uri for uris in Uncounted.of(store).tracks() for uri in uris} == there, f"killed before {number}"
        if not died:
            assert len(there) == 54
            break
        forget_all(store)


def test_new_plays_are_counted_in_the_catalog_and_old_ones_start_nothing(anna: Listening, store: HistoryStore) -> None:
    anna.play(2)
    anna.load()
    assert refresh_catalog(store)["tracks"] == 2
    anna.load()
    assert refresh_catalog(store) == {}
    anna.play(1, start=2)
    anna.load()
    assert refresh_catalog(store)["tracks"] == 1
    assert check_catalog(store).passed


def test_the_tracks_of_new_plays_alone_wait_to_be_counted(anna: Listening, store: HistoryStore) -> None:
    anna.play(2)
    anna.load()
    refresh_catalog(store)
    for start in (2, 3):
        anna.play(1, start=start)
        anna.load()
    waiting = {uri for uris in Uncounted.of(store).tracks() for uri in uris}
    # The newest known play is asked for again, to see that none is missing before it.
    assert waiting == {f"spotify:track:{TRACKS[number]}" for number in (1, 2, 3)}


def test_listeners_do_not_mix(anna: Listening, simulator: SpotifySimulator, store: HistoryStore) -> None:
    bert = Listening(simulator, store, "bert")
    anna.play(2)
    bert.play(2)
    assert (anna.inserted(), bert.inserted()) == (2, 2)
    assert newest_known(store, "carla") is None


def test_an_item_that_is_no_play_is_kept_aside_once_and_the_others_come(anna: Listening, store: HistoryStore) -> None:
    anna.play(1)
    anna.simulator.control.add_plays(
        "anna", [{"uri": "none", "played_at": FIRST + 1, "item": {"track": None, "played_at": "2026-11-01T00:00:00Z"}}]
    )
    for _ in range(2):
        assert anna.load().counts.rejected == 1
    assert (store.plays.count_documents({}), store.rejected_rows.count_documents({})) == (1, 1)
    rejected = store.rejected_rows.find_one()
    assert rejected
    assert (rejected["column"], rejected["reason"]) == ("track", "has no uri")
    (shown,) = rejected_rows(store, offset=0, limit=9)["rows"]
    assert (shown["file"], shown["column"]) == ("recently_played", "track")


@pytest.mark.parametrize(
    ("item", "column"),
    [
        (None, "track"),
        ([], "track"),
        ({"track": {"uri": ""}, "played_at": "2026-11-01T00:00:00Z"}, "track"),
        ({"track": {"uri": "spotify:track:0"}}, "played_at"),
        ({"track": {"uri": "spotify:track:0"}, "played_at": "yesterday"}, "played_at"),
    ],
)
def test_what_does_not_say_what_was_played_and_when_is_no_play(item: Any, column: str) -> None:
    with pytest.raises(CellError) as error:
        shape_play(item, "anna", NOW)
    assert error.value.column == column


def test_what_is_missing_is_absent_and_what_makes_no_sense_too() -> None:
    track = {"uri": "spotify:track:0", "name": "", "artists": [None], "album": 7, "duration_ms": -1, "explicit": "no"}
    play = shape_play({"track": track, "played_at": "2026-11-01T01:00:00+01:00", "context": None}, "anna", NOW)
    assert play.keys() == {"_id", "spotify_track_uri", "timestamp", "user", "source", "created_at", "updated_at"}
    assert play["timestamp"] == datetime(2026, 11, 1, tzinfo=UTC) + timedelta()


def test_what_no_database_keeps_is_replaced_or_left_out() -> None:
    track = {"uri": "spotify:track:\ud800", "name": "a\0b\udcff", "duration_ms": 2**63}
    play = shape_play({"track": track, "played_at": "2026-11-01T00:00:00Z"}, "anna", NOW)
    assert (play["spotify_track_uri"], play["track"]) == ("spotify:track:\ufffd", {"name": "a\ufffdb\ufffd"})


def test_a_listener_who_is_forgotten_meanwhile_leaves_nothing(anna: Listening, store: HistoryStore) -> None:
    anna.play(3)
    begin_forgetting(store, "anna")
    assert anna.load().counts.forgotten == 3
    assert [each.count_documents({}) for each in (store.plays, store.rejected_rows)] == [0, 0]
    assert store.load_runs.count_documents({"username": "anna"}) == 0
