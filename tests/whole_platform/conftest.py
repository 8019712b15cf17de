"""A stack over which all DAGs have run, and a real headless Chromium that is signed in to its Airflow."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright
from pymongo import MongoClient

from echotune.names import NOTIFICATIONS_CONNECTION
from local import ports
from local.airflow_api import AirflowApi
from local.dag_runs import Run
from local.sample import write_sample
from local.servers.base import new_password
from local.stack import Stack
from tests.support.dag_runs import run_alone
from tests.support.databases import dags_store
from tests.support.secret_search import command_lines, secrets_of
from tests.support.supabase import EMPTY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROWS, BAD_ROWS = 1_000, 12
PATIENCE = 60_000
"""Milliseconds that Playwright waits for what should come."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """All DAGs have run over a small history, and one of them failed.

    :param secrets: what must be nowhere, by name
    :param commands: the command lines of every process that was there meanwhile
    """

    secrets: dict[str, str]
    runs: list[Run]
    states: list[str]
    commands: dict[str, str]


@pytest.fixture(scope="session")
def planted(api: AirflowApi) -> Iterator[dict[str, str]]:
    """A connection for notices with secrets, to a webhook that is away: each notice is refused, and that is logged."""
    secrets = {"notifications_password": new_password(), "notifications_header": new_password()}
    host = f"http://127.0.0.1:{ports.free_port()}"
    extra = f'{{"headers": {{"Authorization": "{secrets["notifications_header"]}"}}}}'
    body = {"conn_type": "http", "host": host, "password": secrets["notifications_password"], "extra": extra}
    api.post("connections", {"connection_id": NOTIFICATIONS_CONNECTION, **body})
    yield secrets
    api.delete(f"connections/{NOTIFICATIONS_CONNECTION}")


@pytest.fixture(scope="session")
def history_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.csv"
    write_sample(path, rows=ROWS, bad_rows=BAD_ROWS)
    return path


@pytest.fixture(scope="session")
def story(
    stack: Stack,
    api: AirflowApi,
    mongodb_client: MongoClient[dict[str, Any]],
    planted: dict[str, str],
    history_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    archive = str(tmp_path_factory.mktemp("archive"))
    chain: list[tuple[str, dict[str, Any]]] = [
        ("csv_backfill", {"source": str(history_file), "pii_policy": "hash"}),
        ("csv_backfill", {"source": str(history_file.with_name("nowhere.csv"))}),
        ("spotify_enrichment", {"calls_per_30s": 10_000, "calls_per_24h": 100_000}),
        ("mongo_to_supabase_sync", {}),
        ("recently_played", {}),
        ("index_maintenance", {"mongodb_plan": "atlas-m0"}),
        ("history_archive", {"target": archive, "older_than_years": 1}),
        ("history_restore", {}),
        ("connection_check", {}),
    ]
    with dags_store(mongodb_client), psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as supabase:
        supabase.execute(EMPTY)
        with command_lines() as commands:
            ended = [run_alone(api, dag, **conf) for dag, conf in chain]
        yield Story(
            secrets={**secrets_of(stack), **planted},
            runs=[run for _, run in ended],
            states=[state for state, _ in ended],
            commands=commands,
        )
        supabase.execute(EMPTY)


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[AirflowApi]:
    with stack.api() as client:
        yield client


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not there: local/install-test-parts installs it")
    with sync_playwright() as playwright:
        # As root there is no sandbox, and everything it opens is of this machine.
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=stack.airflow.url, viewport={"width": 1440, "height": 1000})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def session(browser: Browser, stack: Stack) -> StorageState:
    """What a browser keeps after signing in: once for all tests."""
    opened = browser.new_context(base_url=stack.airflow.url)
    page = opened.new_page()
    page.goto("/echotune/")
    sign_in(page, stack)
    page.wait_for_url("**/echotune/")
    state = opened.storage_state()
    opened.close()
    return state


@pytest.fixture
def page(browser: Browser, stack: Stack, session: StorageState) -> Iterator[Page]:
    """The page, signed in."""
    opened = browser.new_context(
        base_url=stack.airflow.url, viewport={"width": 1440, "height": 1000}, storage_state=session
    )
    opened.set_default_timeout(PATIENCE)
    page = opened.new_page()
    page.goto("/echotune/")
    yield page
    opened.close()


def sign_in(page: Page, stack: Stack) -> None:
    """Fill Airflow's form."""
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", stack.secrets.airflow_admin)
    page.click("button[type=submit]")
