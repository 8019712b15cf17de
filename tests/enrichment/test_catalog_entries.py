"""Spotify's objects as fields of MongoDB."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.catalog_entries import READERS, answers_for, read_album, read_artist, read_track
from echotune.enrichment.errors import EntryError

TRACK_ID, ARTIST_ID, ALBUM_ID = "1" * 22, "2" * 22, "3" * 22


def artist_of(id_: str, name: str) -> dict[str, Any]:
    return {"id": id_, "name": name, "type": "artist", "uri": f"spotify:artist:{id_}", "external_urls": {}}


IMAGES = [
    {"url": "https://i.scdn.co/image/small", "width": 64, "height": 64},
    {"url": "https://i.scdn.co/image/large", "width": 640, "height": 640},
    {"url": "https://i.scdn.co/image/unknown", "width": None, "height": None},
]
ALBUM: dict[str, Any] = {
    "id": ALBUM_ID,
    "uri": f"spotify:album:{ALBUM_ID}",
    "type": "album",
    "name": "Abbey Road",
    "artists": [artist_of(ARTIST_ID, "The Beatles"), artist_of("4" * 22, "George Martin")],
    "album_type": "album",
    "release_date": "1969-09-26",
    "release_date_precision": "day",
    "total_tracks": 17,
    "label": "EMI",
    "popularity": 80,
    "genres": ["rock"],
    "external_ids": {"upc": "602435612345"},
    "images": IMAGES,
}
TRACK: dict[str, Any] = {
    "id": TRACK_ID,
    "uri": f"spotify:track:{TRACK_ID}",
    "type": "track",
    "name": "Come Together",
    "album": ALBUM,
    "artists": [artist_of("5" * 22, "Someone Else"), artist_of(ARTIST_ID, "The Beatles")],
    "duration_ms": 259_946,
    "popularity": 76,
    "explicit": False,
    "external_ids": {"isrc": "GBAYE0601690"},
    "disc_number": 1,
    "track_number": 3,
    "is_local": False,
}
ARTIST: dict[str, Any] = {
    **artist_of(ARTIST_ID, "The Beatles"),
    "genres": ["rock", "british invasion"],
    "popularity": 85,
    "followers": {"href": None, "total": 28_000_000},
    "images": IMAGES,
}
ENTRIES = {"tracks": TRACK, "artists": ARTIST, "albums": ALBUM}
every_kind = pytest.mark.parametrize("kind", ENTRIES)


def changed(entry: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """An entry with another value at a dotted path."""
    result = copy.deepcopy(entry)
    place: Any = result
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if step.isdigit() else place[step]
    place[last] = value
    return result


def test_a_track_has_the_fields_of_mongodb() -> None:
    assert read_track(TRACK) == {
        "name": "Come Together",
        "artist": "The Beatles",
        "album": "Abbey Road",
        "album_uri": f"spotify:album:{ALBUM_ID}",
        "artist_uris": [f"spotify:artist:{'5' * 22}", f"spotify:artist:{ARTIST_ID}"],
        "artist_names": ["Someone Else", "The Beatles"],
        "album_artist_uris": [f"spotify:artist:{ARTIST_ID}", f"spotify:artist:{'4' * 22}"],
        "album_artist_names": ["The Beatles", "George Martin"],
        "duration_ms": 259_946,
        "popularity": 76,
        "explicit": False,
        "isrc": "GBAYE0601690",
        "release_date": "1969-09-26",
        "disc_number": 1,
        "track_number": 3,
    }


def test_an_artist_has_the_fields_of_mongodb() -> None:
    assert read_artist(ARTIST) == {
        "name": "The Beatles",
        "uri": f"spotify:artist:{ARTIST_ID}",
        "genres": ["rock", "british invasion"],
        "popularity": 85,
        "followers": 28_000_000,
        "image_url": "https://i.scdn.co/image/large",
    }


def test_an_album_has_the_fields_of_mongodb() -> None:
    assert read_album(ALBUM) == {
        "name": "Abbey Road",
        "uri": f"spotify:album:{ALBUM_ID}",
        "artist": "The Beatles",
        "artist_uris": [f"spotify:artist:{ARTIST_ID}", f"spotify:artist:{'4' * 22}"],
        "artist_names": ["The Beatles", "George Martin"],
        "album_type": "album",
        "release_date": "1969-09-26",
        "total_tracks": 17,
        "label": "EMI",
        "popularity": 80,
        "genres": ["rock"],
        "upc": "602435612345",
        "image_url": "https://i.scdn.co/image/large",
    }


@every_kind
def test_what_development_mode_leaves_out_is_left_out(kind: str) -> None:
    least = {name: ENTRIES[kind][name] for name in ("id", "name", "type", "uri")}
    assert READERS[kind](least).keys() <= {"name", "uri"}


@pytest.mark.parametrize(
    ("kind", "path", "value", "field"),
    [
        ("tracks", "popularity", None, "popularity"),
        ("tracks", "external_ids", None, "isrc"),
        ("tracks", "external_ids", {}, "isrc"),
        ("tracks", "external_ids.isrc", "", "isrc"),
        ("tracks", "album.release_date", "", "release_date"),
        ("tracks", "album.release_date", "0000", "release_date"),
        ("tracks", "album.release_date", None, "release_date"),
        ("tracks", "album.artists", [], "artist"),
        ("tracks", "artists", [], "artist_uris"),
        ("tracks", "album.name", "", "album"),
        ("tracks", "explicit", None, "explicit"),
        ("tracks", "name", "", "name"),
        ("tracks", "name", None, "name"),
        ("tracks", "name", "   ", "name"),
        ("tracks", "duration_ms", 0, "duration_ms"),
        ("artists", "genres", [], "genres"),
        ("artists", "genres", [""], "genres"),
        ("artists", "followers", None, "followers"),
        ("artists", "followers.total", None, "followers"),
        ("artists", "images", [], "image_url"),
        ("artists", "images", None, "image_url"),
        ("albums", "label", "", "label"),
        ("albums", "external_ids.upc", None, "upc"),
        ("albums", "album_type", None, "album_type"),
    ],
)
def test_an_absent_value_is_an_absent_field(kind: str, path: str, value: Any, field: str) -> None:
    assert field in READERS[kind](ENTRIES[kind])
    assert field not in READERS[kind](changed(ENTRIES[kind], path, value))


def test_names_and_uris_of_artists_stay_in_step() -> None:
    values = read_track(changed(TRACK, "artists.0.name", ""))
    assert (values["artist_uris"], values["artist_names"]) == ([f"spotify:artist:{ARTIST_ID}"], ["The Beatles"])


@pytest.mark.parametrize("date", ["1969", "1969-09", "1969-09-26"])
def test_a_date_stays_as_written(date: str) -> None:
    assert read_album(changed(ALBUM, "release_date", date))["release_date"] == date


WRONG: list[tuple[str, str, Any]] = [
    ("tracks", "id", None),
    ("tracks", "id", 5),
    ("tracks", "id", "a b"),
    ("tracks", "type", "episode"),
    ("tracks", "name", 5),
    ("tracks", "name", ["x"]),
    ("tracks", "name", "x" * 1001),
    ("tracks", "name", "nul \x00"),
    ("tracks", "name", "half a pair \ud800"),
    ("tracks", "duration_ms", -1),
    ("tracks", "duration_ms", 2**31),
    ("tracks", "duration_ms", 1.5),
    ("tracks", "duration_ms", "259946"),
    ("tracks", "duration_ms", True),
    ("tracks", "duration_ms", float("nan")),
    ("tracks", "popularity", 101),
    ("tracks", "popularity", -1),
    ("tracks", "explicit", "false"),
    ("tracks", "explicit", 0),
    ("tracks", "disc_number", "1"),
    ("tracks", "track_number", -1),
    ("tracks", "external_ids", []),
    ("tracks", "external_ids.isrc", 5),
    ("tracks", "album", "Abbey Road"),
    ("tracks", "album.uri", f"spotify:artist:{ALBUM_ID}"),
    ("tracks", "album.uri", f"spotify:album:{'9' * 22}"),
    ("tracks", "album.id", "../etc"),
    ("tracks", "album.release_date", "26.9.1969"),
    ("tracks", "album.release_date", 1969),
    ("tracks", "artists", {}),
    ("tracks", "artists", ["The Beatles"]),
    ("tracks", "artists.0.uri", 5),
    ("tracks", "artists.0.name", 5),
    ("artists", "uri", f"spotify:track:{ARTIST_ID}"),
    ("artists", "genres", "rock"),
    ("artists", "genres", [None]),
    ("artists", "genres", [["rock"]]),
    ("artists", "genres", ["rock"] * 1001),
    ("artists", "followers", 5),
    ("artists", "followers.total", -5),
    ("artists", "images", ["https://i.scdn.co/image/large"]),
    ("artists", "images.1.url", "javascript:alert(1)"),
    ("artists", "images.1.url", 5),
    ("artists", "images.0.width", "large"),
    ("albums", "total_tracks", 1e300),
    ("albums", "label", {"name": "EMI"}),
    ("albums", "external_ids.upc", 602435612345),
    ("albums", "release_date", "1969-9-26"),
]


@pytest.mark.parametrize(
    ("kind", "path", "value"), WRONG, ids=[f"{kind}.{path}={value!r:.30}" for kind, path, value in WRONG]
)
def test_a_wrong_field_makes_the_entry_wrong_and_is_named(kind: str, path: str, value: Any) -> None:
    with pytest.raises(EntryError) as raised:
        READERS[kind](changed(ENTRIES[kind], path, value))
    reason = str(raised.value)
    named = {"image", "uri"} | set(path.split("."))
    assert any(name in reason for name in named)
    assert reason.isprintable()
    assert len(reason) < 200


@every_kind
def test_an_entry_without_a_name_field_is_wrong(kind: str) -> None:
    with pytest.raises(EntryError, match="name is missing"):
        READERS[kind]({name: value for name, value in ENTRIES[kind].items() if name != "name"})


def test_an_entry_answers_for_its_id_and_for_the_one_it_was_linked_from() -> None:
    linked = TRACK | {"linked_from": {"id": "9" * 22}}
    assert answers_for(TRACK, TRACK_ID)
    assert answers_for(linked, TRACK_ID)
    assert answers_for(linked, "9" * 22)
    assert not answers_for(TRACK, "9" * 22)
    assert not answers_for(TRACK | {"linked_from": None}, "9" * 22)
    assert not answers_for({}, "9" * 22)


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "uri", "name", "total"]), inner),
    max_leaves=5,
)


@every_kind
@given(data=st.data())
def test_whatever_comes_is_refused_or_read_without_empty_values(kind: str, data: st.DataObject) -> None:
    names = sorted(ENTRIES[kind])
    entry = ENTRIES[kind] | data.draw(st.dictionaries(st.sampled_from(names), anything, max_size=4))
    try:
        values = READERS[kind](entry)
    except EntryError:
        return
    assert not [name for name, value in values.items() if value is None or value in ("", [])]
    assert all(isinstance(value, str | int | bool | list) for value in values.values())
