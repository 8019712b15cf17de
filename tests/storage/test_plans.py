"""Plans and limits."""

from __future__ import annotations

from datetime import date
from urllib.parse import urlsplit

import pytest

from echotune.storage.errors import StorageError
from echotune.storage.plans import limit_named, next_larger, read_plans
from echotune.storage.settings import StorageSettings
from echotune.storage.sizes import Counted

PLANS = read_plans()


def test_each_plan_says_where_and_when_it_was_read() -> None:
    assert PLANS
    assert [plan.name for plan in PLANS if urlsplit(plan.source).scheme != "https"] == []
    assert [plan.name for plan in PLANS if plan.read > date(2026, 11, 30)] == []


def test_the_free_plans_are_as_their_providers_say() -> None:
    limits = {plan.name: plan.limit for plan in PLANS if plan.price == "free"}
    assert limits == {"atlas-m0": 512_000_000, "supabase-free": 500_000_000}


def test_a_price_that_depends_on_use_is_told_as_a_range() -> None:
    assert {plan.name: plan.price for plan in PLANS}["atlas-flex"] == "8 to 30 USD a month"


def test_a_plan_is_named_in_any_case() -> None:
    limit = limit_named(" Atlas-M0", "mongodb", PLANS)
    assert limit is not None
    assert (limit.bytes, limit.counts) == (512_000_000, Counted.DATA)


def test_a_number_of_bytes_is_a_limit_of_the_disk() -> None:
    limit = limit_named("15 GiB", "mongodb", PLANS)
    assert limit is not None
    assert (limit.bytes, limit.counts, str(limit)) == (15 * 2**30, Counted.DISK, "16.1 GB")


@pytest.mark.parametrize("text", ["", "  ", "none", "None"])
def test_nothing_and_none_are_no_limit(text: str) -> None:
    assert limit_named(text, "mongodb", PLANS) is None


def test_another_systems_plan_is_refused_with_those_that_may_be_named() -> None:
    with pytest.raises(StorageError, match="postgresql_plan is 'atlas-m0': name supabase-free, supabase-pro, or"):
        limit_named("atlas-m0", "postgresql", PLANS)


@pytest.mark.parametrize(
    ("named", "used", "larger"),
    [
        ("atlas-m0", 1, "atlas-flex"),
        ("atlas-m0", 6_000_000_000, "atlas-m10"),
        ("atlas-m10", 1, None),
        ("10 GB", 1, None),
    ],
)
def test_the_next_larger_plan_is_the_providers_and_holds_what_is_used(
    named: str, used: int, larger: str | None
) -> None:
    limit = limit_named(named, "mongodb", PLANS)
    assert limit is not None
    found = next_larger(limit, used, PLANS)
    assert (found.name if found else None) == larger


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mongodb_plan": "atlas-m99"}, "mongodb_plan is 'atlas-m99': name atlas-m0"),
        ({"archive_older_than_years": "0"}, "archive_older_than_years is '0'"),
        ({"plan": "x"}, "plan is 'x'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_may_be(values: dict[str, str], message: str) -> None:
    with pytest.raises(StorageError, match=message):
        StorageSettings.of(values)
