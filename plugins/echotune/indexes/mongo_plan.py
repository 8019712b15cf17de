"""What to do about MongoDB's indexes: a pure function of what is declared, what is there and what is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from echotune.indexes.mongo_comparison import (
    COMPARED,
    EXPIRY,
    ID_KEYS,
    LiveIndex,
    belongs_to,
    is_text,
    makes_needless,
    same_keys,
    same_options,
    why_never_dropped,
)
from echotune.indexes.mongo_declaration import MongoIndex, ShardKey
from echotune.indexes.mongo_server import Server, ServerKind
from echotune.indexes.mongo_usage import Usage
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import MONGODB, Action, Step

DAY = timedelta(days=1)
Usages = Mapping[tuple[str, str], Usage]
"""By collection and name, of the indexes that nobody declared."""


@dataclass(frozen=True, kw_only=True)
class MongoStep:
    """A step and what carrying it out needs.

    :param creates: the index to create, with the name it is to have
    :param replaces: names of indexes to drop: once the new one is there, or before where the server takes only one
    :param drops_first: whether they have to go before
    :param index: the declared index it is about, where nothing is created
    :param refused: why the server did not even let us look
    """

    step: Step
    creates: MongoIndex | None = None
    replaces: tuple[str, ...] = ()
    drops_first: bool = False
    index: MongoIndex | None = None
    shard_key: ShardKey | None = None
    refused: str = ""


def plan_mongodb(
    declared: Sequence[MongoIndex],
    server: Server,
    usages: Usages,
    settings: MaintenanceSettings,
    *,
    shard_keys: Sequence[ShardKey] = (),
) -> list[MongoStep]:
    """Compare; the steps come in the order in which they are best carried out: first what queries are missing.

    Times are in ``usages``: it tells how long an index was unused or hidden.
    """
    steps = plan_declared(declared, server, manage_undeclared=settings.manage_undeclared)
    undeclared = undeclared_indexes(declared, server, shard_keys)
    steps += [
        _about_undeclared(index, server, usages.get((index.collection, index.name), Usage()), settings)
        for index in undeclared
    ]
    steps += _prefixes(server, undeclared)
    steps += [step for key in shard_keys if (step := _sharding(key, server, settings))]
    return steps


def plan_declared(
    declared: Sequence[MongoIndex], server: Server, *, manage_undeclared: bool = False
) -> list[MongoStep]:
    """The steps of the declared indexes, and of what a killed run left of them.

    :param manage_undeclared: whether a text index that nobody declared gives way to the declared one
    """
    steps = [
        MongoStep(step=_step(name, "", Action.REPORT, "its indexes cannot be looked at"), refused=reason)
        for name, reason in server.unread.items()
    ]
    for index in declared:
        if index.collection not in server.unread:
            steps += _about_declared(index, server, declared, manage_undeclared)
    return sorted(steps, key=lambda one: one.step.action in (Action.REPORT, Action.LEAVE))


def undeclared_indexes(
    declared: Sequence[MongoIndex], server: Server, shard_keys: Sequence[ShardKey] = ()
) -> list[LiveIndex]:
    """The indexes that nobody declared, _id's and what a rebuild left apart."""
    if server.kind is ServerKind.SHARDED:
        declared = [*declared, *(key.index for key in shard_keys)]
    return [
        index
        for index in server.indexes
        if index.keys != ID_KEYS
        and index.collection not in server.unread
        and not any(_is_version_of(index, one) for one in declared if one.collection == index.collection)
    ]


def _is_version_of(live: LiveIndex, index: MongoIndex) -> bool:
    """Whether it is the declared index, or what another declaration made of it.

    Other options make another index of it unless its name says that it is ours: somebody may want both.
    """
    if live.is_text and is_text(index.keys):
        return True
    return same_keys(live, index) and (same_options(live, index) or belongs_to(live, index))


def _about_declared(
    index: MongoIndex, server: Server, declared: Sequence[MongoIndex], manage_undeclared: bool
) -> Iterator[MongoStep]:
    versions = [live for live in server.of(index.collection) if _is_version_of(live, index)]
    exact = next((live for live in versions if same_keys(live, index) and same_options(live, index)), None)
    # Another declared index may have the same keys and other options.
    others = tuple(
        live.name
        for live in versions
        if live is not exact and not any(same_keys(live, one) and same_options(live, one) for one in declared)
    )
    if exact is None:
        yield _create(index, server, versions, others, manage_undeclared)
        return
    if exact.hidden:
        reason = "it is declared, and hidden: no query uses it"
        yield MongoStep(step=_step(index.collection, exact.name, Action.UNHIDE, reason), index=index)
    else:
        yield MongoStep(step=_step(index.collection, exact.name, Action.LEAVE, "as declared"), index=index)
    for name in others:
        yield MongoStep(step=_step(index.collection, name, Action.CLEAN, f"left by a rebuild of {index.name}"))


