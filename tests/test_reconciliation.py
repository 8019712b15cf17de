"""Two numbers that must agree."""

from __future__ import annotations

import pytest

from echotune.reconciliation import Check, NotReconciled, require_equal

RIGHT = Check(what="rows read", expected=1_200, found=1_200)
SHORT = Check(what="plays", expected=1_200, found=1_190)
MORE = Check(what="plays", expected=1_200, found=1_250)


def test_equal_numbers_are_right() -> None:
    assert str(RIGHT) == "rows read: expected 1,200, found 1,200: right"


@pytest.mark.parametrize(("check", "verdict"), [(SHORT, "OFF BY -10"), (MORE, "OFF BY +50")])
def test_numbers_that_differ_tell_by_how_much(check: Check, verdict: str) -> None:
    assert str(check).endswith(verdict)


@pytest.mark.parametrize("found", [1_200, 1_250])
def test_at_least_as_many_is_right_where_more_is_allowed(found: int) -> None:
    assert Check(what="plays", expected=1_200, found=found, at_least=True).passed


def test_fewer_is_wrong_where_more_is_allowed() -> None:
    check = Check(what="plays", expected=1_200, found=1_199, at_least=True)
    assert not check.passed
    assert str(check) == "plays: expected at least 1,200, found 1,199: OFF BY -1"


def test_checks_that_pass_are_no_failure() -> None:
    require_equal([RIGHT, RIGHT])


def test_no_checks_are_no_failure() -> None:
    require_equal([])


def test_each_check_that_failed_is_named_and_no_other() -> None:
    with pytest.raises(NotReconciled) as caught:
        require_equal([RIGHT, SHORT, MORE])
    assert str(caught.value) == f"{SHORT}; {MORE}"
