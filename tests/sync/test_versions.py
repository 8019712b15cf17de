"""The schema on every version of PostgreSQL that is supported; the other tests use the newest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from echotune.sync.migrations import migrate, read_migrations
from tests.support.relations import SEED
from tests.support.supabase import (
    OLDER_VERSIONS,
    OlderPostgres,
    acting,
    connect,
    fresh_database,
    make_project,
    needs_older_postgres,
)

ANNA = UUID("00000000-0000-0000-0000-00000000000a")


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=needs_older_postgres(name)) for name in OLDER_VERSIONS]
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OlderPostgres]:
    folder: Path = tmp_path_factory.mktemp(f"postgres-{request.param}")
    server = OlderPostgres(folder, request.param)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("is_project", [False, True], ids=["alone", "Supabase"])
def test_an_owner_who_is_no_superuser_makes_the_schema_and_users_see_their_rows(
    server: OlderPostgres, is_project: bool
) -> None:
    with fresh_database(server) as name:
        if is_project:
            make_project(server, name)
        with connect(server.owners_uri(name)) as owner:
            assert migrate(owner).version == len(read_migrations())
            assert migrate(owner).applied == ()
            owner.execute(SEED)
            with owner.transaction():
                owner.execute("set local role echotune_sync")
                assert owner.execute("select echotune.ensure_partitions(2015, 2016)").fetchone() == (2,)
        with connect(server.administrators_uri(name)) as connection, acting(connection, "authenticated", ANNA):
            assert connection.execute("select plays from public.top_tracks where period = 'all'").fetchall() == [(1,)]
            assert connection.execute("select count(*) from public.playlists").fetchone() == (3,)