def _create(
    index: MongoIndex, server: Server, versions: Sequence[LiveIndex], others: tuple[str, ...], manage_undeclared: bool
) -> MongoStep:
    """The step for an index that is not there as it is declared."""
    blocking = _blocking(index, server)
    name = _free_name(index, server, others if blocking else ())
    creates = replace(index, name=name)
    if not versions and not blocking:
        return MongoStep(
            step=_step(index.collection, name, Action.CREATE, f"missing; serves: {index.serves}"), creates=creates
        )
    if blocking and not belongs_to(blocking, index) and not (blocking.is_text and manage_undeclared):
        reason = f"missing, and cannot be made: {blocking.name}, which nobody declared, stands in its way"
        return MongoStep(step=_step(index.collection, index.name, Action.REPORT, reason), index=index)
    differing = ", ".join(_differing(versions[0], index))
    if blocking and _differs_in_expiry_only(blocking, index):
        step = _step(index.collection, blocking.name, Action.REBUILD, f"{EXPIRY} differs: changed in place")
        return MongoStep(step=step, index=index)
    how = f"{', '.join(others)} is dropped when the new one is there"
    if blocking:
        how = f"{blocking.name} is dropped first, as the server takes only one of them: queries lack it meanwhile"
    step = _step(index.collection, name, Action.REBUILD, f"{differing} differs: {how}")
    return MongoStep(step=step, creates=creates, replaces=others, drops_first=blocking is not None)


def _blocking(index: MongoIndex, server: Server) -> LiveIndex | None:
    """The index beside which the server takes no such other one."""
    for live in server.of(index.collection):
        if live.is_text and is_text(index.keys):
            return live
        if same_keys(live, index) and same_options(live, index, server.signature):
            return live
    return None


def _differing(live: LiveIndex, index: MongoIndex) -> list[str]:
    if not same_keys(live, index):
        return ["fields"]
    return [name for name in COMPARED if not same_options(live, index, (name,))] or ["weights"]


def _differs_in_expiry_only(live: LiveIndex, index: MongoIndex) -> bool:
    """collMod gives an index another expiry, or a first one; it takes none away."""
    others = tuple(name for name in COMPARED if name != EXPIRY)
    return index.options.get(EXPIRY) is not None and same_keys(live, index) and same_options(live, index, others)


def _free_name(index: MongoIndex, server: Server, freed: Iterable[str]) -> str:
    taken = {live.name for live in server.of(index.collection)} - set(freed)
    name, number = index.name, 1
    while name in taken:
        number += 1
        name = f"{index.name}_{number}"
    return name


def _about_undeclared(index: LiveIndex, server: Server, usage: Usage, settings: MaintenanceSettings) -> MongoStep:
    effect = why_never_dropped(index, server.shard_keys.get(index.collection))
    if effect:
        return _told(index, Action.REPORT, f"nobody declared it; {effect}, so it is never hidden or dropped")
    if index.hidden:
        return _about_hidden(index, usage, settings)
    if usage.unknown:
        return _told(index, Action.REPORT, f"nobody declared it; how much it is used is not known: {usage.unknown}")
    unused, days = usage.unused / DAY, settings.hide_after_days
    if unused >= days and usage.known and settings.manage_undeclared:
        reason = f"nobody declared it, and nothing used it in {unused:.0f} days; dropped after {{}} days hidden"
        return _told(index, Action.HIDE, reason.format(settings.drop_after_days))
    used = f"used {usage.operations} times since the servers started, last within" if usage.operations else "unused for"
    then = f"; hidden after {days} days without use" if settings.manage_undeclared else ""
    return _told(index, Action.REPORT, f"nobody declared it; {used} {unused:.1f} days{then}")


def _about_hidden(index: LiveIndex, usage: Usage, settings: MaintenanceSettings) -> MongoStep:
    if usage.hidden_for is None:
        return _told(index, Action.REPORT, "nobody declared it; hidden by somebody else, so it stays: drop it by hand")
    hidden, days = usage.hidden_for / DAY, settings.drop_after_days
    if hidden >= days and settings.manage_undeclared:
        return _told(index, Action.DROP, f"nobody declared it, and nobody missed it in {hidden:.0f} days hidden")
    then = f"; dropped after {days}" if settings.manage_undeclared else ""
    return _told(index, Action.REPORT, f"nobody declared it; hidden for {hidden:.1f} days{then}")


def _prefixes(server: Server, undeclared: Sequence[LiveIndex]) -> Iterator[MongoStep]:
    for short in server.indexes:
        if short.hidden:
            continue
        long = next((one for one in server.of(short.collection) if makes_needless(one, short)), None)
        if long:
            whose = "nobody declared it, and it" if short in undeclared else "it"
            yield _told(short, Action.REPORT, f"{whose} is the beginning of {long.name}, which serves its queries too")


def _sharding(key: ShardKey, server: Server, settings: MaintenanceSettings) -> MongoStep | None:
    """Shard a collection that outgrew a size, where a person wants that and the server can."""
    size = server.gigabytes.get(key.collection, 0)
    if server.kind is not ServerKind.SHARDED or key.collection in {*server.unread, *server.shard_keys}:
        return None
    if size <= settings.shard_above_gigabytes:
        return None
    reason = f"{size:.1f} GB of documents, over {settings.shard_above_gigabytes:g}"
    if not settings.shard:
        told = f"{reason}: it can be sharded (parameter shard)"
        return MongoStep(step=_step(key.collection, "", Action.REPORT, told))
    fields = ", ".join(name for name, _ in key.index.keys)
    return MongoStep(step=_step(key.collection, "", Action.SHARD, f"{reason}: by {fields}"), shard_key=key)


def _told(index: LiveIndex, action: Action, reason: str) -> MongoStep:
    return MongoStep(step=_step(index.collection, index.name, action, reason))


def _step(place: str, name: str, action: Action, reason: str) -> Step:
    return Step(system=MONGODB, place=place, name=name, action=action, reason=reason)
