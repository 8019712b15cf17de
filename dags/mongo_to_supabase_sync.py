"""Plays and catalog from MongoDB into Supabase, proved equal; preferences and playlists back."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, Param

from echotune.assets import LISTENING_HISTORY, MUSIC_CATALOG
from echotune.dag_defaults import by_the_clock, for_every_dag, for_every_task
from echotune.operators.mongo_indexes import EnsureMongoIndexesOperator
from echotune.operators.supabase_schema import MigrateSupabaseOperator
from echotune.operators.supabase_sync import (
    PlanSyncOperator,
    ReconcileSyncOperator,
    SummariseSyncOperator,
    SyncProfilesOperator,
    SyncSliceOperator,
)
from echotune.sync.tables import TABLE_NAMES

TABLES = list(TABLE_NAMES)

DOC = """
### MongoDB to Supabase

Copies users, artists, albums, tracks, audio features and plays from MongoDB into Supabase (or any PostgreSQL from 15),
proves both sides equal, and brings the **preferences and playlists** that applications write there back to MongoDB
(`user_profiles`). Runs daily and whenever the history or the catalog changed; only what changed is read and written.

* **Set up by itself:** the first run makes tables, row level security and views; later ones bring them up to date.
* **Nothing lost, nothing twice:** rows, their counts and how far the sync came are committed together. Start it again
  at any time, also after a crash: it goes on where it stopped.
* **Proved:** after each run, counts and checksums of both sides are compared by table and by month. What differs is
  named and mended; rows that are gone in MongoDB are removed, up to a limit above which the run stops and asks.
* **What does not fit** a column is put aside in `echotune.rejected_documents` with the reason; everything else goes on.
* **Only a look:** with **Verify only** both sides are compared and nothing is written to them.

`summary` says per table what was read, inserted, updated, unchanged, deleted and quarantined, in how many seconds, and
what was proved. A run whose sides differ at its end has failed, and `summary` names the table and the month.
"""

PARAMS = {
    "tables": Param(
        TABLES,
        type="array",
        items={"type": "string", "enum": TABLES},
        examples=TABLES,
        minItems=1,
        uniqueItems=True,
        title="Tables",
        description="Which tables to sync and to compare. Rows of others that these refer to are made with their id "
        "and name.",
    ),
    "since": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Changed since",
        description="Read what changed in MongoDB from this time on, such as 2026-01-31T00:00:00Z. Empty: since the "
        "last sync. With a time, the place up to which the tables are known to be synced stays as it is.",
    ),
    "full_refresh": Param(
        False,
        type="boolean",
        title="Full refresh",
        description="Read everything again. Rows that are as they should be are not written.",
    ),
    "verify_only": Param(
        False,
        type="boolean",
        title="Verify only",
        description="Compare both sides, reading both whole, and write to neither. It wins over all that would write.",
    ),
    "repair": Param(
        True,
        type="boolean",
        title="Repair",
        description="Mend what differs, and remove what is gone in MongoDB. Off: name it and fail.",
    ),
    "max_deleted_share": Param(
        0.05,
        type="number",
        minimum=0,
        maximum=1,
        title="Most rows removed",
        description="The share of a table's rows, from 0 to 1, that may go because MongoDB no longer has them. Where "
        "more would go, nothing is removed and the run fails.",
    ),
    "read_preference": Param(
        "primary",
        type="string",
        enum=["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"],
        title="Read from",
        description="Which members of MongoDB's replica set to read from: a secondary spares the primary.",
    ),
}

SETTINGS = {
    "tables": "{{ params.tables | join(',') }}",
    "since": "{{ params.since or '' }}",
    "full_refresh": "{{ params.full_refresh }}",
    "verify_only": "{{ params.verify_only }}",
    "repair": "{{ params.repair }}",
    "max_deleted_share": "{{ params.max_deleted_share }}",
    "read_preference": "{{ params.read_preference }}",
}

with DAG(
    dag_id="mongo_to_supabase_sync",
    description="MongoDB into Supabase, proved equal; preferences and playlists back",
    doc_md=DOC,
    schedule=AssetOrTimeSchedule(timetable=by_the_clock("0 5 * * *"), assets=LISTENING_HISTORY | MUSIC_CATALOG),
    catchup=False,
    params=PARAMS,
    tags=["echotune", "mongodb", "supabase"],
    default_args=for_every_task(execution_timeout=timedelta(minutes=30)),
    **for_every_dag(),
):
    indexes = EnsureMongoIndexesOperator(
        task_id="ensure_indexes", report_only="{{ params.verify_only }}", pool="mongo_write"
    )
    migrate = MigrateSupabaseOperator(task_id="migrate", report_only="{{ params.verify_only }}", pool="supabase_write")
    plan = PlanSyncOperator(task_id="plan", settings=SETTINGS)
    sync = SyncSliceOperator.partial(
        task_id="sync",
        settings=SETTINGS,
        pool="supabase_write",
        execution_timeout=timedelta(hours=2),
        map_index_template="{{ task.what }}",
    ).expand_kwargs(plan.output)
    reconcile = ReconcileSyncOperator(
        task_id="reconcile",
        settings=SETTINGS,
        pool="supabase_write",
        execution_timeout=timedelta(hours=2),
        trigger_rule="none_failed",
    )
    sync_back = SyncProfilesOperator(task_id="sync_back", settings=SETTINGS, pool="mongo_write")
    summary = SummariseSyncOperator(
        task_id="summary",
        planned=plan.output,
        reconciled=reconcile.output,
        profiles=sync_back.output,
        settings=SETTINGS,
        trigger_rule="all_done",
    )

    # One direction goes on where the other fails, and what became of both is told in any case, when all is over.
    indexes >> migrate >> plan >> sync >> reconcile
    plan >> sync_back
    [sync, reconcile, sync_back] >> summary
