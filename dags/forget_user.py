"""Everything of one user out of all systems."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from echotune.assets import LISTENING_HISTORY
from echotune.dag_defaults import for_every_dag, for_every_task
from echotune.operators.forget_user import (
    AnnounceForgettingOperator,
    LookForUserOperator,
    RemoveUserOperator,
    RemoveVariablesOperator,
    SearchForUserOperator,
    SummariseForgettingOperator,
)

DOC = """
### Forget a user

Removes **everything of one user** from MongoDB, the archives, PostgreSQL, Redis and Airflow's variables. It cannot be
undone. Type the **username** twice; start with a **dry run**, which only counts.

* **All of it goes:** plays, rejected rows, load records, profile, statistics, archive files, rows with playlists and
  preferences, cached entries. Tracks, artists and albums stay, and are counted anew.
* **Nobody else's:** an archive that holds plays of others is written anew, compared, and only then put in place.
* **Other runs go on:** a load or a sync that began before leaves the user's rows out. What is loaded afterwards is
  loaded: the user's rows are still in your files.
* **Proved:** `summary` has a table of each place, before and after; every place is searched again at the end, and what
  a writer in flight brought back is removed again.
* **Start it again at any time**, also after a kill: what was begun is finished.

The summary also says what is left to you: connections, past runs, files, backups.
"""

PARAMS = {
    "username": Param(
        "",
        type="string",
        maxLength=500,
        title="Username",
        description="The user of the listening history, letter by letter.",
    ),
    "confirmation": Param(
        "",
        type="string",
        maxLength=500,
        title="The username again",
        description="Type the same name once more. Anything else fails at once, and nothing is touched.",
    ),
    "dry_run": Param(
        False,
        type="boolean",
        title="Dry run",
        description="Count what there is of the user in each place, and remove nothing.",
    ),
}

SETTINGS = {
    "username": "{{ params.username }}",
    "confirmation": "{{ params.confirmation }}",
    "dry_run": "{{ params.dry_run }}",
}

with DAG(
    dag_id="forget_user",
    description="One user out of all systems, proved by counts and a search",
    doc_md=DOC,
    schedule=None,
    params=PARAMS,
    tags=["echotune", "mongodb", "supabase", "privacy"],
    is_paused_upon_creation=False,
    default_args=for_every_task(execution_timeout=timedelta(hours=1)),
    **for_every_dag(),
):
    look = LookForUserOperator(task_id="look", settings=SETTINGS)
    remove = RemoveUserOperator(
        task_id="remove", settings=SETTINGS, pool="mongo_write", execution_timeout=timedelta(hours=4)
    )
    variables = RemoveVariablesOperator(task_id="remove_variables", settings=SETTINGS)
    search = SearchForUserOperator(
        task_id="search", settings=SETTINGS, pool="mongo_write", execution_timeout=timedelta(hours=4)
    )
    summary = SummariseForgettingOperator(
        task_id="summary",
        look_task_id=look.task_id,
        search_task_id=search.task_id,
        variables_task_id=variables.task_id,
        settings=SETTINGS,
        trigger_rule="all_done",
    )
    announce = AnnounceForgettingOperator(task_id="announce", summary=summary.output, outlets=[LISTENING_HISTORY])

    look >> remove >> variables >> search >> summary >> announce
