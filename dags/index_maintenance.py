"""The indexes of both databases as they are declared, and what storage is left."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from echotune.dag_defaults import by_the_clock, for_every_dag, for_every_task
from echotune.operators.index_maintenance import (
    MaintainMongoIndexesOperator,
    MaintainPostgresIndexesOperator,
    ReportMaintenanceOperator,
)
from echotune.operators.storage import MeasureMongoStorageOperator, MeasurePostgresStorageOperator

DOC = """
### Index maintenance

Makes the indexes of MongoDB and PostgreSQL what `include/mongo/indexes.json` and `include/sql/indexes/declared.sql`
declare, and says what storage both take, how fast it grows and when it is full. Weekly; nothing is locked for long.

* **Only a look:** with **Dry run** the report says what would be done, and nothing is changed.
* **Created** is what is missing, **rebuilt** what has other options or is bloated, both while applications read and
  write. A run that was killed leaves nothing behind that the next one does not clean up.
* **Never removed at once:** an index of MongoDB that nobody declared is reported, hidden after weeks without use, and
  dropped after more weeks hidden. In PostgreSQL it is reported and stays.
* **Refused, busy:** what this user may not do, what this server has no command for, and what others hold a lock on is
  told in one line, and the rest goes on.
* **Storage:** name your plan once (`atlas-m0`, `supabase-free`, or a size such as `20 GiB`): later runs know it.
  From 80 % of it, or three months before it is full, the report warns, and says what archiving old plays would free.

`summary` has it all in its log and as its result. MongoDB's collection `maintenance_runs` keeps the report of each run.
"""

PARAMS = {
    "dry_run": Param(
        False,
        type="boolean",
        title="Dry run",
        description="Say what would be done, and change no index. Storage is measured, and the report is kept.",
    ),
    "mongodb_plan": Param(
        "",
        type=["null", "string"],
        examples=["atlas-m0", "atlas-flex", "atlas-m10", "10 GiB", "none"],
        title="MongoDB's plan",
        description="What MongoDB may take: a plan of include/storage/plans.json, or a size such as 512 MB or 10 GiB. "
        "Empty: as named last time. none: no limit.",
    ),
    "postgresql_plan": Param(
        "",
        type=["null", "string"],
        examples=["supabase-free", "supabase-pro", "10 GiB", "none"],
        title="PostgreSQL's plan",
        description="What PostgreSQL may take, likewise.",
    ),
    "archive_older_than_years": Param(
        3,
        type="integer",
        minimum=1,
        maximum=100,
        title="Archive after years",
        description="The report says what archiving plays older than that would free. It archives nothing.",
    ),
    "hide_after_days": Param(
        30,
        type="integer",
        minimum=1,
        maximum=3650,
        title="Hide after days without use",
        description="MongoDB: days for which no query uses an index that is not declared, until it is hidden. A hidden "
        "index serves no query and can be shown again at once.",
    ),
    "drop_after_days": Param(
        30,
        type="integer",
        minimum=1,
        maximum=3650,
        title="Drop after days hidden",
        description="MongoDB: days for which an index that this DAG hid stays hidden, until it is dropped.",
    ),
    "manage_undeclared": Param(
        True,
        type="boolean",
        title="Hide and drop",
        description="MongoDB: hide and drop what is not declared and not used. Off: only report it.",
    ),
    "shard": Param(
        False,
        type="boolean",
        title="Shard the plays",
        description="MongoDB, on a sharded cluster only: shard the collection of plays once it is large. There is no "
        "easy way back.",
    ),
    "shard_above_gigabytes": Param(
        32,
        type="number",
        minimum=0,
        maximum=100000,
        title="Shard above",
        description="Gigabytes of plays above which the collection is sharded, where that is on.",
    ),
    "reindex_above_bloat": Param(
        0.3,
        type="number",
        minimum=0.01,
        maximum=1,
        title="Rebuild above bloat",
        description="PostgreSQL: the share of an index, from 0 to 1, that is empty space, above which it is rebuilt.",
    ),
    "reindex_above_mebibytes": Param(
        10,
        type="integer",
        minimum=0,
        maximum=1000000,
        title="Rebuild above size",
        description="PostgreSQL: MiB below which an index is never rebuilt for bloat.",
    ),
    "lock_timeout_milliseconds": Param(
        500,
        type="integer",
        minimum=10,
        maximum=60000,
        title="Wait for a lock",
        description="PostgreSQL: milliseconds to wait for a lock. Applications that come after may wait as long.",
    ),
    "lock_attempts": Param(
        5,
        type="integer",
        minimum=1,
        maximum=100,
        title="Tries for a lock",
        description="PostgreSQL: how often to try, with growing pauses, until the step is left to the next run.",
    ),
    "statement_timeout_minutes": Param(
        60,
        type="integer",
        minimum=1,
        maximum=1440,
        title="Time for a statement",
        description="PostgreSQL: minutes that making one index may take.",
    ),
}

STORAGE = {
    name: f"{{{{ params.{name} or '' }}}}" for name in ("mongodb_plan", "postgresql_plan", "archive_older_than_years")
}
SETTINGS = {name: f"{{{{ params.{name} }}}}" for name in PARAMS if name not in STORAGE}

with DAG(
    dag_id="index_maintenance",
    description="Indexes of MongoDB and PostgreSQL as declared; storage against the plan's limit",
    doc_md=DOC,
    schedule=by_the_clock("0 3 * * 0"),
    catchup=False,
    params=PARAMS,
    tags=["echotune", "mongodb", "supabase", "maintenance"],
    default_args=for_every_task(execution_timeout=timedelta(minutes=10), retries=2),
    **for_every_dag(),
):
    maintain_mongodb = MaintainMongoIndexesOperator(
        task_id="maintain_mongodb", settings=SETTINGS, pool="mongo_write", execution_timeout=timedelta(hours=6)
    )
    maintain_postgresql = MaintainPostgresIndexesOperator(
        task_id="maintain_postgresql", settings=SETTINGS, pool="supabase_write", execution_timeout=timedelta(hours=6)
    )
    measure_mongodb = MeasureMongoStorageOperator(task_id="measure_mongodb", storage=STORAGE, trigger_rule="all_done")
    measure_postgresql = MeasurePostgresStorageOperator(
        task_id="measure_postgresql", storage=STORAGE, trigger_rule="all_done"
    )
    summary = ReportMaintenanceOperator(
        task_id="summary",
        maintained=[maintain_mongodb.output, maintain_postgresql.output],
        measured=[measure_mongodb.output, measure_postgresql.output],
        settings=SETTINGS,
        storage=STORAGE,
        trigger_rule="all_done",
    )

    # What is there after the maintenance is measured, also where a part of it failed.
    maintain_mongodb >> measure_mongodb
    maintain_postgresql >> measure_postgresql
    [measure_mongodb, measure_postgresql] >> summary
