"""How an answer to a batch is joined to the ids that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from echotune.enrichment.answers import Answer, Outcome
from echotune.enrichment.errors import EntryError
from echotune.enrichment.providers.findings import MOST_HALVINGS, Findings, ask_in_halves

A, B, C = (letter * 22 for letter in "abc")


def item(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, **more}


def read(entry: Mapping[str, Any]) -> dict[str, Any]:
    if entry.get("wrong"):
        raise EntryError("it is wrong")
    return {"read": entry["id"]}


def joined(ids: Sequence[str], items: Sequence[Any]) -> Findings:
    findings = Findings()
    findings.join(ids, items, read)
    return findings


def test_values_nulls_and_wrong_items_go_where_they_belong() -> None:
    findings = joined([A, B, C], [item(A), None, item(C, wrong=True)])
    assert (findings.found, findings.absent, findings.broken) == ({A: {"read": A}}, {B}, {C: "it is wrong"})


def test_an_item_in_another_place_is_joined_by_its_id() -> None:
    assert joined([A, B], [item(B), item(A)]).found == {A: {"read": A}, B: {"read": B}}


def test_a_null_is_not_believed_where_the_order_is_not_kept() -> None:
    findings = joined([A, B, C], [item(B), item(A), None])
    assert (findings.absent, set(findings.broken)) == (set(), {C})


def test_an_item_that_repeats_another_is_no_answer_for_its_place() -> None:
    findings = joined([A, B], [item(A), item(A)])
    assert (findings.found, findings.absent, set(findings.broken)) == ({A: {"read": A}}, set(), {B})


def test_an_item_nobody_asked_for_is_no_answer() -> None:
    findings = joined([A, B], [item(C), item(B)])
    assert (findings.found, set(findings.broken)) == ({B: {"read": B}}, {A})


def test_a_linked_track_answers_for_the_one_asked_for() -> None:
    assert set(joined([A], [item(C, linked_from={"id": A})]).found) == {A}


@given(
    st.lists(
        st.none()
        | st.booleans()
        | st.text()
        | st.lists(st.integers())
        | st.builds(item, st.sampled_from([A, B, C, 5, None])),
        min_size=3,
        max_size=3,
    )
)
def test_every_id_gets_one_answer_and_no_value_of_another(items: list[Any]) -> None:
    findings = joined([A, B, C], items)
    answered = [*findings.found, *findings.absent, *findings.broken]
    assert sorted(answered) == [A, B, C]
    assert all(values == {"read": id_} for id_, values in findings.found.items())


def test_what_is_no_spotify_id_is_broken_without_a_call() -> None:
    findings = Findings()
    assert findings.sort_out([A, "spotify:local:a:b:c:200", A, "short", B, "ü" * 22, A + "\n"]) == [A, B]
    assert len(findings.broken) == 4


BAD = Answer(outcome=Outcome.BROKEN, status=400, reason="bad")
GOOD = Answer(outcome=Outcome.DATA, body=[], status=200)


@given(st.sets(st.integers(0, 99), max_size=3))
def test_ids_that_spoil_a_batch_are_found_and_the_others_answered(bad: set[int]) -> None:
    ids = [str(number) for number in range(100)]
    calls: list[int] = []

    def ask(batch: Sequence[str]) -> Answer:
        calls.append(len(batch))
        return BAD if bad & {int(id_) for id_ in batch} else GOOD

    answers = list(ask_in_halves(ids, ask))
    assert sorted((id_ for batch, _ in answers for id_ in batch), key=int) == ids
    assert {int(batch[0]) for batch, answer in answers if answer is BAD and len(batch) == 1} == bad
    assert all(answer is GOOD for batch, answer in answers if len(batch) > 1)
    assert len(calls) <= 1 + 2 * 7 * len(bad)


def test_a_service_that_refuses_everything_is_not_asked_about_each_id() -> None:
    answers = list(ask_in_halves([str(number) for number in range(100)], lambda _: BAD))
    assert MOST_HALVINGS + len(answers) <= 2 * MOST_HALVINGS + 1
    assert any("not an id that is bad" in answer.reason for _, answer in answers)


def test_nothing_to_ask_is_no_call() -> None:
    assert list(ask_in_halves([], lambda _: BAD)) == []
