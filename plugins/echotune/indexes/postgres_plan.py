"""What is to be done about PostgreSQL's indexes: a pure function of the declaration and of what is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from echotune.indexes.postgres import PostgresIndex
from echotune.indexes.postgres_state import BTREE, LiveIndex, PostgresState
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import POSTGRESQL, Action, Step

REPLACEMENT = "_new"
"""How the name of an index ends that is to take another one's place."""
PLAYS = "listening_history"


@dataclass(frozen=True, kw_only=True)
class PostgresStep:
    """A step, and what it is about.

    :param schema: of the table
    :param index: the declared index
    """

    step: Step
    schema: str
    index: PostgresIndex | None = None


def plan_postgresql(
    declared: Sequence[PostgresIndex], state: PostgresState, settings: MaintenanceSettings
) -> list[PostgresStep]:
    """Return what is to be done, in the order in which it is best done."""
    return [
        *_partitions(state),
        *_leftovers(declared, state),
        *_declared(declared, state),
        *_bloated(state, settings),
        *_undeclared(declared, state, settings),
        *_doubled(declared, state),
        *_stale(state),
    ]


def _step(
    action: Action, schema: str, table: str, name: str, reason: str, index: PostgresIndex | None = None
) -> PostgresStep:
    step = Step(system=POSTGRESQL, place=table, name=name, action=action, reason=reason)
    return PostgresStep(step=step, schema=schema, index=index)


def _partitions(state: PostgresState) -> Iterator[PostgresStep]:
    if state.missing_years:
        years = " and ".join(map(str, state.missing_years))
        yield _step(Action.PARTITION, "public", PLAYS, "", f"the plays of {years} have no partition yet")


def _leftovers(declared: Sequence[PostgresIndex], state: PostgresState) -> Iterator[PostgresStep]:
    """Indexes whose building was broken off, and replacements of what needs none any more."""
    unneeded = {f"{index.name}{REPLACEMENT}" for index in declared if index.name not in state.different}
    for live in state.indexes:
        broken = not live.valid and not live.partitioned
        if not broken and not (live.name in unneeded and live.parent is None):
            continue
        what = "its building was broken off" if broken else "nothing is to be replaced by it any more"
        if live.table_is_worked_on:
            reason = f"{what}, or another session builds it right now: a later run looks again"
            yield _step(Action.REPORT, live.schema, live.table_name, live.name, reason)
        else:
            yield _step(Action.CLEAN, live.schema, live.table_name, live.name, what)


def _declared(declared: Sequence[PostgresIndex], state: PostgresState) -> Iterator[PostgresStep]:
    live = {(index.schema, index.name): index for index in state.indexes}
    for index in declared:
        action, reason = _due(index, live.get((index.schema, index.name)), state)
        yield _step(action, index.schema, index.table, index.name, f"{reason}{index.serves}", index)


def _due(index: PostgresIndex, present: LiveIndex | None, state: PostgresState) -> tuple[Action, str]:
    if present is None:
        return Action.CREATE, ""
    if not present.valid and not present.partitioned:
        return (Action.REPORT, "another session builds it. ") if present.table_is_worked_on else (Action.CREATE, "")
    if index.name in state.different:
        return Action.REBUILD, f"PostgreSQL has it in another form ({present.definition}). "
    if not present.valid:
        return Action.ATTACH, "not every partition has it yet. "
    return Action.LEAVE, ""


def _bloated(state: PostgresState, settings: MaintenanceSettings) -> Iterator[PostgresStep]:
    for live in state.indexes:
        share = state.bloat.get(live.name, 0)
        if live.valid and share > settings.reindex_above_bloat:
            reason = f"{share:.0%} of its {live.size_bytes / (1 << 20):,.0f} MiB are wasted"
            yield _step(Action.REINDEX, live.schema, live.table_name, live.name, reason)


def _undeclared(
    declared: Sequence[PostgresIndex], state: PostgresState, settings: MaintenanceSettings
) -> Iterator[PostgresStep]:
    """What nobody declared, and what nobody uses: told, never dropped, since applications may have made it."""
    names = {(index.schema, index.name) for index in declared}
    replacements = {(index.schema, f"{index.name}{REPLACEMENT}") for index in declared}
    within = f" in {state.observed_days:,} days"
    for live in state.indexes:
        if live.parent or live.of_constraint or live.is_unique or not live.valid:
            continue
        place = (live.schema, live.name)
        scans = live.scans + sum(part.scans for part in state.indexes if part.parent == live.name)
        if place not in names | replacements:
            reason = f"nobody declared it; used {scans:,} times{within}"
            yield _step(Action.REPORT, live.schema, live.table_name, live.name, reason)
        elif not scans and place in names and state.observed_days >= settings.hide_after_days:
            yield _step(Action.REPORT, live.schema, live.table_name, live.name, f"not used{within}")


def _doubled(declared: Sequence[PostgresIndex], state: PostgresState) -> Iterator[PostgresStep]:
    names = {index.name for index in declared}
    comparable = [one for one in state.indexes if not one.parent and one.method == BTREE and one.plain and one.valid]
    for one in comparable:
        if one.of_constraint or one.is_unique:
            continue
        for other in comparable:
            if _covers(other, one) and not (_alike(other, one) and _stays(one, names) > _stays(other, names)):
                reason = f"its keys are the first ones of {other.name}, which serves the same queries"
                yield _step(Action.REPORT, one.schema, one.table_name, one.name, reason)
                break


def _covers(other: LiveIndex, one: LiveIndex) -> bool:
    """Whether an index serves every query of another one."""
    same_table = (other.schema, other.table_name) == (one.schema, one.table_name)
    return same_table and other is not one and list(other.keys[: len(one.keys)]) == list(one.keys)


def _alike(other: LiveIndex, one: LiveIndex) -> bool:
    return len(other.keys) == len(one.keys)


def _stays(one: LiveIndex, declared: Collection[str]) -> tuple[bool, bool, str]:
    """Of two alike the one that sorts last stays: it holds a constraint, or it is declared."""
    return (one.of_constraint or one.is_unique, one.name in declared, one.name)


def _stale(state: PostgresState) -> Iterator[PostgresStep]:
    for stale in state.stale:
        reason = (
            "the planner knows nothing of its rows"
            if stale.never
            else f"{stale.changed:,} rows changed since it looked"
        )
        yield _step(Action.ANALYZE, stale.schema, stale.table_name, "", reason)
