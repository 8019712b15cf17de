"""From documents to rows, without a database."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from bson.objectid import ObjectId

from echotune.enrichment.settlement import CATALOG_FIELDS
from echotune.history.columns import COLUMNS
from echotune.resources import read_mongo_json
from echotune.sync.errors import UnfitValue
from echotune.sync.fields import ALBUM_FIELDS, ARTIST_FIELDS, FEATURE_FIELDS, PLAY_FIELDS, TRACK_FIELDS, Field
from echotune.sync.row_ids import Kind, row_id
from echotune.sync.rows import PLAY_CELLS
from echotune.sync.tables import TABLES, Document, document_row_id, table_named
from tests.support.syncing import FIRST_PLAY, album, artist, play, spotify_id, track


def rows_of(table: str, document: Document) -> list[dict[str, Any]]:
    """The rows of a document by the names of their columns."""
    names = [column.name for column in table_named(table).staged]
    return [dict(zip(names, row, strict=True)) for row in table_named(table).rows(document)]


def as_read(document: Document) -> Document:
    """A play as its projection gives it."""
    cells = []
    for path in PLAY_CELLS:
        value: Any = document
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        cells.append(value)
    return {"_id": document["_id"], "cells": cells}


def test_a_field_of_a_play_is_one_that_a_load_writes() -> None:
    assert {part.path for part in PLAY_FIELDS} - {column.path for column in COLUMNS} == set()


@pytest.mark.parametrize(
    ("collection", "fields"), [("tracks", TRACK_FIELDS), ("artists", ARTIST_FIELDS), ("albums", ALBUM_FIELDS)]
)
def test_a_field_of_the_catalog_is_one_that_a_load_or_the_enrichment_writes(
    collection: str, fields: tuple[Field, ...]
) -> None:
    pipeline = read_mongo_json(f"pipelines/{collection}.json")["pipeline"]
    counted = {name for stage in pipeline for name in stage.get("$project", {}) | stage.get("$group", {})}
    assert {part.path for part in fields} - counted - set(CATALOG_FIELDS[collection]) == set()


def test_a_field_of_the_audio_features_is_one_of_them() -> None:
    known = {column.path for column in COLUMNS if column.path.startswith("audio_features.")}
    assert {part.path for part in FEATURE_FIELDS} == known


def test_every_table_has_a_column_beside_its_key_for_the_merge_to_set() -> None:
    assert [table.name for table in TABLES if {column.name for column in table.columns} <= {*table.key}] == []


def test_a_play_keeps_its_id_and_refers_to_user_and_track() -> None:
    (row,) = rows_of("listening_history", as_read(play(5, track=3)))
    assert row["id"] == UUID(int=5)
    assert row["user_id"] == row_id(Kind.USER, "listener")
    assert row["track_id"] == row_id(Kind.TRACK, spotify_id(3))
    assert (row["ms_played"], row["skipped"], row["shuffle"]) == (1005, False, None)


@pytest.mark.parametrize(
    "uri", [None, "spotify:local:Artist:Album:Track:123", f"spotify:episode:{spotify_id(1)}", "spotify:track:short"]
)
def test_what_is_no_track_of_spotify_is_played_without_one(uri: str | None) -> None:
    (row,) = rows_of("listening_history", as_read(play(1) | {"spotify_track_uri": uri}))
    assert (row["track_id"], row["track_spotify_id"]) == (None, None)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("_id", ObjectId(), "_id"),
        ("timestamp", None, "timestamp"),
        ("timestamp", FIRST_PLAY.replace(year=1), "timestamp"),
        ("user", {"platform": "web"}, "user.username"),
        ("listening", {"ms_played": 2**31}, "listening.ms_played"),
        ("track", {"name": {"en": "a"}}, "track.name"),
    ],
)
def test_a_play_that_lacks_what_it_needs_is_unfit(field: str, value: Any, named: str) -> None:
    with pytest.raises(UnfitValue) as unfit:
        rows_of("listening_history", as_read(play(1) | {field: value}))
    assert unfit.value.field == named


def test_a_play_whose_duration_nobody_told_is_fit() -> None:
    (row,) = rows_of("listening_history", as_read(play(1) | {"listening": {}}))
    assert row["ms_played"] is None


def test_a_section_that_is_no_object_is_unfit() -> None:
    document = as_read(play(1)) | {"wrong_sections": {"user": {"username": "a"}, "track": ["a"]}}
    with pytest.raises(UnfitValue, match=r"^track is \['a'\], not an object"):
        rows_of("listening_history", document)


def test_a_track_refers_to_its_album_by_uri() -> None:
    (row,) = rows_of("tracks", track(1))
    assert row["id"] == row_id(Kind.TRACK, spotify_id(1))
    assert (row["album_id"], row["album_spotify_id"]) == (row_id(Kind.ALBUM, spotify_id(1)), spotify_id(1))
    assert (row["release_date"], row["release_date_precision"]) == (date(1999, 12, 1), "month")


def test_a_track_without_an_album_uri_refers_to_the_album_known_by_name() -> None:
    (row,) = rows_of("tracks", track(1) | {"album_uri": None})
    assert (row["album_id"], row["album_spotify_id"]) == (row_id(Kind.ALBUM, "name:Artist 1\nAlbum 1"), None)
    (row,) = rows_of("tracks", track(1) | {"album_uri": None, "artist": None})
    assert row["album_id"] is None


def test_the_artists_of_a_track_come_in_order_and_once() -> None:
    uris = [f"spotify:artist:{spotify_id(number)}" for number in (2, 1, 2)]
    rows = rows_of("track_artists", track(1) | {"artist_uris": [*uris, "spotify:artist:short"], "artist_names": ["B"]})
    assert [(row["artist_spotify_id"], row["position"], row["artist_name"]) for row in rows] == [
        (spotify_id(2), 0, "B"),
        (spotify_id(1), 1, None),
    ]


def test_a_track_without_artist_uris_is_by_the_artist_known_by_name() -> None:
    (row,) = rows_of("track_artists", track(1) | {"artist_uris": []})
    assert (row["artist_id"], row["artist_spotify_id"]) == (row_id(Kind.ARTIST, "name:Artist 1"), None)
    assert rows_of("track_artists", {"_id": spotify_id(1)}) == []


def test_what_is_known_by_name_only_has_no_spotify_id() -> None:
    (row,) = rows_of("artists", {"_id": "name:Nobody", "name": "Nobody"})
    assert (row["id"], row["spotify_id"]) == (row_id(Kind.ARTIST, "name:Nobody"), None)


def test_an_album_is_by_the_first_of_its_artists() -> None:
    (row,) = rows_of("albums", album(1))
    assert (row["artist_id"], row["credited_name"]) == (row_id(Kind.ARTIST, spotify_id(1)), "Artist 1")


def test_audio_features_are_a_row_only_where_any_is_known() -> None:
    (row,) = rows_of("audio_features", track(1))
    assert (row["danceability"], row["key"], row["valence"], row["provider"]) == (0.5, 7, None, "reccobeats")
    assert rows_of("audio_features", track(1) | {"audio_features": {}}) == []
    assert rows_of("audio_features", track(1) | {"audio_features": None}) == []
    with pytest.raises(UnfitValue, match="^audio_features is"):
        rows_of("audio_features", track(1) | {"audio_features": [0.5]})


@pytest.mark.parametrize(("table", "document"), [("artists", artist(1)), ("albums", album(1)), ("tracks", track(1))])
def test_a_field_that_nobody_has_seen_changes_nothing(table: str, document: Document) -> None:
    assert rows_of(table, document | {"mood_board": {"colours": ["blue"]}}) == rows_of(table, document)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_has_a_value_for_each_staged_column(table: Any) -> None:
    documents = {"users": {"_id": "listener"}, "plays": as_read(play(1)), "artists": artist(1), "albums": album(1)}
    document = documents.get(table.collection, track(1))
    for row in table.rows(document):
        assert len(row) == len(table.staged)
        assert row[[column.name for column in table.staged].index(table.owner)] == document_row_id(table, document)
