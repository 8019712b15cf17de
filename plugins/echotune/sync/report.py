"""What a person reads at the end of a sync."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from echotune.run_summary import left_in_summary
from echotune.sync.counts import SyncCounts
from echotune.sync.places import name_places
from echotune.sync.tables import TABLES

ORDER = {table.name: number for number, table in enumerate(TABLES)}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How one table, or one month of it, compared.

    :param documents: the documents' rows in MongoDB
    :param rows: the rows in PostgreSQL
    :param state: ``equal``, ``repaired``, ``differs`` or ``changing``
    """

    table: str
    month: date | None
    documents: int
    rows: int
    state: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is known of a run at its end.

    :param tables: what it did, by table
    :param proofs: how the two sides compared
    :param rejected: documents that do not fit, by table, of this run and of earlier ones
    :param unfinished: slices that were planned and are not done
    :param repairs: what repairs wrote, as counts by table
    :param profiles: what became of preferences and playlists; None where nobody got so far
    :param verify_only: whether the run was to write nothing
    :param problems: what the run found that somebody has to mend
    :param failed: the tasks that failed otherwise, by name
    """

    tables: Mapping[str, SyncCounts]
    proofs: Sequence[Proof]
    rejected: Mapping[str, int]
    unfinished: int
    repairs: Mapping[str, Mapping[str, float]]
    profiles: Mapping[str, int] | None
    verify_only: bool = False
    problems: Sequence[str] = ()
    failed: Sequence[str] = ()


def summarise(outcome: Outcome) -> dict[str, Any]:
    """The summary of a run: sentences for a person, counts for a program, and the problems that fail the run."""
    problems = list(outcome.problems)
    if outcome.failed:
        problems.append(f"{', '.join(outcome.failed)} failed, see the end of the log")
    lines = _table_lines(outcome)
    lines += _proof_lines(outcome)
    lines += _profile_lines(outcome)
    waiting = _waiting(outcome)
    lines += [sentence for _, sentence in waiting]
    lines += [f"To mend: {problem}" for problem in problems]
    return {
        "text": lines,
        **left_in_summary([*_in_state("differs", outcome.proofs), *_in_state("changing", outcome.proofs), *waiting]),
        "counts": {table: asdict(outcome.tables[table]) for table in _in_order(outcome.tables)},
        "repairs": {table: dict(counts) for table, counts in outcome.repairs.items()},
        "proved": dict(Counter(proof.state for proof in outcome.proofs)),
        "differs": [name_places([(proof.table, proof.month)]) for proof in outcome.proofs if proof.state == "differs"],
        "rejected": dict(outcome.rejected),
        "profiles": dict(outcome.profiles or {}),
        "problems": problems,
    }


def _in_order(tables: Iterable[str]) -> list[str]:
    return sorted(tables, key=lambda table: ORDER.get(table, len(ORDER)))


def _table_lines(outcome: Outcome) -> list[str]:
    if outcome.verify_only:
        return ["Verify only: both sides were compared and nothing was written to them."]
    busy = [table for table in _in_order(outcome.tables) if replace(outcome.tables[table], seconds=0) != SyncCounts()]
    if not busy:
        return [] if outcome.failed or outcome.unfinished else ["Nothing new in MongoDB since the last sync."]
    return [_table_line(table, outcome.tables[table]) for table in busy]


def _table_line(table: str, counts: SyncCounts) -> str:
    rows = _rows(asdict(counts), ("inserted", "updated", "unchanged", "deleted", "quarantined"))
    return f"{table}: {counts.documents:,} read; {rows or 'no row of it'}; {counts.seconds:,.1f} s."


def _rows(counts: Mapping[str, float], names: Sequence[str]) -> str:
    return ", ".join(f"{counts[name]:,} {name}" for name in names if counts.get(name))


def _proof_lines(outcome: Outcome) -> list[str]:
    lines, proofs = [], outcome.proofs
    if equal := [proof for proof in proofs if proof.state in ("equal", "repaired")]:
        tables = _in_order({proof.table for proof in equal})
        told = (_proved(table, [proof for proof in equal if proof.table == table]) for table in tables)
        lines.append(f"Proved equal: {', '.join(told)}.")
    if repaired := [proof for proof in proofs if proof.state == "repaired"]:
        lines.append(f"Differed and was repaired: {_places(repaired)}.")
    for table in _in_order(outcome.repairs):
        if rows := _rows(outcome.repairs[table], ("inserted", "updated", "deleted", "quarantined")):
            lines.append(f"Repairs of {table}: {rows}.")
    return lines + [sentence for _, sentence in _in_state("changing", proofs)]


_NOT_EQUAL = {
    "differs": "Differs",
    "changing": "Changed while it was compared, the next run compares it again",
}


def _in_state(state: str, proofs: Sequence[Proof]) -> list[tuple[int, str]]:
    """How many tables and months are in a state that is not equal, and a sentence on them; none: nothing."""
    found = [proof for proof in proofs if proof.state == state]
    return [(len(found), f"{_NOT_EQUAL[state]}: {_places(found)}.")] if found else []


def _proved(table: str, proofs: Sequence[Proof]) -> str:
    rows = sum(proof.rows for proof in proofs)
    months = sum(proof.month is not None for proof in proofs)
    in_months = f" in {months:,} {'month' if months == 1 else 'months'}" if months else ""
    return f"{table} {rows:,}{in_months}"


def _places(proofs: Sequence[Proof]) -> str:
    return name_places((proof.table, proof.month) for proof in proofs)


def _profile_lines(outcome: Outcome) -> list[str]:
    if outcome.profiles is None:
        return []
    if outcome.verify_only:
        return ["Preferences and playlists are the same on both sides."]
    told = _rows(outcome.profiles, list(outcome.profiles))
    return [f"Preferences and playlists to MongoDB: {told or 'nothing new'}."]


def _waiting(outcome: Outcome) -> list[tuple[int, str]]:
    """What was not written: how many slices and documents, and a sentence on them."""
    waiting = []
    if outcome.unfinished:
        are_left = "1 slice is" if outcome.unfinished == 1 else f"{outcome.unfinished:,} slices are"
        waiting.append((outcome.unfinished, f"{are_left} not done: the next run takes up what is left."))
    if rejected := {table: number for table, number in outcome.rejected.items() if number}:
        told = ", ".join(f"{number:,} of {table}" for table, number in rejected.items())
        waiting.append((sum(rejected.values()), f"In quarantine, see echotune.rejected_documents: {told}."))
    return waiting
