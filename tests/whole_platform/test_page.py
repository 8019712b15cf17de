"""The page as a person meets it: sign-in, Airflow's frame, every panel, a database that is down, no barrier."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, StorageState, expect, sync_playwright

from local.dag_runs import Run
from local.files import STATE
from local.stack import Stack
from tests.whole_platform.conftest import Story

pytestmark = pytest.mark.timeout(900)

PANELS = ("flow", "listening", "top", "sync", "features", "enrichment", "maintenance", "rejected")
AXE = STATE / "node" / "page" / "dashboard" / "page" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60_000
"""Milliseconds that Playwright waits for what should come."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not there: local/install-test-parts installs it")
    expect.set_options(timeout=PATIENCE)
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


def wait_for_panels(page: Page) -> None:
    """Wait until every panel has its answer."""
    for name in PANELS:
        expect(panel(page, name)).to_have_attribute("data-state", "ok")


def sign_in(page: Page, stack: Stack) -> None:
    """Fill Airflow's form."""
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", stack.secrets.airflow_admin)
    page.click("button[type=submit]")


@pytest.fixture
def loaded(story: Story) -> Run:
    """The run that loaded the history."""
    return story.runs[0]


def panel(page: Page, name: str) -> Any:
    return page.locator(f"section#{name}")


def test_without_a_session_there_is_no_page_and_no_number(stack: Stack, context: BrowserContext) -> None:
    opened = context.new_page()
    opened.goto("/echotune/")
    assert "/auth/login" in opened.url
    for name in (*PANELS, "runs/csv_backfill/any"):
        assert httpx.get(f"{stack.airflow.url}/echotune/api/{name}").status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.usefixtures("story")
def test_airflow_has_it_in_its_navigation_and_frame(stack: Stack, context: BrowserContext) -> None:
    opened = context.new_page()
    opened.goto("/")
    sign_in(opened, stack)
    opened.get_by_role("link", name="EchoTune").click()
    frame = opened.frame_locator("iframe[title=EchoTune]")
    expect(frame.locator("section#flow")).to_have_attribute("data-state", "ok")
    frame.locator("section#flow a").first.click()
    opened.wait_for_url("**/dags/csv_backfill/runs/**")


@pytest.mark.usefixtures("story")
def test_every_panel_has_its_numbers(page: Page) -> None:
    shown = {
        "flow": "Supabase", "listening": "plays of", "top": "Artists", "sync": "listening history",
        "features": "Danceability", "enrichment": "Audio features of tracks", "maintenance": "as declared",
        "rejected": "history.csv, row",
    }  # fmt: skip
    for name in PANELS:
        expect(panel(page, name)).to_have_attribute("data-state", "ok")
        expect(panel(page, name)).to_contain_text(shown[name])


@pytest.mark.usefixtures("story")
def test_what_is_no_text_in_an_answer_does_not_become_part_of_the_page(page: Page) -> None:
    """As where somebody wrote an object into a database that the page takes for a text (CVE-2026-22028)."""
    element = {"type": "b", "props": {"id": "injected"}, "constructor": None, "__v": 1}

    def answer(route: Route) -> None:
        told = route.fetch().json()
        told["data"]["rows"][0]["reason"] = element
        route.fulfill(json=told)

    page.route("**/echotune/api/rejected*", answer)
    page.reload()
    expect(panel(page, "rejected")).to_contain_text("history.csv, row")
    expect(page.locator("#injected")).to_have_count(0)


@pytest.mark.usefixtures("story")
def test_hovering_a_plot_shows_its_numbers(page: Page) -> None:
    chart = panel(page, "listening").locator(".chart").first
    expect(chart.locator("svg rect").first).to_be_attached()
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(chart.locator("[aria-label=tip]")).to_contain_text("Plays")


def test_a_runs_summary_has_a_view_of_its_own(page: Page, loaded: Run) -> None:
    page.goto(f"/plugin/echotune/echotune/#/runs/{loaded.dag}/{quote(loaded.run, safe='')}")
    frame = page.frame_locator("iframe[title=EchoTune]")
    expect(frame.locator("section#run pre.summary").first).to_contain_text("new plays from")
    expect(frame.locator("section#run")).to_contain_text("12 rows")


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    wait_for_panels(page)
    # Added by the debugger, which no policy of the page stops.
    page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in SERIOUS] == []


@pytest.mark.usefixtures("story")
def test_nothing_is_wider_than_the_window(page: Page) -> None:
    wait_for_panels(page)
    for width in (360, 768, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.usefixtures("story")
def test_every_control_is_reached_by_keyboard(page: Page) -> None:
    wait_for_panels(page)
    page.keyboard.press("Tab")
    reached = set()
    for _ in range(200):
        reached.add(page.evaluate("document.activeElement.closest('section')?.id"))
        page.keyboard.press("Tab")
    assert reached >= {"flow", "listening", "sync", "features", "enrichment", "maintenance", "rejected"}


@pytest.mark.usefixtures("story")
def test_nothing_is_asked_of_another_host(page: Page, stack: Stack) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
    page.reload()
    wait_for_panels(page)
    assert set(asked) - {""} == {urlsplit(stack.airflow.url).netloc}


def _reload_until_unavailable(page: Page, name: str) -> None:
    """An answer that took seconds to find is shown for ten times as many."""
    deadline = time.monotonic() + PATIENCE / 1_000
    while panel(page, name).get_attribute("data-state") != "unavailable":
        assert time.monotonic() < deadline, f"{name} shows nothing of it in {PATIENCE / 1_000:.0f} s"
        page.wait_for_timeout(3_000)
        page.reload()
        expect(panel(page, name)).not_to_have_attribute("data-state", "loading")


@pytest.mark.usefixtures("story")
def test_a_database_that_stops_shows_as_that_and_the_rest_lives(page: Page, stack: Stack) -> None:
    expect(panel(page, "listening")).to_have_attribute("data-state", "ok")
    stack.mongodb.stop()
    try:
        _reload_until_unavailable(page, "listening")
        expect(panel(page, "listening")).to_contain_text("MONGODB_URI")
        expect(panel(page, "sync")).to_have_attribute("data-state", "ok")
        plays = page.locator("[data-step=plays]")
        expect(plays).to_have_attribute("data-state", "unavailable")
        expect(page.locator("[data-step=supabase]")).not_to_have_attribute("data-state", "unavailable")
    finally:
        stack.mongodb.start()


def test_only_reading_is_possible(stack: Stack) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = httpx.request(method, f"{stack.airflow.url}/echotune/api/flow")
        assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
