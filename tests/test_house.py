"""The house: imports run downwards only, and the domain knows no Airflow."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from echotune.resources import PROJECT

DOMAIN = (
    "archive",
    "connection_checks",
    "enrichment",
    "forgetting",
    "history",
    "indexes",
    "spotify_account",
    "statistics",
    "storage",
    "sync",
)
WITH_AIRFLOW = ("dashboard", "deployment", "hooks", "notifications", "operators")
PACKAGES = PROJECT / "plugins" / "echotune"
IMPORT_ALL = """
import importlib, json, pkgutil, sys
found = {}
for name in sys.argv[1:]:
    package = importlib.import_module(f"echotune.{name}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
    found[name] = sorted(name for name in sys.modules if name.split(".")[0] in ("airflow", "airflow_shared"))
print(json.dumps(found))
"""


def imported_modules(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_every_package_is_of_the_domain_or_of_airflow() -> None:
    assert {path.parent.name for path in PACKAGES.glob("*/__init__.py")} == {*DOMAIN, *WITH_AIRFLOW}


def test_no_domain_package_imports_airflow() -> None:
    command = [sys.executable, "-c", IMPORT_ALL, *DOMAIN]
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT / "plugins")
    # They are imported one after the other: the first that has any is the one to look at.
    assert json.loads(result.stdout) == {package: [] for package in DOMAIN}


@pytest.mark.parametrize("package", [*DOMAIN, "hooks"])
def test_imports_run_downwards(package: str) -> None:
    above = {"hooks": ("echotune.operators",)}.get(package, ("echotune.operators", "echotune.hooks"))
    files = sorted((PACKAGES / package).rglob("*.py"))
    upwards = {f"{path.name}: {name}" for path in files for name in imported_modules(path) if name.startswith(above)}
    assert upwards == set()


def test_what_the_panels_read_knows_no_airflow() -> None:
    files = sorted((PACKAGES / "dashboard" / "panels").glob("*.py"))
    names = {f"{path.name}: {name}" for path in files for name in imported_modules(path)}
    assert {name for name in names if name.split(": ")[1].split(".")[0] == "airflow"} == set()


def test_dags_and_operators_import_airflow_through_its_sdk_or_a_provider() -> None:
    # They run within Airflow's own components: the page in the api-server, the other one at a deployment's start.
    within = {path for name in ("dashboard", "deployment") for path in (PACKAGES / name).rglob("*.py")}
    files = {*(PROJECT / "dags").glob("*.py"), *PACKAGES.rglob("*.py")} - within
    allowed = ("airflow.sdk", "airflow.providers.")
    others = {
        f"{path.name}: {name}"
        for path in files
        for name in imported_modules(path)
        if name.split(".")[0] == "airflow" and not name.startswith(allowed)
    }
    assert others == set()


def test_airflow_reads_only_the_plugin_file_of_the_plugins_folder() -> None:
    assert (PROJECT / "plugins/.airflowignore").read_text(encoding="utf-8").split() == ["*", "!echotune_plugin.py"]
