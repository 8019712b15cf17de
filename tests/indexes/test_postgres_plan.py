"""The plan for PostgreSQL's indexes, a pure function."""

from __future__ import annotations

from typing import Any

import pytest

from echotune.indexes.postgres import PostgresIndex
from echotune.indexes.postgres_plan import PostgresStep, plan_postgresql
from echotune.indexes.postgres_state import LiveIndex, PostgresState, StaleStatistics
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action

ONE = PostgresIndex(
    schema="public", table="albums", name="one", statement="create index one on public.albums (a)", serves="a test"
)
SETTINGS = MaintenanceSettings(hide_after_days=30, reindex_above_bloat=0.3)


def live(name: str = "one", **fields: Any) -> LiveIndex:
    values: dict[str, Any] = {
        "schema": "public",
        "table_name": "albums",
        "definition": "",
        "keys": ("a",),
        "scans": 1,
    } | fields
    return LiveIndex(name=name, **values)


def plan(*there: LiveIndex, **state: Any) -> list[PostgresStep]:
    return plan_postgresql([ONE], PostgresState(indexes=there, **state), SETTINGS)


def actions(steps: list[PostgresStep]) -> list[tuple[Action, str]]:
    return [(one.step.action, one.step.name) for one in steps]


@pytest.mark.parametrize(
    ("there", "state", "expected"),
    [
        ([], {}, [(Action.CREATE, "one")]),
        ([live()], {}, [(Action.LEAVE, "one")]),
        ([live()], {"different": frozenset({"one"})}, [(Action.REBUILD, "one")]),
        ([live(partitioned=True, valid=False)], {}, [(Action.ATTACH, "one")]),
        ([live(valid=False)], {}, [(Action.CLEAN, "one"), (Action.CREATE, "one")]),
        ([live(valid=False, table_is_worked_on=True)], {}, [(Action.REPORT, "one"), (Action.REPORT, "one")]),
        ([live(), live("one_new", scans=0, keys=("b",))], {}, [(Action.CLEAN, "one_new"), (Action.LEAVE, "one")]),
        ([live(), live("one_ccnew", valid=False)], {}, [(Action.CLEAN, "one_ccnew"), (Action.LEAVE, "one")]),
        ([live()], {"bloat": {"one": 0.4}}, [(Action.LEAVE, "one"), (Action.REINDEX, "one")]),
        ([live()], {"bloat": {"one": 0.2}}, [(Action.LEAVE, "one")]),
        ([live()], {"missing_years": [2027]}, [(Action.PARTITION, ""), (Action.LEAVE, "one")]),
        ([live(scans=0)], {"observed_days": 29}, [(Action.LEAVE, "one")]),
        ([live(scans=0)], {"observed_days": 30}, [(Action.LEAVE, "one"), (Action.REPORT, "one")]),
    ],
)
def test_what_is_there_decides_what_is_done(
    there: list[LiveIndex], state: dict[str, Any], expected: list[tuple[Action, str]]
) -> None:
    assert actions(plan(*there, **state)) == expected


@pytest.mark.parametrize(
    ("other", "doubled"),
    [
        (live("other", keys=("a",)), ["other"]),
        (live("other", keys=("a", "b")), ["one"]),
        (live("other", keys=("b", "a")), []),
        (live("other", keys=("a",), of_constraint=True, is_unique=True), ["one"]),
        (live("other", keys=("a",), plain=False), []),
        (live("other", keys=("a",), table_name="tracks"), []),
    ],
)
def test_of_two_indexes_that_serve_the_same_the_one_too_many_is_told(other: LiveIndex, doubled: list[str]) -> None:
    told = [one.step.name for one in plan(live(), other) if "first ones of" in one.step.reason]
    assert told == doubled


def test_a_table_of_which_the_planner_knows_nothing_is_analyzed() -> None:
    stale = StaleStatistics(schema="public", table_name="albums", never=True, changed=5)
    (step,) = [one.step for one in plan(live(), stale=[stale]) if one.step.action is Action.ANALYZE]
    assert (step.place, step.reason) == ("albums", "the planner knows nothing of its rows")
