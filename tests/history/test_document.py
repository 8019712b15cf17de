"""The shape of a play: cells to document and back, with nothing lost."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from hypothesis import given, settings

from echotune.history.document import cells_of
from echotune.history.errors import CellError
from echotune.history.store import HistoryStore
from local.sample import HEADER, sample_rows
from tests.support.cells import (
    BOOLEANS,
    DECIMALS,
    INSTANTS,
    PERSONAL,
    REQUIRED,
    SIGNED,
    WHOLE,
    WORDS_FOR_NOTHING,
    rows,
)
from tests.support.databases import OPTIONS
from tests.support.rows import USUAL, row
from tests.support.shaping import NOW, encoded_play, shape

TEXTS = ["master_metadata_track_name_x", "master_metadata_album_artist_name_x", "platform", "Label", "Artist Genres"]

FULL = (
    dict.fromkeys(HEADER, "text")
    | USUAL
    | dict.fromkeys(DECIMALS, "0.5")
    | dict.fromkeys(WHOLE | SIGNED, "1.0")
    | dict.fromkeys(BOOLEANS, "True")
    | dict.fromkeys(INSTANTS, "2017-04-04 06:32:04+00:00")
    | {"ms_played_x": "1"}
)
"""A row in which no cell is empty, each written canonically."""


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in (leaves(part) or [None])]
    return [value]


def has(document: dict[str, Any], path: str) -> bool:
    part: Any = document
    for name in path.split("."):
        if name not in part:
            return False
        part = part[name]
    return True


@given(rows())
@settings(max_examples=150)
def test_every_cell_can_be_told_again_from_the_document(cells: list[str]) -> None:
    assert cells_of(shape(cells)) == cells


@given(rows())
@settings(max_examples=10)
def test_every_cell_can_be_told_again_from_the_database(store: HistoryStore, cells: list[str]) -> None:
    document = shape(cells)
    store.plays.replace_one({"_id": document["_id"]}, document, upsert=True)
    stored = store.plays.find_one({"_id": document["_id"]})
    assert stored is not None
    assert cells_of(stored) == cells


def test_every_cell_of_a_sample_can_be_told_again() -> None:
    sample = list(sample_rows(rows=1_500, users=2, seed=5))
    assert [cells_of(shape(cells)) for cells in sample] == sample


@given(rows())
def test_a_document_holds_nothing_that_means_missing(cells: list[str]) -> None:
    found = leaves(shape(cells))
    assert None not in found
    assert "" not in found
    assert [value for value in found if isinstance(value, float) and math.isnan(value)] == []


def test_a_play_without_details_has_required_fields_only() -> None:
    bare = ["" if name not in REQUIRED else USUAL[name] for name in HEADER]
    document = shape(bare)
    del document["_id"]
    assert document == {
        "timestamp": datetime(2017, 4, 4, 6, 32, 4, tzinfo=UTC),
        "user": {"username": "anna"},
        "listening": {"ms_played": 84834},
        "source": {"file": "history.csv", "sha256": "0" * 64, "row": 7},
        "created_at": NOW,
        "updated_at": NOW,
    }


def test_a_play_has_the_sections_that_the_design_names() -> None:
    details = {
        "Track Duration (ms)_releases": "200000.0",
        "Popularity_releases": "0.0",
        "Explicit_releases": "False",
        "ISRC_releases": "NLA",
        "Artist Genres": "rock,pop",
        "Album Release Date_releases": "2016-03",
        "Artist Name(s)_releases": "Quartet, Choir",
        "Key": "-1.0",
        "Energy": "0.5",
        "track_id": "1",
        "ms_played_y": "84834.0",
        "Label": "EMI",
    }
    document = shape(row(details))
    assert document["track"] == {
        "name": "Bohemian",
        "artist": "Quartet",
        "album": "Opera Night",
        "duration_ms": 200000,
        "popularity": 0,
    }
    assert document["metadata"] == {"genres": ["rock", "pop"], "explicit": False, "isrc": "NLA", "label": "EMI"}
    assert document["release"] == {"album_release_date": "2016-03", "artist_names": ["Quartet", "Choir"]}
    assert document["audio_features"] == {"key": -1, "energy": 0.5}
    assert document["matched_play"] == {"track_id": "1", "ms_played": 84834}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("word", WORDS_FOR_NOTHING)
def test_a_word_that_looks_like_nothing_is_kept_as_text(word: str, name: str) -> None:
    document = shape(row({name: word}))
    assert cells_of(document)[HEADER.index(name)] == word


@pytest.mark.parametrize("name", sorted(set(HEADER) - REQUIRED))
def test_a_missing_cell_is_a_missing_field(name: str) -> None:
    with_cell, without_cell = (len(leaves(shape(row(FULL | change)))) for change in ({}, {name: ""}))
    assert with_cell - without_cell == 1


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_an_empty_required_cell_is_named(name: str) -> None:
    with pytest.raises(CellError) as caught:
        shape(row({name: ""}))
    assert (caught.value.column, caught.value.reason) == (name, "is empty")


def test_a_cell_that_holds_no_value_of_its_type_is_named() -> None:
    with pytest.raises(CellError) as caught:
        shape(row(Energy="loud"))
    assert (caught.value.column, caught.value.reason) == ("Energy", "is not a number")


def test_keep_stores_personal_cells() -> None:
    user = shape(row(dict.fromkeys(PERSONAL, "secret")))["user"]
    assert (user["ip_address"], user["user_agent"]) == ("secret", "secret")


def test_drop_stores_no_personal_cell() -> None:
    document = shape(row(dict.fromkeys(PERSONAL, "secret")), "drop")
    assert not has(document, "user.ip_address")
    assert not has(document, "user.user_agent")


def test_hash_stores_no_personal_cell_in_the_clear() -> None:
    user = shape(row(dict.fromkeys(PERSONAL, "secret")), "hash")["user"]
    assert user["ip_address"] == user["user_agent"] != "secret"
    assert len(user["ip_address"]) == 64


@pytest.mark.parametrize("policy", ["drop", "hash"])
def test_the_policy_changes_nothing_but_personal_cells(policy: str) -> None:
    cells = row(dict.fromkeys(PERSONAL, "secret"))
    told = dict(zip(HEADER, cells_of(shape(cells, policy)), strict=True))
    assert {name for name, cell in zip(HEADER, cells, strict=True) if told[name] != cell} == set(PERSONAL)


def test_a_play_tells_its_file_and_row() -> None:
    assert shape(row())["source"] == {"file": "history.csv", "sha256": "0" * 64, "row": 7}


def test_shaping_other_rows_changes_nothing_for_a_row() -> None:
    cells = row(dict.fromkeys(PERSONAL, "secret"))
    before = shape(cells)
    shape(row(shuffle="true", Energy="0.50"), "drop")
    assert shape(cells) == before


@given(rows())
def test_a_document_names_each_field_once(cells: list[str]) -> None:
    sent = encoded_play(cells, "keep", "history.csv", 7)
    assert len(bson.encode(shape(cells), codec_options=OPTIONS)) == len(sent)
