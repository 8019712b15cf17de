"""Whether every system can be used, from where the tasks run."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from echotune.dag_defaults import for_every_dag, for_every_task
from echotune.operators.connection_check import (
    SYSTEMS,
    CheckConnectionOperator,
    ChooseSystemsOperator,
    SummariseChecksOperator,
)

DOC = """
### Connection check

Looks at MongoDB, PostgreSQL (Supabase), Redis, Spotify and ReccoBeats with the connections that the other DAGs use,
each in a task of its own: **reachable, version, TLS, the rights needed and had, latency, the difference of clocks**.

* **A failure says what to change:** the setting, or the Airflow connection made of it, and never a secret.
* **A system that is not set up** is skipped, and told.
* **Nothing is written**, but one key in Redis that lives for a second. Spotify is asked for one track: one call of the
  day's budget.

A run that ends with warnings, or that failed, is told to the connection `echotune_notifications`, if there is one.
"""

PARAMS = {
    "systems": Param(
        list(SYSTEMS),
        type="array",
        items={"type": "string", "enum": list(SYSTEMS)},
        examples=list(SYSTEMS),
        title="Systems",
        description="Which systems to look at, one a line.",
    ),
}

with DAG(
    dag_id="connection_check",
    description="Every system: reachable, version, TLS, rights, latency, clock",
    doc_md=DOC,
    schedule=None,
    params=PARAMS,
    tags=["echotune", "mongodb", "supabase", "spotify", "maintenance"],
    is_paused_upon_creation=False,
    default_args=for_every_task(execution_timeout=timedelta(minutes=5), retries=1),
    **for_every_dag(),
):
    choose = ChooseSystemsOperator(task_id="choose", systems="{{ params.systems | join('\n') }}")
    check = CheckConnectionOperator.partial(task_id="check", map_index_template="{{ task.system }}").expand(
        system=choose.output
    )
    summary = SummariseChecksOperator(task_id="summary", check_task_id="check", trigger_rule="all_done")

    choose >> check >> summary
