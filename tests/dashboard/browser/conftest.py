"""A real headless Chromium, signed in to the stack's Airflow by its own form."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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


@pytest.fixture
def page(context: BrowserContext, stack: Stack) -> Page:
    """The page, after signing in."""
    opened = context.new_page()
    opened.goto("/echotune/")
    sign_in(opened, stack)
    opened.wait_for_url("**/echotune/")
    return opened


def sign_in(page: Page, stack: Stack) -> None:
    """Fill Airflow's form."""
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", stack.secrets.airflow_admin)
    page.click("button[type=submit]")
