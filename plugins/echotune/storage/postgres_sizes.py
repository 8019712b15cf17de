"""The sizes of a PostgreSQL server. Reads only, a statement a time, so that any pooler will do."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from echotune.resources import read_sql
from echotune.storage.errors import one_line
from echotune.storage.months import MONTHS_A_YEAR
from echotune.storage.sizes import Measurement, PlaceSize, Plays, Size

PLAYS = "public.listening_history"

Connection = psycopg.Connection[Any]


def measure_postgresql(connection: Connection) -> Measurement:
    """Measure the database, the server's others, and the plays.

    :param connection: in autocommit
    """
    notes: list[str] = []
    with connection.cursor(row_factory=dict_row) as cursor:
        databases = cursor.execute(read_sql("storage/databases.sql")).fetchall()[0]
        tables = cursor.execute(read_sql("storage/tables.sql")).fetchall()
    places = tuple(
        PlaceSize(
            place=row["place"],
            rows=row["rows"],
            size=Size(data=row["total"], disk=row["total"], indexes=row["indexes"]),
        )
        for row in tables
    )
    return Measurement(
        system="postgresql",
        places=places,
        own=Size(data=databases["own"], disk=databases["own"], indexes=sum(place.size.indexes for place in places)),
        others=Size(data=databases["others"], disk=databases["others"]),
        plays=_plays(connection, notes) if any(place.place == PLAYS for place in places) else None,
        notes=tuple(notes),
    )


def _plays(connection: Connection, notes: list[str]) -> Plays | None:
    try:
        with connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(read_sql("storage/plays.sql")).fetchone()
    except psycopg.errors.InsufficientPrivilege as error:
        notes.append(f"the plays cannot be counted: {one_line(error)}")
        return None
    return Plays(place=PLAYS, a_month=found["plays"] / MONTHS_A_YEAR, newest=found["newest"]) if found else None
