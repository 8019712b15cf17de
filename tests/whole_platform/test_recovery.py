"""The promise of the whole platform: whatever is killed, cut, full or spoiled, what comes out is the same."""

from __future__ import annotations

import pytest

from echotune.resources import PROJECT
from local.errors import say
from tests.whole_platform.chain import Chain, Told
from tests.whole_platform.conftest import Undisturbed
from tests.whole_platform.plan import BESIDE, STEPS, Kind, Round, plan_rounds
from tests.whole_platform.state import differences


@pytest.mark.timeout(3_600)
def test_a_chain_of_runs_that_faults_struck_ends_as_the_undisturbed_one(
    chain: Chain, undisturbed: Undisturbed, faults: Round
) -> None:
    told = Told()
    say(f"\nround {faults.number}: {len(faults.faults)} faults")
    found = chain.disturbed(faults, undisturbed.seconds, told)
    assert told.struck == len(faults.faults)
    assert not (unequal := chain.unequal_sides()), "\n".join([*unequal, *told.lines])
    assert not (other := differences(undisturbed.state, found)), "\n".join([*other, *told.lines])
    assert {name: part.checksum for name, part in found.items()} == {
        name: part.checksum for name, part in undisturbed.state.items()
    }
    say(f"round {faults.number}: {told.struck} faults, {told.runs} runs, no difference")


def test_a_seed_draws_the_same_faults_and_every_kind_before_one_comes_again() -> None:
    rounds = plan_rounds(seed=7, faults=24, in_a_round=5)
    assert rounds == plan_rounds(seed=7, faults=24, in_a_round=5) != plan_rounds(seed=8, faults=24, in_a_round=5)
    drawn = [fault for one in rounds for fault in one.faults]
    assert [len(one.faults) for one in rounds] == [5, 5, 5, 5, 4]
    assert {fault.kind for fault in drawn[:12]} == {fault.kind for fault in drawn[12:]} == set(Kind)


def test_every_dag_is_among_those_that_are_run_again() -> None:
    assert {*STEPS, *BESIDE} == {path.stem for path in (PROJECT / "dags").glob("*.py")}
