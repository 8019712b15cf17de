"""Old plays out of MongoDB into compressed files."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from echotune.dag_defaults import by_the_clock, for_every_dag, for_every_task
from echotune.operators.history_archive import ArchivePlaysOperator, PlanArchiveOperator, SummariseArchiveOperator

DOC = """
### History archive

Moves plays that are **older than** some years out of MongoDB into compressed Parquet files, by user and year. Monthly,
once you switch it on; start with a **dry run**, which says what would go and what that frees.

* **Nothing goes unproved:** a file is written, read back whole and compared with MongoDB. Then plays are removed in
  small batches, each play only if it is, byte for byte, what the file has. One that changed meanwhile stays.
* **Nothing is lost:** PostgreSQL keeps the rows of archived plays and the sync proves them; tracks, artists and albums
  go on counting them; loading their CSV again does not bring them back.
* **All of it comes back:** `history_restore` gives the very same documents, by user and year. Files are never deleted.
* **Start it again at any time**, also after a kill: what was begun is finished.

**Target** is where the files go, and is needed: for monthly runs name it once as the Airflow variable
`echotune_archive_target`. The files hold what MongoDB holds, personal data too: protect them alike. Everyone who works
on the history must reach them: use object storage where workers are on several machines.
"""

PARAMS = {
    "older_than_years": Param(
        5,
        type="integer",
        minimum=1,
        maximum=100,
        title="Older than (years)",
        description="Plays before the month that was so many years ago are archived: always whole months.",
    ),
    "target": Param(
        None,
        type=["null", "string"],
        title="Target",
        description="A folder, or an address such as s3://bucket/archive. A relative folder starts at the project's. "
        "Empty: the Airflow variable echotune_archive_target.",
    ),
    "usernames": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "minLength": 1},
        title="Only these users",
        description="Archive the plays of these users only, one a line. Empty: everyone's.",
    ),
    "dry_run": Param(
        False,
        type="boolean",
        title="Dry run",
        description="Say what would be archived and what that frees, and write nothing.",
    ),
}

SETTINGS = {
    "older_than_years": "{{ params.older_than_years }}",
    "target": "{{ params.target or var.value.get('echotune_archive_target', '') }}",
    "usernames": "{{ (params.usernames or []) | join('\n') }}",
    "dry_run": "{{ params.dry_run }}",
}

with DAG(
    dag_id="history_archive",
    description="Old plays into compressed Parquet, proved, then removed from MongoDB",
    doc_md=DOC,
    schedule=by_the_clock("0 2 1 * *"),
    catchup=False,
    params=PARAMS,
    tags=["echotune", "mongodb", "history"],
    is_paused_upon_creation=True,
    default_args=for_every_task(execution_timeout=timedelta(minutes=30)),
    **for_every_dag(),
):
    plan = PlanArchiveOperator(task_id="plan", settings=SETTINGS)
    archive = ArchivePlaysOperator.partial(
        task_id="archive",
        settings=SETTINGS,
        pool="mongo_write",
        execution_timeout=timedelta(hours=4),
        map_index_template="{{ task.what }}",
    ).expand_kwargs(plan.output)
    summary = SummariseArchiveOperator(
        task_id="summary",
        plan_task_id=plan.task_id,
        archive_task_id=archive.task_id,
        settings=SETTINGS,
        trigger_rule="all_done",
    )

    plan >> archive >> summary
