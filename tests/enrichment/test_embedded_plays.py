"""Whatever was learnt of tracks turn by turn: plays have what is known, and what the file had can still be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from echotune.enrichment.embedding import Embedded
from echotune.enrichment.outdated_plays import count_outdated_plays
from echotune.history.document import cells_of
from echotune.history.enriched import ENRICHED_FIELDS, as_exported
from echotune.history.store import HistoryStore
from tests.support.cells import cells
from tests.support.databases import contents
from tests.support.embedding import WAYS, embed, enriched_state, put_play, put_track, value_at
from tests.support.rows import row, track_uri
from tests.support.working import BEFORE

STATE_OF = {"audio_features": "audio_features", "duration_ms": "catalog", "popularity": "catalog", "genres": "catalog"}
"""The kind whose state speaks for each field."""


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


def has_exported_values(plays: Sequence[Mapping[str, Any]], track: int) -> bool:
    """What the count of a track says of its plays."""
    own = [play for play in plays if play["spotify_track_uri"] == track_uri(track)]
    return any(value_at(play, path) is not None for play in own for path in ENRICHED_FIELDS.values())


TOUCHED = ("Energy", "Key", "Popularity_releases", "Track Duration (ms)_releases", "Artist Genres")
ROWS = st.fixed_dictionaries({}, optional={name: cells(name) for name in TOUCHED}).map(row)


@settings(max_examples=30)
@given(
    plays=st.lists(st.tuples(ROWS, st.integers(1, 2)), min_size=1, max_size=4),
    first=turns(),
    second=turns(),
    way=st.sampled_from([*WAYS]),
    hinted=st.booleans(),
)
def test_plays_have_what_is_known_and_the_cells_can_still_be_told(
    indexed: HistoryStore,
    plays: list[tuple[list[str], int]],
    first: list[dict[str, Any]],
    second: list[dict[str, Any]],
    way: str,
    hinted: bool,
) -> None:
    for collection in (indexed.plays, indexed.tracks):
        collection.delete_many({})
    exported = [put_play(indexed, number, written, track) for number, (written, track) in enumerate(plays)]
    tracks: dict[int, dict[str, Any]] = {}
    for turn in zip_longest(first, second):
        for number, knowledge in enumerate(turn, start=1):
            if knowledge is not None:
                tracks[number] = knowledge
                hint = {"has_exported_values": has_exported_values(exported, number)} if hinted else {}
                put_track(indexed, number, knowledge | hint)
        embed(indexed, way)
        embedded = contents(indexed.plays)
        for number, (_, track) in enumerate(plays):
            assert_embedded(embedded[number], exported[number], tracks.get(track))
        assert count_outdated_plays(indexed) == 0
        assert embed(indexed, way) == Embedded(tracks=0, plays=0)
        indexed.tracks.update_many({}, {"$set": {"embedding_due": BEFORE}})
        assert embed(indexed, way).plays == 0
        assert contents(indexed.plays) == embedded, "what is right already is not written"
