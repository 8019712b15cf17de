"""What a run has to copy: found out once, recorded, cut into slices."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from math import ceil
from typing import Any

from psycopg import Connection

from echotune.resources import read_sql
from echotune.sync.runs import record_slices
from echotune.sync.settings import SyncSettings
from echotune.sync.slices import Slice, Window
from echotune.sync.source import SyncSource
from echotune.sync.tables import Table, table_named
from echotune.sync.transaction import sync_transaction
from echotune.sync.watermarks import Watermark, move_watermark, read_watermarks

log = logging.getLogger(__name__)

NAMES_A_QUESTION = 10_000


@dataclass(frozen=True, kw_only=True)
class TablePlan:
    """What a run has to do for a table.

    :param slices: what to copy; none where nothing changed
    :param window: the changes before the run, where it is known without copying that the table is finished up to then
    """

    table: Table
    slices: Sequence[Slice] = ()
    window: Window | None = None


@dataclass(frozen=True, kw_only=True)
class MonthChanges:
    """Documents of a month that changed since then."""

    month: date
    since: datetime | None
    documents: int


@dataclass(kw_only=True)
class Planner:
    """Finds out what changed, for one run.

    :param through: MongoDB's time at its beginning
    """

    source: SyncSource
    settings: SyncSettings
    through: datetime
    windows: dict[tuple[str, datetime, datetime], Window] = field(default_factory=dict)

    def plan(self, table: Table, watermark: Watermark) -> TablePlan:
        """Return what changed in a table since its watermark, or as the settings say."""
        if self.settings.since:
            return self._changes(table, self.settings.since, Watermark(), moves_watermark=False)
        if self.settings.full_refresh or (watermark.through is None and not watermark.months):
            return self._changes(table, None, Watermark())
        since = self._since(table, watermark)
        if since is not None and not self.source.has_changed(table, since):
            is_finished = since == watermark.through and not watermark.months
            return TablePlan(table=table, window=None if is_finished else self._window_before(table, self.through))
        return self._changes(table, since, watermark)

    def _since(self, table: Table, watermark: Watermark) -> datetime | None:
        """The watermark, or what lies before it where a document was written there late."""
        window = watermark.window
        if watermark.through is None or window is None:
            return watermark.through
        return watermark.through if self._window(table, window.start, watermark.through) == window else window.start

    def _changes(
        self, table: Table, since: datetime | None, watermark: Watermark, *, moves_watermark: bool = True
    ) -> TablePlan:
        # Before anything is counted: what is written after this look makes the next run look again.
        window = self._window_before(table, self.through) if moves_watermark else None
        whole = Slice(
            number=0,
            table=table.name,
            since=since,
            through=self.through,
            moves_watermark=moves_watermark,
            window=window,
        )
        found = dict(self.source.changed_by_month(table, since))
        slices = []
        if found.pop(None, 0):
            slices.append(replace(whole, without_month=table.by_month))
        changes = [
            MonthChanges(month=month, since=since, documents=documents)
            for month, documents in found.items()
            if month and month not in watermark.months
        ]
        changes += self._ahead(table, since, watermark)
        slices += [
            replace(whole, since=part[0].since, first_month=part[0].month, last_month=part[-1].month)
            for part in cut_months(changes, self.settings.plays_a_slice)
        ]
        return TablePlan(table=table, slices=slices, window=window)

    def _ahead(self, table: Table, since: datetime | None, watermark: Watermark) -> Iterator[MonthChanges]:
        """Changes of the months that an unfinished run brought further than their table."""
        for through in sorted(set(watermark.months.values())):
            start = max(through - self._safety_window, since) if since else through - self._safety_window
            found = self.source.changed_by_month(table, start)
            for month in (month for month, until in watermark.months.items() if until == through):
                if found.get(month):
                    yield MonthChanges(month=month, since=start, documents=found[month])

    @property
    def _safety_window(self) -> timedelta:
        return timedelta(minutes=self.settings.safety_window_minutes)

    def _window_before(self, table: Table, end: datetime) -> Window:
        return self._window(table, end - self._safety_window, end)

    def _window(self, table: Table, start: datetime, end: datetime) -> Window:
        """The changes between two times; tables of one collection share the look."""
        looked_at = (table.collection, start, end)
        if looked_at not in self.windows:
            documents, fingerprint = self.source.window_fingerprint(table, start, end)
            self.windows[looked_at] = Window(start=start, documents=documents, fingerprint=fingerprint)
        return self.windows[looked_at]


def plan_sync(connection: Connection[Any], source: SyncSource, run_id: str, settings: SyncSettings) -> list[Slice]:
    """Find out what a run has to copy, and record it; the run is recorded already."""
    with sync_transaction(connection):
        watermarks = read_watermarks(connection)
    planner = Planner(source=source, settings=settings, through=source.server_time())
    plans = (
        [] if settings.verify_only else [_plan_table(connection, planner, name, watermarks) for name in settings.tables]
    )
    found = [slice_ for plan in plans for slice_ in plan.slices]
    slices = [replace(slice_, number=number) for number, slice_ in enumerate(found)]
    with sync_transaction(connection):
        record_slices(connection, run_id, slices)
        for plan in plans:
            if plan.window and not plan.slices:
                move_watermark(connection, plan.table.name, planner.through, plan.window)
    log.info("%d slices: %s", len(slices), ", ".join(map(str, slices)) or "nothing changed")
    return slices


def _plan_table(
    connection: Connection[Any], planner: Planner, name: str, watermarks: dict[str, Watermark]
) -> TablePlan:
    table = table_named(name)
    if table.collection == "users":
        return _plan_users(connection, planner, table)
    return planner.plan(table, watermarks.get(name, Watermark()))


def _plan_users(connection: Connection[Any], planner: Planner, table: Table) -> TablePlan:
    """User names have no time of change: there are so few that all are looked up."""
    names = planner.source.user_names()
    while chunk := list(islice(names, NAMES_A_QUESTION)):
        if _has_unknown(connection, chunk):
            slice_ = Slice(number=0, table=table.name, since=None, through=planner.through, moves_watermark=False)
            return TablePlan(table=table, slices=[slice_])
    return TablePlan(table=table)


def _has_unknown(connection: Connection[Any], names: Sequence[Any]) -> bool:
    if any(type(name) is not str or "\0" in name for name in names):
        return True
    with sync_transaction(connection):
        row = connection.execute(read_sql("sync/unknown_users.sql"), {"names": list(names)}).fetchone()
    return bool(row and row[0])


def cut_months(changes: Iterable[MonthChanges], most: int) -> Iterator[list[MonthChanges]]:
    """Cut months into runs of neighbours, all read since the same time, of at most so many documents or one month.

    They are as even as their months allow: a small last one would keep one task busy while all others are done.
    """
    in_order = sorted(changes, key=lambda each: each.month)
    for _, neighbours in groupby(in_order, key=lambda each: each.since):
        yield from _cut_evenly(list(neighbours), most)


def _cut_evenly(changes: Sequence[MonthChanges], most: int) -> Iterator[list[MonthChanges]]:
    left = sum(change.documents for change in changes)
    part: list[MonthChanges] = []
    documents = 0
    for change in changes:
        share = left / ceil(left / most)
        if part and (documents + change.documents > most or documents + change.documents / 2 > share):
            yield part
            left -= documents
            part, documents = [], 0
        part.append(change)
        documents += change.documents
    yield part
