"""Which indexes of MongoDB are the same, and which are needless."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.indexes.mongo_comparison import belongs_to, makes_needless, same_keys, same_options, why_never_dropped
from tests.support.maintaining import declared, live, words

ENGLISH = {"locale": "en"}
TEXT = (("y", "text"), ("x", "text"))


@pytest.mark.parametrize("keys", [(("b", 1), ("a", 1)), (("a", 1),), (("a", 1), ("b", -1))])
def test_indexes_over_other_fields_or_in_another_order_or_direction_are_others(keys: Any) -> None:
    assert not same_keys(live(keys=keys), declared(keys=(("a", 1), ("b", 1))))


def test_a_text_index_is_known_by_its_fields_in_any_order() -> None:
    assert same_keys(words(), declared(keys=TEXT))


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ({"unique": True}, {}),
        ({}, {"unique": True}),
        ({}, {"sparse": True}),
        ({}, {"expireAfterSeconds": 0}),
        ({"expireAfterSeconds": 60}, {"expireAfterSeconds": 90}),
        ({"partialFilterExpression": {"a": {"$exists": True}}}, {}),
        ({"collation": ENGLISH}, {"collation": {"locale": "de", "strength": 3}}),
        ({"collation": {"locale": "en", "strength": 2}}, {"collation": {"locale": "en", "strength": 3}}),
        ({}, {"collation": {"locale": "en", "strength": 3}}),
    ],
)
def test_an_option_that_queries_or_documents_notice_makes_a_difference(wanted: Any, there: Any) -> None:
    assert not same_options(live(**there), declared(**wanted))


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ({}, {"unique": False}),
        ({"collation": ENGLISH}, {"collation": {"locale": "en", "strength": 3, "version": "57.1"}}),
        ({}, {"hidden": True}),
        ({}, {"background": True}),
    ],
)
def test_what_a_server_fills_in_makes_none(wanted: Any, there: Any) -> None:
    assert same_options(live(**there), declared(**wanted))


def test_a_text_index_of_another_language_or_weight_differs() -> None:
    index = declared("words", TEXT, default_language="none")
    assert same_options(words(), index)
    assert not same_options(words(language="english"), index)
    assert not same_options(words(), declared("words", TEXT, default_language="none", weights={"x": 5}))


@pytest.mark.parametrize(("name", "ours"), [("one", True), ("one_2", True), ("one_2_2", False), ("a_1", False)])
def test_an_index_is_ours_by_the_name_that_a_rebuild_gives(name: str, ours: bool) -> None:
    assert belongs_to(live(name), declared("one")) is ours


@pytest.mark.parametrize("options", [{"unique": True}, {"expireAfterSeconds": 0}])
def test_an_index_with_an_effect_is_never_dropped(options: Any) -> None:
    assert why_never_dropped(live(**options), None)


@pytest.mark.parametrize("keys", [(("a", 1),), (("a", 1), ("b", 1))])
def test_an_index_that_begins_with_the_shard_key_is_never_dropped(keys: Any) -> None:
    assert why_never_dropped(live(keys=keys), (("a", 1),))
    assert not why_never_dropped(live(keys=keys), (("b", 1),))


A, AB, TURNED, MIXED = (("a", 1),), (("a", 1), ("b", 1)), (("a", -1), ("b", -1)), (("a", 1), ("b", -1), ("c", 1))


@pytest.mark.parametrize(("long", "short"), [(AB, A), (TURNED, A), (MIXED, (("a", -1), ("b", 1)))])
def test_the_beginning_of_an_index_read_from_either_end_is_needless(long: Any, short: Any) -> None:
    assert makes_needless(live("long", long), live("short", short))


@pytest.mark.parametrize(
    ("long", "short"),
    [
        (live(keys=A), live(keys=A)),
        (live(keys=AB), live(keys=(("b", 1),))),
        (live(keys=MIXED), live(keys=AB)),
        (live(keys=AB), live(keys=A, unique=True)),
        (live(keys=AB), live(keys=A, sparse=True)),
        (live(keys=AB), live(keys=A, expireAfterSeconds=1)),
        (live(keys=AB), live(keys=A, partialFilterExpression={"a": 1})),
        (live(keys=AB), live(keys=A, collation=ENGLISH)),
        (live(keys=AB, sparse=True), live(keys=A)),
        (live(keys=AB, hidden=True), live(keys=A)),
        (live(keys=AB, partialFilterExpression={"a": 1}), live(keys=A)),
        (live(keys=(("a", "hashed"), ("b", 1))), live(keys=(("a", "hashed"),))),
        (live(keys=(("_id", 1), ("b", 1))), live(keys=(("_id", 1),))),
    ],
)
def test_an_index_that_does_more_or_that_the_other_does_not_replace_is_not(long: Any, short: Any) -> None:
    assert not makes_needless(long, short)
