"""The README and its pages: what they name is there, and what a user sets is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from dotenv import dotenv_values

from echotune.resources import PROJECT
from echotune.sync.tables import TABLE_NAMES

README = PROJECT / "README.md"
DAG_FILES = sorted((PROJECT / "dags").glob("*.py"))
PAGES = (README, PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md")))
CODE = re.compile(r"`((?:plugins|include|local|tests|dags|docs)/[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)[^)]*\)")
TARGET = re.compile(r"^    make ([a-z]+)|`make ([a-z]+)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_every_parameter_of_every_dag() -> None:
    rows = {
        row.split("|")[1].strip(): row
        for row in README.read_text(encoding="utf-8").splitlines()
        if row.startswith("| ") and "`" in row
    }
    bag = DagBag(PROJECT / "dags")
    missing = [
        f"{dag_id}.{name}" for dag_id, dag in bag.dags.items() for name in dag.params if f"`{name}`" not in rows[dag_id]
    ]
    assert missing == []


def test_the_readme_has_a_row_in_both_tables_for_every_dag() -> None:
    text = README.read_text(encoding="utf-8")
    rows = {dag.stem: re.findall(rf"^\| \[?{dag.stem}(?:\]| \|)", text, re.MULTILINE) for dag in DAG_FILES}
    assert [dag_id for dag_id, found in rows.items() if len(found) != 2] == []


def test_the_readme_names_every_setting() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in dotenv_values(PROJECT / ".env.example") if f"`{name}`" not in text] == []


def test_the_page_of_the_sync_names_every_table() -> None:
    page = (PROJECT / "docs" / "sync.md").read_text(encoding="utf-8")
    assert [name for name in TABLE_NAMES if f"`{name}`" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_make_target_it_names_is_there(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {first or second for first, second in TARGET.findall(page.read_text(encoding="utf-8"))}
    assert named <= set(targets)


def test_every_file_that_the_recipes_name_is_there() -> None:
    named = CODE.findall((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    places = [name for name in named if "NAME" not in name]
    assert [name for name in places if not (PROJECT / name).exists()] == []
    assert len(places) > 20
