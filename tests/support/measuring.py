"""Measurements made up, and databases with plays to measure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from psycopg import Connection

from echotune.history.store import HistoryStore
from echotune.storage.growth import PastSize
from echotune.storage.sizes import Measurement, PlaceSize, Plays, Size

NOW = datetime(2026, 11, 29, 3, tzinfo=UTC)
MONTH = timedelta(days=30.436875)
MEGABYTE = 1_000_000

FILL = """
with someone as (
    insert into public.users (spotify_user_id, username) values ('anna', 'anna') returning id
)
insert into public.listening_history (id, played_at, user_id, ms_played)
select gen_random_uuid(), %(newest)s - number * interval '1 day', someone.id, 1
from someone, generate_series(0, %(plays)s - 1) as number
"""


def measurement(
    *,
    megabytes: float = 100,
    data_megabytes: float | None = None,
    rows: int | None = 100_000,
    a_month: float = 1_000,
    old: int = 0,
    others: float = 0,
    system: str = "mongodb",
    notes: Sequence[str] = (),
) -> Measurement:
    """A server whose one place has all there is, a tenth of it indexes."""
    disk = round(megabytes * MEGABYTE)
    data = disk if data_megabytes is None else round(data_megabytes * MEGABYTE)
    size = Size(data=data, disk=disk, indexes=disk // 10)
    others_size = round(others * MEGABYTE)
    return Measurement(
        system=system,
        places=(PlaceSize(place="listening_history", rows=rows, size=size),),
        own=size,
        others=Size(data=others_size, disk=others_size),
        plays=Plays(
            place="listening_history",
            a_month=a_month,
            newest=NOW - MONTH,
            old=old,
            old_before=NOW.replace(year=2023),
        ),
        notes=tuple(notes),
    )


def past(*megabytes: float) -> list[PastSize]:
    """What earlier runs measured, one a month, the last a month ago."""
    return [
        PastSize(
            at=NOW - MONTH * (len(megabytes) - number),
            size=Size(data=round(size * MEGABYTE), disk=round(size * MEGABYTE)),
        )
        for number, size in enumerate(megabytes)
    ]


def fill_mongodb(store: HistoryStore, *, plays: int, newest: datetime) -> None:
    """A play a day, the newest then."""
    store.plays.insert_many(
        {"_id": uuid4(), "timestamp": newest - timedelta(days=number), "user": {"username": "anna"}}
        for number in range(plays)
    )


def write_checkpoint(store: HistoryStore) -> None:
    """Let MongoDB write what it writes once a minute by itself; it measures sizes anew as it does."""
    store.database.client.admin.command("fsync")


def fill_postgresql(connection: Connection[Any], *, plays: int, newest: datetime) -> None:
    """A play a day of one user, the newest then."""
    oldest = newest - timedelta(days=plays)
    connection.execute("select echotune.ensure_partitions(%s, %s)", [oldest.year, newest.year])
    connection.execute(FILL, {"plays": plays, "newest": newest})
