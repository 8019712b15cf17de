"""Spotify's own exports become the same plays as the combined CSV, and keep what only they tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.history.document import cells_of
from echotune.history.errors import HistoryError
from echotune.history.preflight import inspect_file
from echotune.history.source import HistoryFile
from echotune.history.store import HistoryStore
from local.sample import write_sample
from local.sample.export import record_of, write_export
from tests.support.exports import (
    CHAPTER,
    EPISODE,
    account_record,
    history_zip,
    load_source,
    record,
    write_json,
)
from tests.support.loading import load_file
from tests.support.rows import read_csv, row


def play_of(store: HistoryStore, tmp_path: Path, fields: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """The document that a single record becomes."""
    counts = load_source(store, write_json(tmp_path / "endsong_0.json", [fields]), **settings)
    assert (counts.inserted, counts.rejected) == (1, 0)
    found = store.plays.find_one()
    assert found is not None
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_zip_brings_the_plays_that_the_csv_brought(store: HistoryStore, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "history.csv"
    write_sample(path, rows=600, seed=seed)
    rows = read_csv(path)
    load_file(store, path)
    before = {play["_id"] for play in store.plays.find({}, {"_id": 1})}
    write_export(tmp_path / "my_spotify_data.zip", map(record_of, rows), records_a_file=250)
    counts = load_source(store, tmp_path / "my_spotify_data.zip", username=rows[0][2])
    assert (counts.rows, counts.inserted, counts.rejected) == (600, 0, 0)
    assert {play["_id"] for play in store.plays.find({}, {"_id": 1})} == before


def test_a_record_becomes_the_cells_of_the_csv(store: HistoryStore, tmp_path: Path) -> None:
    assert cells_of(play_of(store, tmp_path, record())) == row()


def test_a_record_says_which_export_it_is_from(store: HistoryStore, tmp_path: Path) -> None:
    source = play_of(store, tmp_path, record())["source"]
    assert (source["file"], source["format"], source["row"]) == ("endsong_0.json", "extended_export", 1)


def test_the_older_names_of_fields_are_known(store: HistoryStore, tmp_path: Path) -> None:
    old = record(username="anna", ip_addr_decrypted="203.0.113.7", user_agent_decrypted="Spotify/8")
    del old["ip_addr"]
    user = play_of(store, tmp_path, old, pii_policy="keep")["user"]
    assert (user["ip_address"], user["user_agent"]) == ("203.0.113.7", "Spotify/8")


def test_personal_data_is_dropped_by_default(store: HistoryStore, tmp_path: Path) -> None:
    assert "ip_address" not in play_of(store, tmp_path, record(ip_addr="203.0.113.7"))["user"]


@pytest.mark.parametrize(
    ("fields", "content_type", "section", "value"),
    [
        (
            EPISODE,
            "episode",
            "episode",
            {"uri": EPISODE["spotify_episode_uri"], "name": "The Lighthouse", "show": "Stories"},
        ),
        (
            CHAPTER,
            "chapter",
            "audiobook",
            {
                "uri": CHAPTER["audiobook_uri"],
                "title": "The Sea",
                "chapter_uri": CHAPTER["audiobook_chapter_uri"],
                "chapter_title": "Chapter 1",
            },
        ),
    ],
)
def test_what_is_no_track_is_kept_and_typed(
    store: HistoryStore, tmp_path: Path, fields: dict[str, Any], content_type: str, section: str, value: dict[str, str]
) -> None:
    play = play_of(store, tmp_path, record(fields))
    assert (play["content_type"], play[section]) == (content_type, value)
    assert "spotify_track_uri" not in play


def test_two_episodes_of_one_second_are_two_plays(store: HistoryStore, tmp_path: Path) -> None:
    other = EPISODE | {"spotify_episode_uri": "spotify:episode:0000000000000000000010"}
    source = write_json(tmp_path / "endsong_0.json", [record(EPISODE), record(other)])
    assert load_source(store, source).inserted == 2


def test_an_exact_repeat_of_a_record_is_told_as_one(store: HistoryStore, tmp_path: Path) -> None:
    source = history_zip(tmp_path / "a.zip", [record(EPISODE), record(), record(EPISODE)])
    counts = load_source(store, source)
    assert (counts.inserted, counts.repeats) == (2, 1)


@pytest.mark.parametrize(("written", "unit"), [(1_491_287_000, None), (1_491_287_000_123, "ms")])
def test_offline_timestamps_are_read_in_either_unit(
    store: HistoryStore, tmp_path: Path, written: int, unit: str | None
) -> None:
    play = play_of(store, tmp_path, record(offline_timestamp=written))
    milliseconds = 123_000 if unit else 0
    assert play["listening"]["offline_timestamp"] == datetime(2017, 4, 4, 6, 23, 20, milliseconds, tzinfo=UTC)
    assert play["source"].get("offline_timestamp_unit") == unit


def test_a_field_that_nobody_knows_yet_is_kept(store: HistoryStore, tmp_path: Path) -> None:
    assert play_of(store, tmp_path, record(mood={"calm": 1}))["source"]["other_fields"] == '{"mood": {"calm": 1}}'


@pytest.mark.parametrize(
    ("fields", "column", "reason"),
    [
        ({"ts": None}, "ts_x", "is empty"),
        ({"ts": "yesterday"}, "ts_x", "is not a date"),
        ({"ms_played": -1}, "ms_played_x", "is negative"),
        ({"ms_played": [1]}, "ms_played", "holds more than a single value"),
        ({"shuffle": "perhaps"}, "shuffle", "is neither True nor False"),
        ({"offline_timestamp": "soon"}, "offline_timestamp", "is not a count"),
        ({"offline_timestamp": 10**30}, "offline_timestamp", "is not a count"),
        ({"incognito_mode": 3}, "incognito_mode", "is neither true nor false"),
        ({"episode_name": 3, "spotify_track_uri": None}, "episode_name", "is not a text"),
        ({"platform": "a\0b"}, "platform", "holds a NUL character"),
        ({"platform": "\ud800"}, "platform", "holds what is no character"),
        ({"calm": 1, "mood": {"of": ["\ud800"]}}, "mood", "holds what is no character"),
        ({"platform": float("nan")}, "platform", "is not a finite number"),
    ],
)
def test_a_bad_record_is_kept_with_field_and_reason(
    store: HistoryStore, tmp_path: Path, fields: dict[str, Any], column: str, reason: str
) -> None:
    path = tmp_path / "endsong_0.json"
    # In ASCII, as a lone surrogate is no text in UTF-8.
    path.write_text(json.dumps([record(), record(fields)]))
    counts = load_source(store, path)
    kept = store.rejected_rows.find_one()
    assert (counts.inserted, counts.rejected) == (1, 1)
    assert kept is not None
    assert (kept["column"], kept["source"]["row"]) == (column, 2)
    assert kept["reason"].startswith(reason)


def test_a_rejected_record_keeps_no_personal_data(store: HistoryStore, tmp_path: Path) -> None:
    load_source(store, write_json(tmp_path / "endsong_0.json", [record(ts="?", ip_addr="203.0.113.7")]))
    kept = store.rejected_rows.find_one()
    assert kept is not None
    assert "203.0.113.7" not in str(kept)


def test_a_field_that_grows_beyond_a_document_once_it_is_written_out_is_named(
    store: HistoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "endsong_0.json"
    numbers = ",".join(["1e15"] * 400_000)
    path.write_text(json.dumps([record(), record(calm=1, mood="HERE")]).replace('"HERE"', f"[{numbers}]"))
    assert load_source(store, path).rejected == 1
    kept = store.rejected_rows.find_one()
    assert kept is not None
    assert (kept["column"], kept["reason"]) == ("mood", "takes more than 4,194,304 bytes")


def test_an_endless_record_costs_itself_only(store: HistoryStore, tmp_path: Path) -> None:
    endless = record(**{f"mood {number}": "x" * 100_000 for number in range(42)})
    counts = load_source(store, write_json(tmp_path / "endsong_0.json", [endless, record()]))
    assert (counts.rejected, counts.inserted) == (1, 1)
    kept = store.rejected_rows.find_one()
    assert kept is not None
    assert (kept["source"]["row"], kept["reason"]) == (1, "is longer than 4,194,304 bytes")


@pytest.mark.parametrize("policy", ["drop", "hash", "keep"])
def test_an_address_that_is_no_text_is_kept_as_the_policy_says(
    store: HistoryStore, tmp_path: Path, policy: str
) -> None:
    path = tmp_path / "endsong_0.json"
    path.write_text(json.dumps([record(ip_addr="\ud800")]))
    assert load_source(store, path, pii_policy=policy).rejected == 1
    kept = store.rejected_rows.find_one()
    assert kept is not None
    assert ("ud800" in kept["raw"]) == (policy == "keep")


@pytest.mark.parametrize("value", ["soon", [1], {"a": 1}])
def test_account_data_keeps_a_field_that_only_the_other_export_knows(
    store: HistoryStore, tmp_path: Path, value: Any
) -> None:
    source = write_json(tmp_path / "StreamingHistory_music_0.json", [account_record(offline_timestamp=value)])
    assert load_source(store, source).inserted == 1
    play = store.plays.find_one()
    assert play is not None
    assert json.loads(play["source"]["other_fields"]) == {"offline_timestamp": value}


def test_account_data_is_marked_as_exact_to_the_minute(store: HistoryStore, tmp_path: Path) -> None:
    counts = load_source(store, write_json(tmp_path / "StreamingHistory_music_0.json", [account_record()]))
    play = store.plays.find_one()
    assert play is not None
    assert counts.inserted == 1
    assert (play["source"]["format"], play["source"]["precision"]) == ("account_export", "minute")
    assert play["timestamp"] == datetime(2017, 4, 4, 6, 32, tzinfo=UTC)
    assert (play["track"], play["listening"]) == ({"name": "Bohemian", "artist": "Quartet"}, {"ms_played": 84834})


def test_podcasts_of_account_data_are_episodes(store: HistoryStore, tmp_path: Path) -> None:
    fields = {"endTime": "2024-01-01 10:00", "podcastName": "Stories", "episodeName": "One", "msPlayed": 5}
    load_source(store, write_json(tmp_path / "StreamingHistory_podcast_0.json", [fields]))
    play = store.plays.find_one()
    assert play is not None
    assert (play["content_type"], play["episode"]) == ("episode", {"show": "Stories", "name": "One"})


def test_a_file_that_does_not_say_whose_it_is_asks_for_the_user(tmp_path: Path) -> None:
    file = HistoryFile(path=write_json(tmp_path / "endsong_0.json", [record()]))
    with pytest.raises(HistoryError, match="endsong_0.json does not say whose plays it holds.*set username"):
        inspect_file(file)


def test_records_of_another_user_are_left_out(store: HistoryStore, tmp_path: Path) -> None:
    source = write_json(tmp_path / "endsong_0.json", [record(username="bert"), record()])
    counts = load_source(store, source, username="anna")
    assert (counts.inserted, counts.other_users) == (1, 1)


@pytest.mark.parametrize("content", [[{"name": "x"}], [{}], [1], ["ts"]])
def test_json_that_is_no_history_is_named(tmp_path: Path, content: list[Any]) -> None:
    with pytest.raises(HistoryError, match="other.json"):
        inspect_file(HistoryFile(path=write_json(tmp_path / "other.json", content)))


def test_a_file_without_a_record_loads_as_nothing(store: HistoryStore, tmp_path: Path) -> None:
    source = history_zip(tmp_path / "a.zip", [record()], [])
    counts = load_source(store, source)
    assert (counts.rows, counts.inserted) == (1, 1)


def test_an_export_is_cut_into_chunks_and_loads_the_same(store: HistoryStore, tmp_path: Path) -> None:
    source = history_zip(tmp_path / "a.zip", [record(ms_played=number) for number in range(1000)])
    counts = load_source(store, source, chunk_rows=300)
    assert (counts.rows, counts.inserted) == (1000, 1000)
    assert load_source(store, source, chunk_rows=300).inserted == 0


FIELDS = st.dictionaries(st.sampled_from(sorted(record())), st.none() | st.text() | st.integers() | st.floats())


@given(st.lists(FIELDS, max_size=5))
def test_every_record_is_accounted_for_whatever_is_in_it(
    store: HistoryStore, tmp_path: Path, changes: list[dict[str, Any]]
) -> None:
    source = tmp_path / "endsong_0.json"
    source.write_text(json.dumps([record(), *(record(fields) for fields in changes)]))
    counts = load_source(store, source)
    assert counts.rows == counts.accounted == 1 + len(changes)
