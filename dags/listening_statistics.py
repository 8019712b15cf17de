"""What a person asks of a history first, counted after every load; and the tables that a model learns from."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from echotune.assets import LISTENING_HISTORY
from echotune.dag_defaults import for_every_dag, for_every_task
from echotune.operators.listening_statistics import (
    RefreshStatisticsOperator,
    SummariseStatisticsOperator,
    WriteFeaturesOperator,
)

DOC = """
### Listening statistics

Counts for each user, inside MongoDB: plays, time and skips by year and month, top artists, tracks and genres, what was
heard first, streaks of days, hours of the week, sessions. Runs after every load that brought plays, for the users whose
plays changed; the result is one document a user in `listening_statistics`, written whole.

Then `ml_features` are written below **target**: `tracks.parquet` with a row a track and `users.parquet` with a row a
user, each column described in the file.

Plays that are marked as duplicates of others do not count; archived plays do not either.
"""

PARAMS = {
    "time_zone": Param(
        "UTC",
        type="string",
        minLength=1,
        title="Time zone",
        description="By whose clock days, months, years and hours are told: a name such as Europe/Amsterdam.",
    ),
    "time_zones": Param(
        {},
        type="object",
        title="Time zones of users",
        description='For users who have another zone, such as {"anna": "America/New_York"}.',
    ),
    "session_pause_minutes": Param(
        30,
        type="integer",
        minimum=1,
        maximum=1_440,
        title="Pause between sessions (minutes)",
        description="A play that starts more than so long after the last one ended begins a new session.",
    ),
    "full_refresh": Param(
        False,
        type="boolean",
        title="Full refresh",
        description="Count everyone anew, not only users whose plays changed; after archiving, or with another pause.",
    ),
    "target": Param(
        "ml_features",
        type="string",
        minLength=1,
        title="Target",
        description="The folder or address of the Parquet files. A relative folder starts at the project's.",
    ),
}

SETTINGS = {
    "time_zone": "{{ params.time_zone }}",
    "time_zones": "{{ params.time_zones | tojson }}",
    "session_pause_minutes": "{{ params.session_pause_minutes }}",
    "full_refresh": "{{ params.full_refresh }}",
}

with DAG(
    dag_id="listening_statistics",
    description="What a person asks of a history first, after every load; Parquet for models",
    doc_md=DOC,
    schedule=[LISTENING_HISTORY],
    params=PARAMS,
    tags=["echotune", "mongodb", "statistics"],
    is_paused_upon_creation=True,
    default_args=for_every_task(execution_timeout=timedelta(hours=2)),
    **for_every_dag(),
):
    refresh = RefreshStatisticsOperator(task_id="refresh_statistics", settings=SETTINGS, pool="mongo_write")
    features = WriteFeaturesOperator(task_id="write_ml_features", target="{{ params.target }}")
    summary = SummariseStatisticsOperator(task_id="summary", refreshed=refresh.output, files=features.output)

    refresh >> features >> summary
