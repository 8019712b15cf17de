"""The values that enrichment writes to plays, told apart from the export's own."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echotune.history.document import cells_of
from echotune.history.enriched import ENRICHED_FIELDS, as_exported
from tests.support.cells import rows
from tests.support.rows import row
from tests.support.shaping import shape

NEW: dict[str, Any] = {"audio_features": {"energy": 0.123}, "duration_ms": 1, "popularity": 2, "genres": ["new"]}


def enrich(play: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """What enrichment makes of a play, in plain Python."""
    enriched = deepcopy(play)
    replaced = {}
    for field in fields:
        section, _, name = ENRICHED_FIELDS[field].rpartition(".")
        target = enriched.setdefault(section, {}) if section else enriched
        if name in target:
            replaced[field] = target[name]
        target[name] = NEW[field]
    enriched["enriched"] = dict.fromkeys(fields, "spotify")
    if replaced:
        enriched["source"]["replaced"] = replaced
    return enriched


@given(cells=rows(), fields=st.lists(st.sampled_from(sorted(ENRICHED_FIELDS)), unique=True, min_size=1))
def test_an_enriched_play_still_tells_every_cell(cells: list[str], fields: list[str]) -> None:
    exported = shape(cells)
    enriched = enrich(exported, fields)
    before = deepcopy(enriched)
    assert as_exported(enriched) == exported
    assert cells_of(enriched) == cells_of(exported) == cells
    assert enriched == before, "it is not changed by being read"


def test_a_play_that_was_not_enriched_is_as_exported() -> None:
    play = shape(row())
    assert as_exported(play) == play


@pytest.mark.parametrize("field", ENRICHED_FIELDS)
def test_a_section_that_only_enrichment_made_is_gone(field: str) -> None:
    play = shape(row())
    assert as_exported(enrich(play, [field])) == play


@pytest.mark.parametrize("value", [0, 0.0, False, ""])
def test_a_value_of_the_file_that_looks_like_nothing_comes_back(value: object) -> None:
    play = shape(row())
    play["track"]["popularity"] = value
    assert as_exported(enrich(play, ["popularity"]))["track"]["popularity"] == value
