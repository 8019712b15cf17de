"""Archived plays back into MongoDB."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from echotune.dag_defaults import for_every_dag, for_every_task
from echotune.operators.history_archive import PlanRestoreOperator, RestorePlaysOperator, SummariseRestoreOperator
from echotune.operators.spotify_enrichment import EmbedEnrichmentOperator

DOC = """
### History restore

Puts plays that `history_archive` took out of MongoDB back into it: the **very same documents**, byte for byte, from
files that are first compared with what was written. By user, by year, or all of them.

* **Nothing twice:** a play that is in MongoDB stays as it is. Start it again at any time, also after a kill.
* **The files stay** where they are, and what PostgreSQL has stays as well.
* **Brought up to date:** what enrichment learnt of a track while its plays were away is written into them afterwards.

While `history_archive` is switched on, its next run archives them again: switch it off, or raise its *Older than*.
"""

PARAMS = {
    "usernames": Param(
        None,
        type=["null", "array"],
        items={"type": "string", "minLength": 1},
        title="Only these users",
        description="Restore the plays of these users only, one a line. Empty: everyone's.",
    ),
    "year": Param(
        None,
        type=["null", "integer"],
        minimum=1900,
        maximum=2199,
        title="Only this year",
        description="Restore plays of this year only, in UTC. Empty: of all years.",
    ),
    "dry_run": Param(
        False,
        type="boolean",
        title="Dry run",
        description="Say what would be restored, and write nothing.",
    ),
}

SETTINGS = {
    "usernames": "{{ (params.usernames or []) | join('\n') }}",
    "year": "{{ params.year or '' }}",
    "dry_run": "{{ params.dry_run }}",
}

with DAG(
    dag_id="history_restore",
    description="Archived plays back into MongoDB, to the very same documents",
    doc_md=DOC,
    schedule=None,
    params=PARAMS,
    tags=["echotune", "mongodb", "history"],
    is_paused_upon_creation=False,
    default_args=for_every_task(execution_timeout=timedelta(minutes=30)),
    **for_every_dag(),
):
    plan = PlanRestoreOperator(task_id="plan", settings=SETTINGS)
    restore = RestorePlaysOperator.partial(
        task_id="restore",
        settings=SETTINGS,
        pool="mongo_write",
        execution_timeout=timedelta(hours=4),
        map_index_template="{{ task.what }}",
    ).expand_kwargs(plan.output)
    embed = EmbedEnrichmentOperator(
        task_id="embed_known_features", report_only="{{ params.dry_run }}", pool="mongo_write", trigger_rule="all_done"
    )
    summary = SummariseRestoreOperator(
        task_id="summary",
        plan_task_id=plan.task_id,
        restore_task_id=restore.task_id,
        settings=SETTINGS,
        trigger_rule="all_done",
    )

    plan >> restore >> embed >> summary
