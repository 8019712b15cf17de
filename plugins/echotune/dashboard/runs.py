"""Runs of the DAGs, out of Airflow's own database, for people who may read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.utils.session import create_session
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from echotune.run_pages import run_page, task_page
from echotune.run_summary import SUMMARY_TASK, RunSummary

Document = dict[str, Any]
DAGS = ("csv_backfill", "spotify_enrichment", "mongo_to_supabase_sync", "index_maintenance")


def last_runs(dag_ids: Iterable[str] = DAGS) -> dict[str, Document]:
    """The latest run of each DAG that has one."""
    with create_session(scoped=False) as session:
        newest = (
            select(func.max(DagRun.id))
            .where(DagRun.dag_id.in_(list(dag_ids)))
            .group_by(DagRun.dag_id)
            .scalar_subquery()
        )
        return {run.dag_id: _run(run) for run in session.scalars(select(DagRun).where(DagRun.id.in_(newest)))}


def last_choice(dag_id: str, param: str) -> Any:
    """What the latest run of a DAG was told for a parameter; None where it was not."""
    with create_session(scoped=False) as session:
        found = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.id.desc()).limit(1))
        return (found.conf or {}).get(param) if found else None


def written_run(dag_id: str, run_id: str) -> Document | None:
    """A run with its summary and the tasks that failed; None where there is no such run."""
    with create_session(scoped=False) as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        if run is None:
            return None
        returned = _returned(session, dag_id, run_id)
        failed = session.scalars(
            select(TaskInstance)
            .where(TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id, TaskInstance.state == "failed")
            .order_by(TaskInstance.end_date)
        )
        summary = RunSummary.of(returned)
        return {
            "run": _run(run),
            "text": list(summary.text),
            "left": summary.left,
            "left_text": summary.left_text,
            "facts": _facts(returned),
            "failed_tasks": [_failed(task) for task in failed],
        }


def _returned(session: Session, dag_id: str, run_id: str) -> Any:
    found = session.scalar(
        select(XComModel).where(
            XComModel.dag_id == dag_id,
            XComModel.run_id == run_id,
            XComModel.task_id == SUMMARY_TASK,
            XComModel.key == XCOM_RETURN_KEY,
        )
    )
    return XComModel.deserialize_value(found) if found else None


def _facts(returned: Any) -> Document | None:
    """The counts of a summary: what is neither its text nor what is left."""
    if not isinstance(returned, dict):
        return None
    return {name: value for name, value in returned.items() if name not in ("text", "left", "left_text")}


def _run(run: DagRun) -> Document:
    return {
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "state": str(run.state),
        "started_at": _time(run.start_date),
        "ended_at": _time(run.end_date),
        "url": run_page(run.dag_id, run.run_id),
    }


def _failed(task: TaskInstance) -> Document:
    return {
        "task_id": task.task_id,
        "map_index": task.map_index,
        "state": str(task.state),
        "url": task_page(task.dag_id, task.run_id, task.task_id, task.map_index),
    }


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None
