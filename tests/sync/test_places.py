"""Tables and months, named for a person."""

from __future__ import annotations

from datetime import date

from echotune.sync.places import name_places

PLAYS = "listening_history"


def test_a_table_whole_is_named_by_its_name_and_a_month_with_it() -> None:
    assert name_places([("tracks", None), (PLAYS, date(2014, 3, 1))]) == "tracks, listening_history 2014-03"


def test_months_without_a_gap_are_one_place_also_over_a_turn_of_the_year() -> None:
    months = [(2013, 11), (2013, 12), (2014, 1), (2014, 3), (2014, 5), (2014, 6)]
    places = [(PLAYS, date(year, month, 1)) for year, month in months]
    assert name_places(places) == (
        "listening_history 2013-11 to 2014-01, listening_history 2014-03, listening_history 2014-05 to 2014-06"
    )


def test_of_many_places_the_first_are_named_and_the_rest_counted() -> None:
    places = [(PLAYS, date(2000 + number, 1, 1)) for number in range(30)]
    assert name_places(places).endswith("listening_history 2011-01 and 18 more")


def test_plays_without_a_month_stand_alone() -> None:
    assert name_places([(PLAYS, None), (PLAYS, date(2014, 3, 1))]) == "listening_history, listening_history 2014-03"
    assert name_places([]) == ""
