"""The page's own sources: what databases say becomes text in it, never markup and never an address."""

from __future__ import annotations

import re

from local.files import PROJECT

SOURCES = sorted((PROJECT / "plugins" / "echotune" / "dashboard" / "page" / "src").rglob("*.ts*"))
MARKUP = re.compile(
    r"dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
)
ADDRESS = re.compile(r"\b(?:href|src|action|formAction)=\{([^}]*)\}")


def test_nothing_is_made_markup_or_code() -> None:
    assert len(SOURCES) > 10
    assert [path.name for path in SOURCES if MARKUP.search(path.read_text(encoding="utf-8"))] == []


def test_every_address_is_one_that_the_server_made() -> None:
    """``run_pages`` quotes each part of it and begins it with a slash."""
    found = {address for path in SOURCES for address in ADDRESS.findall(path.read_text(encoding="utf-8"))}
    assert found == {"run.url", "data.run.url", "task.url"}
