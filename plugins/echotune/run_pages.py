"""Where Airflow's UI shows a run, and where the EchoTune page shows what it wrote.

Paths start with the path of ``[api] base_url``, so that they hold on whatever name and port somebody reaches Airflow.
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from airflow.sdk import conf

PAGE = "/echotune/"
"""Where the plugin's page is, below Airflow's base URL."""
FRAME = "/plugin/echotune"
"""Airflow's frame around the page. What follows it is opened inside the frame, with its hash."""


def run_page(dag_id: str, run_id: str) -> str:
    """The path of a run in Airflow's UI."""
    return f"{_base_path()}/dags/{_quoted(dag_id)}/runs/{_quoted(run_id)}"


def task_page(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> str:
    """The path of a task of a run in Airflow's UI; of one instance, where it is mapped."""
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return f"{run_page(dag_id, run_id)}/tasks/{_quoted(task_id)}{mapped}"


def written_page(dag_id: str, run_id: str) -> str:
    """The path of the EchoTune page, in Airflow's frame, on what a run wrote."""
    base = _base_path()
    return f"{base}{FRAME}{base}{PAGE}#/runs/{_quoted(dag_id)}/{_quoted(run_id)}"


def address_of(path: str) -> str:
    """The address of such a path, for a mail or a chat; only the path where ``[api] base_url`` is not set."""
    base = urlsplit(_base_url())
    return urlunsplit((base.scheme, base.netloc, "", "", "")) + path


def _base_url() -> str:
    return conf.get("api", "base_url", fallback="") or ""


def _base_path() -> str:
    return urlsplit(_base_url()).path.rstrip("/")


def _quoted(part: str) -> str:
    return quote(part, safe="")
