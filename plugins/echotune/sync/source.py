"""What the sync reads of MongoDB."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal, cast
from uuid import UUID

from bson import decode_all, json_util
from bson.binary import UuidRepresentation
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.json_util import JSONOptions
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import Nearest, Primary, PrimaryPreferred, Secondary, SecondaryPreferred

from echotune.history.forgotten import ForgottenUsers
from echotune.history.mark_duplicates import MARKED
from echotune.history.store import HistoryStore
from echotune.sync.archived import ArchivedPlays, ArchiveReader
from echotune.sync.columns import Document
from echotune.sync.read_ahead import read_ahead
from echotune.sync.slices import Slice
from echotune.sync.tables import Table
from echotune.sync.values import FIRST_PLAY, PLAYS_END

Months = Mapping[date | None, int]
Stage = Mapping[str, Any]

WHOLE: Final = "whole"
"""A table whole, where a month of it could be asked for. None is what belongs to no month."""

Part = date | None | Literal["whole"]

READ_PREFERENCES = {
    "primary": Primary(),
    "primaryPreferred": PrimaryPreferred(),
    "secondary": Secondary(),
    "secondaryPreferred": SecondaryPreferred(),
    "nearest": Nearest(),
}
OPTIONS: CodecOptions[Document] = CodecOptions(
    uuid_representation=UuidRepresentation.STANDARD,
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)
JSON = JSONOptions(
    uuid_representation=UuidRepresentation.STANDARD,
    tz_aware=True,
    tzinfo=UTC,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)

CHANGED = (("updated_at", 1), ("_id", 1))
NEWEST = (("timestamp", -1),)

DOCUMENTS_A_MESSAGE = 5_000
FEW_CHANGES = 100_000
"""Up to so many changed plays, slices are read by what changed; above, by their months: no play is passed twice."""

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
"""Sums of times count from here: they stay whole numbers of 64 bits."""

HAS_MONTH = {"$and": [{"$gte": ["$timestamp", FIRST_PLAY]}, {"$lt": ["$timestamp", PLAYS_END]}]}
MONTH = {"$cond": [HAS_MONTH, {"$dateTrunc": {"date": "$timestamp", "unit": "month"}}, None]}


class Order(StrEnum):
    """What the documents of a slice are read by."""

    CHANGE = "updated_at"
    """And then by ``_id``: where few of many changed."""

    TIME = "timestamp"
    """Of plays: whole months, which an index gives in this order without sorting."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """How far a slice is read: where in its order its last document is that is written."""

    order: Order
    value: Any
    id: Any

    @classmethod
    def of(cls, document: Document, order: Order) -> Position:
        """The place of a document."""
        value = document["cells"][0] if order is Order.TIME else document.get("updated_at")
        return cls(order=order, value=value, id=document["_id"])

    @classmethod
    def read(cls, written: str) -> Position:
        """Read what :meth:`__str__` wrote."""
        found = json_util.loads(written, json_options=JSON)
        return cls(order=Order(found["order"]), value=found["value"], id=found["id"])

    def __str__(self) -> str:
        return json_util.dumps(asdict(self), json_options=JSON)


class SyncSource:
    """The collections of a history, read with the settings of a sync.

    A date that Python cannot hold and text that is not UTF-8 stop nothing: the one comes as a value that is unfit, the
    other mended.

    :param read_preference: as MongoDB names them; a secondary that lags behind is caught up with by later runs
    :param archive: what reads the files of archived plays, where their rows have to be written
    """

    def __init__(
        self, store: HistoryStore, *, read_preference: str = "primary", archive: ArchiveReader | None = None
    ) -> None:
        self._database = store.database.with_options(
            codec_options=OPTIONS,
            read_preference=READ_PREFERENCES[read_preference],
            read_concern=ReadConcern("majority"),
        )
        self._store = store
        self._archive = archive
        self._plays = store.plays.name
        self._hints: dict[str, list[Any]] = {}

    def on_primary(self) -> SyncSource:
        """The same collections where nothing is behind: what is not there is gone."""
        return SyncSource(self._store, archive=self._archive)

    def archived(self, table: Table, part: Part = WHOLE) -> ArchivedPlays | None:
        """The archived plays of a part; None where a table or part has none by its nature."""
        if not table.by_month or part is None:
            return None
        start, end = (FIRST_PLAY, PLAYS_END) if part == WHOLE else (_start(part), _end(part))
        return ArchivedPlays(database=self._database, reader=self._archive, start=start, end=end)

    def forgotten_users(self) -> ForgottenUsers:
        """Users who are forgotten from now on."""
        return ForgottenUsers.of(self._store)

    def server_time(self) -> datetime:
        """The time of the server, which is also the one that writes most of the times of change."""
        found: datetime = self._database.command("hello", codec_options=OPTIONS)["localTime"]
        return found

    def changed_by_month(self, table: Table, since: datetime | None) -> Months:
        """Count the documents changed since then, or all, by month; those of a table without months under None."""
        collection = self._collection(table)
        changed = _changed_since(since)
        if not table.by_month:
            count = collection.count_documents(changed, **self._hint(table, CHANGED))
            return {None: count} if count else {}
        hint = self._hint(table, CHANGED if changed else NEWEST)
        pipeline = [{"$match": changed}, {"$group": {"_id": MONTH, "documents": {"$sum": 1}}}]
        return {_month(group["_id"]): group["documents"] for group in collection.aggregate(pipeline, **hint)}

    def has_changed(self, table: Table, since: datetime) -> bool:
        """Whether any document changed since then."""
        return bool(
            self._collection(table).count_documents(_changed_since(since), limit=1, **self._hint(table, CHANGED))
        )

    def user_names(self) -> Iterator[Any]:
        """Every user name in the plays."""
        return (document["_id"] for document in self._users(None))

    def order(self, table: Table, slice_: Slice) -> Order:
        """What a slice is best read by: what changed, or where that is much, its months from end to end."""
        if not table.by_month or slice_.without_month:
            return Order.CHANGE
        if slice_.since is None:
            return Order.TIME
        hint = self._hint(table, CHANGED)
        changed = self._collection(table).count_documents(_changed_since(slice_.since), limit=FEW_CHANGES + 1, **hint)
        return Order.TIME if changed > FEW_CHANGES else Order.CHANGE

    def documents(
        self, table: Table, slice_: Slice, order: Order, position: Position | None = None
    ) -> Iterator[Document]:
        """The documents of a slice in an order, from a position on; plays of the very same time come once more."""
        if table.collection == "users":
            return self._users(position)
        pipeline: list[Stage] = [{"$match": _changed_since(slice_.since) | _of_months(slice_)}]
        if order is Order.TIME:
            start = [{"$match": {"timestamp": {"$gte": position.value}}}] if position else []
            ordered = {"$sort": {"timestamp": 1}}
            shaped = {"$project": _without_time_of_change(table)}
            return self._read(table, [*pipeline, *start, ordered, shaped], NEWEST)
        pipeline += [*_after(position), {"$sort": dict(CHANGED)}, {"$project": table.projection}]
        return self._read(table, pipeline, CHANGED)

    def all_documents(self, table: Table, part: Part = WHOLE) -> Iterator[Document]:
        """The documents of a table, of one month of it, or those that belong to no month, in any order."""
        if table.collection == "users":
            return self._users(None)
        match = {} if part == WHOLE or not table.by_month else _of_month(part)
        return self._read(
            table, [{"$match": match}, {"$project": _without_time_of_change(table)}], NEWEST if match else ()
        )

    def duplicates(self, table: Table, month: date | None) -> list[UUID]:
        """The ids of a month's plays that are marked as the same as another, or of those that belong to no month."""
        marked = self._collection(table).find(MARKED | _of_month(month), {"_id": 1})
        return [play["_id"] for play in marked if isinstance(play["_id"], UUID)]

    def window_fingerprint(self, table: Table, start: datetime, end: datetime) -> tuple[int, int]:
        """Count the documents changed between two times, and tell them from any others: by _id and time of change."""
        collection = self._collection(table)
        between = {"updated_at": {"$gte": start, "$lte": end}}
        documents = collection.count_documents(between, **self._hint(table, CHANGED))
        digest = hashlib.sha256()
        if documents:
            fields = {"updated_at": 1, "_id": 1}
            found = collection.find_raw_batches(between, fields, sort=CHANGED, batch_size=DOCUMENTS_A_MESSAGE)
            for batch in found:
                # The driver's types say documents where these are their bytes.
                digest.update(cast(bytes, batch))
        return documents, int.from_bytes(digest.digest()[:8])

    def revisions(self, table: Table) -> Mapping[date | None, str]:
        """What MongoDB says cheaply of each month, or of a table without months: other once a document changed."""
        group = {
            "_id": MONTH if table.by_month else None,
            "documents": {"$sum": 1},
            "updated": _sum_of_times("$updated_at"),
            "latest": {"$max": "$updated_at"},
        }
        if table.by_month:
            group |= {"played": _sum_of_times("$timestamp"), "ms_played": {"$sum": "$listening.ms_played"}}
        found = self._collection(table).aggregate([{"$group": group}], allowDiskUse=True)
        revisions = {_month(month.pop("_id")): json_util.dumps(month, json_options=JSON) for month in found}
        archived = self.archived(table)
        for month, totals in (archived.totals() if archived else {}).items():
            revisions[month] = f"{revisions.get(month, '')} archived {totals.rows} {totals.checksum}"
        return revisions

    def _read(self, table: Table, pipeline: Sequence[Stage], index: Sequence[tuple[str, int]]) -> Iterator[Document]:
        hint = self._hint(table, index)
        collection = self._collection(table)
        messages = collection.aggregate_raw_batches(pipeline, batchSize=DOCUMENTS_A_MESSAGE, allowDiskUse=True, **hint)
        # The server makes a message only when it is asked for it: meanwhile the last one is decoded.
        for message in read_ahead(messages):
            # The driver's types say documents where these are their bytes.
            yield from decode_all(cast(bytes, message), OPTIONS)

    def _collection(self, table: Table) -> Collection[Document]:
        return self._database[self._plays if table.collection in ("plays", "users") else table.collection]

    def _users(self, position: Position | None) -> Iterator[Document]:
        """The user names of the plays, each a document with nothing but its ``_id``."""
        plays = self._database[self._plays]
        # A group alone lets the server skip from name to name in the index.
        pipeline: list[Stage] = [{"$group": {"_id": "$user.username"}}, {"$match": {"_id": {"$ne": None}}}]
        return plays.aggregate([*pipeline, {"$sort": {"_id": 1}}, *_after(position)], allowDiskUse=True)

    def _hint(self, table: Table, keys: Sequence[tuple[str, int]]) -> dict[str, Any]:
        """Name an index to the server where it has it: it would otherwise try plans on documents first."""
        collection = self._collection(table)
        if collection.name not in self._hints:
            self._hints[collection.name] = [index["key"] for index in collection.index_information().values()]
        return {"hint": dict(keys)} if list(keys) in self._hints[collection.name] else {}


