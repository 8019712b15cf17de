"""PostgreSQL's indexes rebuilt while plays are written and read: what the writer and the reader notice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import psycopg

from benchmarks.traffic import PAUSE_SECONDS, Traffic, timed, told, traffic_of, write_plays
from echotune.indexes.postgres_maintenance import maintain_postgresql
from echotune.indexes.settings import MaintenanceSettings
from echotune.indexes.steps import Action, Outcome

SPOILED = ("listening_history_newest", "listening_history_track_id")
WRITE = b"""
insert into listening_history (id, played_at, user_id, ms_played)
select unnest(%(ids)s::uuid[]), now(), (select id from users limit 1), 7
"""
READ = b"select count(*) from listening_history where month = date_trunc('month', now())::date"
FOUND = b"select count(*) from listening_history where id = any(%(ids)s)"


@contextmanager
def traffic(uri: str) -> Iterator[Traffic]:
    """Insert plays and count a month's all the time, each over its own connection."""
    with psycopg.connect(uri, autocommit=True) as writer, psycopg.connect(uri, autocommit=True) as reader:

        def insert(ids: Sequence[UUID]) -> None:
            writer.execute(WRITE, {"ids": list(ids)})

        def write(noticed: Traffic, end: threading.Event) -> None:
            write_plays(noticed, end, insert, psycopg.Error)

        def read(noticed: Traffic, end: threading.Event) -> None:
            while not end.wait(PAUSE_SECONDS):
                timed(noticed.reads, noticed.failures, lambda: reader.execute(READ).fetchall(), psycopg.Error)

        with traffic_of(write, read) as noticed:
            yield noticed


def rebuild_under_traffic(uri: str) -> dict[str, float]:
    """Give two indexes another form and maintain them under traffic. Returns seconds and counts by name.

    :raises RuntimeError: the maintenance did not do what it should
    """
    with psycopg.connect(uri, autocommit=True, prepare_threshold=None) as connection:
        for name in SPOILED:
            connection.execute(f"drop index public.{name}".encode())
            connection.execute(f"create index {name} on public.listening_history (ms_played)".encode())
        with traffic(uri) as noticed:
            started = time.perf_counter()
            results = maintain_postgresql(connection, MaintenanceSettings())
            seconds = time.perf_counter() - started
        made = [one for one in results if one.step.action is Action.REBUILD]
        if len(made) != len(SPOILED) or any(one.outcome is not Outcome.DONE for one in made):
            raise RuntimeError(f"not all was rebuilt: {made}")
        row = connection.execute(FOUND, {"ids": noticed.written}).fetchone()
    return told("postgresql", noticed, seconds, row[0] if row else 0)
