"""What Supabase's lints (splinter) say of the schema, and what squawk says of the locks that migrations take."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import sql

from echotune.resources import INCLUDE, PROJECT
from echotune.sync.migrations import MIGRATIONS, migrate
from local.files import STATE
from local.servers.base import scripts_folder
from tests.support.supabase import OwnedPostgres, connect, fresh_database, make_project

LINTER = PROJECT / "local" / "bin" / "postgres-language-server"
INSTALLED = STATE / "node" / "postgres-language-server" / "version"

ACCEPTED = {
    # Their key has a month that may be null, which a primary key may not hold: unique nulls not distinct is the key.
    "performance/noPrimaryKey echotune.watermarks",
    "performance/noPrimaryKey echotune.reconciliations",
}
"""Every remark on the schema that stays, by lint and table."""

ACCEPTED_EVERYWHERE = {
    # It says that an index was not used yet, which nothing was in a new database. Indexes serve foreign keys, policies
    # and views: tests/sync/test_views.py.
    "performance/unusedIndex",
}
"""Lints that say nothing of a new database."""

needs_linter = pytest.mark.skipif(
    not INSTALLED.exists() and not os.environ.get("CI"),
    reason="Supabase's lints are not there: local/install-test-parts gets them",
)


@pytest.fixture
def project(postgres_server: OwnedPostgres) -> Iterator[str]:
    """The superuser's address of a migrated Supabase project whose API serves the schema public."""
    with fresh_database(postgres_server) as name:
        make_project(postgres_server, name)
        with connect(postgres_server.owners_uri(name)) as owner:
            migrate(owner)
        uri = postgres_server.administrators_uri(name)
        with connect(uri) as administrator:
            setting = sql.SQL("alter database {} set pgrst.db_schemas = 'public'")
            administrator.execute(setting.format(sql.Identifier(name)))
        yield uri


def remarks_on(uri: str) -> list[dict[str, Any]]:
    """What splinter says, errors first."""
    command = [str(LINTER), "dblint", "--reporter=json", "--max-diagnostics=none"]
    environment = {**os.environ, "DATABASE_URL": uri}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert answer.stdout.startswith("{"), answer.stderr
    found: list[dict[str, Any]] = json.loads(answer.stdout)["diagnostics"]
    return found


def name_of(remark: dict[str, Any]) -> str:
    """The lint and the first table, view or function that it names, as in ACCEPTED."""
    names = remark["message"].replace("\\`", "`").split("`")
    return f"{remark['category'].removeprefix('splinter/')} {names[1] if len(names) > 1 else remark['message']}"


@needs_linter
def test_supabase_finds_no_error_no_warning_and_no_remark_but_these(project: str) -> None:
    found = remarks_on(project)
    assert [remark for remark in found if remark["severity"] != "info"] == []
    names = {
        name_of(remark) for remark in found if remark["category"].removeprefix("splinter/") not in ACCEPTED_EVERYWHERE
    }
    assert names == ACCEPTED


@needs_linter
@pytest.mark.parametrize(
    ("mistake", "lint"),
    [
        ("create table public.mistake (id bigint primary key)", "security/rlsDisabledInPublic"),
        ("alter view public.top_tracks set (security_invoker = false)", "security/securityDefinerView"),
        (
            "create policy mistake on public.users for select to authenticated using (auth_user_id = auth.uid())",
            "performance/authRlsInitplan",
        ),
        (
            "create policy mistake on public.playlists for select to authenticated using (true)",
            "performance/multiplePermissivePolicies",
        ),
    ],
    ids=["table without row level security", "view with its owner's rights", "uid for each row", "two policies"],
)
def test_a_mistake_would_be_found(project: str, mistake: str, lint: str) -> None:
    with connect(project) as administrator:
        administrator.execute(mistake.encode())
        administrator.execute("grant select on all tables in schema public to anon")
    found = {remark["category"].removeprefix("splinter/") for remark in remarks_on(project)}
    assert lint in found


def test_squawk_finds_no_lock_that_would_stop_an_application() -> None:
    """Its settings, and why some rules are left out, are in .squawk.toml."""
    files = [*MIGRATIONS.glob("*.sql"), INCLUDE / "sql" / "bootstrap" / "roles.sql"]
    command = [str(scripts_folder() / "squawk"), "--reporter", "gcc", *map(str, sorted(files))]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert (answer.returncode, answer.stdout) == (0, "")
