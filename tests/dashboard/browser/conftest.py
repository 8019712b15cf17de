"""A real headless Chromium, signed in to the stack's Airflow by its own form."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from local.stack import Stack

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60_000
"""Milliseconds that Playwright waits for what should come."""


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