def _changed_since(since: datetime | None) -> dict[str, Any]:
    """Documents that are not surely older: one without a time of change is always among them."""
    return {} if since is None else {"updated_at": {"$not": {"$lt": since}}}


def _without_time_of_change(table: Table) -> dict[str, Any]:
    """The projection where no order needs it: dates are costly to read."""
    return {name: shown for name, shown in table.projection.items() if name != "updated_at"}


def _of_months(slice_: Slice) -> dict[str, Any]:
    if slice_.without_month:
        return _of_month(None)
    if slice_.first_month is None or slice_.last_month is None:
        return {}
    return _between(_start(slice_.first_month), _end(slice_.last_month))


def _of_month(month: date | None) -> dict[str, Any]:
    if month is None:
        return {"$expr": {"$not": [HAS_MONTH]}}
    return _between(_start(month), _end(month))


def _between(start: datetime, end: datetime) -> dict[str, Any]:
    # A list of times would match by its parts; it is no time, so its play belongs to no month.
    return {"timestamp": {"$gte": start, "$lt": end, "$not": {"$type": "array"}}}


def _after(position: Position | None) -> list[Stage]:
    """What follows a position, whatever type its values have: an expression compares any two."""
    if position is None:
        return []
    place: Any = [{"$ifNull": ["$updated_at", None]}, "$_id"]
    here: Any = {"$literal": [position.value, position.id]}
    return [{"$match": {"$expr": {"$gt": [place, here]}}}]


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def _end(month: date) -> datetime:
    return (_start(month) + timedelta(days=32)).replace(day=1)


def _month(start: datetime | None) -> date | None:
    return start.date() if start else None


def _sum_of_times(path: str) -> dict[str, Any]:
    """The sum of dates; what is no date counts nothing."""
    is_date = {"$eq": [{"$type": path}, "date"]}
    return {"$sum": {"$cond": [is_date, {"$subtract": [path, BEGINNING]}, 0]}}
