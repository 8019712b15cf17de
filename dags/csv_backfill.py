"""Listening histories, from CSV files and from Spotify's own export, into MongoDB."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, XComArg

from echotune.assets import LISTENING_HISTORY
from echotune.dag_defaults import for_every_dag, for_every_task
from echotune.operators.csv_backfill import (
    AnnounceNewPlaysOperator,
    InspectHistoryOperator,
    LoadHistoryChunksOperator,
    MarkDuplicatesOperator,
    PlanHistoryOperator,
    ReconcileLoadOperator,
    RefreshCatalogOperator,
    SummariseLoadOperator,
)
from echotune.operators.mongo_indexes import EnsureMongoIndexesOperator
from echotune.operators.spotify_enrichment import EmbedEnrichmentOperator

DOC = """
### CSV backfill

Loads listening histories into MongoDB: Spotify's own export (the ZIP as it was downloaded, its folder, or single JSON
files; the account data too) and combined CSVs (57 columns, one row a play). Trigger it with a **source**: a file, a
folder, a pattern such as `include/data/*.csv.gz`, or an address in object storage. Spotify's newer exports do not say
whose they are: set **username** for them.

* **Nothing lost:** each row ends as a new play, one that is already there, an exact repeat, or a rejected row with its
  reason in `rejected_rows`. The sum is checked, and a load whose sum is off fails.
* **Nothing twice:** a play's id is computed from its own columns. Start the same load again at any time, also after a
  crash: what is done is skipped, and what enrichment wrote since stays. A play that two sources tell in other words is
  marked `duplicate_of` with the rule that matched, and counts once.
* **Nothing new, nothing done:** where every chunk was loaded before and all that comes behind was done, those steps are
  skipped; what is there is reconciled all the same.
* **First look:** a dry run reads and checks everything and writes nothing.

After the load `tracks`, `artists` and `albums` are counted, missing indexes are made, plays get the audio features and
the catalog entries that are known of their tracks already, and everything is reconciled.
The last line of each task's log says what it did; `summary` says it for the whole run.
"""

PARAMS = {
    "source": Param(
        "include/data/sample_listening_history.csv",
        type="string",
        minLength=1,
        title="Source",
        description="Spotify's ZIP or its folder or JSON files, a .csv or .csv.gz, a folder of them, a pattern, or an "
        "address such as s3://bucket/history.csv. A relative path starts at the project's folder; it is read where the "
        "tasks run.",
    ),
    "username": Param(
        None,
        type=["null", "string"],
        title="User",
        description="Load the plays of this Spotify user only, who is also the user of files that name none, such as "
        "Spotify's newer exports. Empty: everyone's.",
    ),
    "pii_policy": Param(
        "drop",
        type="string",
        enum=["drop", "hash", "keep"],
        title="IP addresses and user agents",
        description="Drop them, keep a keyed hash of them, or keep them as they are.",
    ),
    "chunk_rows": Param(
        100_000,
        type="integer",
        minimum=1_000,
        maximum=5_000_000,
        title="Rows a chunk",
        description="Each chunk is a task; two run side by side. A file that was loaded before is skipped chunk by "
        "chunk, so keep the number for files that grow.",
    ),
    "on_bad_row": Param(
        "quarantine",
        type="string",
        enum=["quarantine", "stop"],
        title="Bad rows",
        description="Put them into rejected_rows and go on, or stop at the first.",
    ),
    "max_bad_share": Param(
        0.05,
        type="number",
        minimum=0,
        maximum=1,
        title="Most bad rows allowed",
        description="The share of a file's rows, from 0 to 1, above which the load stops in any case.",
    ),
    "dry_run": Param(
        False,
        type="boolean",
        title="Dry run",
        description="Read and check everything, report what would be loaded, write nothing.",
    ),
}

SETTINGS = {
    "username": "{{ params.username or '' }}",
    "pii_policy": "{{ params.pii_policy }}",
    "chunk_rows": "{{ params.chunk_rows }}",
    "on_bad_row": "{{ params.on_bad_row }}",
    "max_bad_share": "{{ params.max_bad_share }}",
    "dry_run": "{{ params.dry_run }}",
    "begun_at": "{{ dag_run.run_after }}",
}

WHAT_IS_LOADED = """\
{% if task.chunks %}{{ task.chunks[0]['chunk']['file'] }} from row {{ task.chunks[0]['chunk']['first_row'] }}\
{% if task.chunks | length > 1 %}, and {{ task.chunks | length - 1 }} more{% endif %}\
{% else %}nothing: only what comes behind{% endif %}"""

with DAG(
    dag_id="csv_backfill",
    description="Listening histories, from CSV or Spotify's export, into MongoDB: nothing lost, nothing twice",
    doc_md=DOC,
    schedule=None,
    params=PARAMS,
    tags=["echotune", "mongodb", "history"],
    is_paused_upon_creation=False,
    default_args=for_every_task(execution_timeout=timedelta(minutes=30)),
    **for_every_dag(),
):
    preflight = InspectHistoryOperator(task_id="preflight", source="{{ params.source }}", settings=SETTINGS)
    plan = PlanHistoryOperator(task_id="plan_chunks", files=preflight.output, settings=SETTINGS)
    files = XComArg(plan, key="files")
    load = LoadHistoryChunksOperator.partial(
        task_id="load_chunks",
        settings=SETTINGS,
        pool="mongo_write",
        execution_timeout=timedelta(hours=2),
        map_index_template=WHAT_IS_LOADED,
    ).expand_kwargs(plan.output)
    indexes = EnsureMongoIndexesOperator(
        task_id="ensure_indexes", report_only="{{ params.dry_run }}", pool="mongo_write"
    )
    duplicates = MarkDuplicatesOperator(
        task_id="mark_duplicates", report_only="{{ params.dry_run }}", pool="mongo_write"
    )
    catalog = RefreshCatalogOperator(task_id="build_catalog", report_only="{{ params.dry_run }}", pool="mongo_write")
    embed = EmbedEnrichmentOperator(
        task_id="embed_known_features", report_only="{{ params.dry_run }}", pool="mongo_write"
    )
    reconcile = ReconcileLoadOperator(
        task_id="reconcile",
        plans=files,
        load_task_id=load.task_id,
        settings=SETTINGS,
        trigger_rule="none_failed",
    )
    summary = SummariseLoadOperator(
        task_id="summary",
        plans=files,
        load_task_id=load.task_id,
        duplicates=duplicates.output,
        catalog=catalog.output,
        settings=SETTINGS,
        trigger_rule="none_failed",
    )
    announce = AnnounceNewPlaysOperator(
        task_id="announce_new_plays", report_only="{{ params.dry_run }}", outlets=[LISTENING_HISTORY]
    )

    load >> indexes >> duplicates >> catalog >> embed >> reconcile >> summary >> announce
    # Where nothing is loaded, the scheduler skips these all at once instead of one after the other.
    load >> [duplicates, catalog, embed, announce]
