"""What listeners' own Spotify accounts tell: plays into MongoDB every hour, playlists into PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from echotune.assets import LISTENING_HISTORY
from echotune.dag_defaults import by_the_clock, for_every_dag, for_every_task
from echotune.operators.csv_backfill import AnnounceNewPlaysOperator, MarkDuplicatesOperator, RefreshCatalogOperator
from echotune.operators.recently_played import (
    BringPlaylistsOperator,
    FindListenersOperator,
    LoadRecentPlaysOperator,
    PreparePlaylistsOperator,
    SummariseRecentPlaysOperator,
)
from echotune.operators.spotify_enrichment import EmbedEnrichmentOperator

DOC = """
### Recently played

Brings the plays of the past hours into `listening_history`, and once a day **playlists** to PostgreSQL, from the
accounts of all **listeners who gave their authorization** (`make authorize`). So the history is up to date between two
exports.

* **Nothing twice:** a play's id is computed from listener, track and time. Start a run again at any time.
* **Nothing lost unseen:** Spotify remembers a listener's last 50 plays. Where it told 50 and the newest known one is
  not among them, plays may be missing: log and summary say whose and between which times. The next export has them.
* **What Spotify does not tell:** for how long, on which device and why a play ended. `ms_played` is absent.
* **Each listener alone:** an authorization that is over fails that listener's task at once and says to run
  `make authorize`; all others go on. Where nobody may call Spotify for a while, the next run asks for the same.

Switch it on after the first `make authorize`. `summary` says for the whole run what came and what is missing.
"""

PARAMS = {
    "users": Param(
        None,
        type=["null", "array"],
        items={"type": "string"},
        title="Only these listeners",
        description="Spotify user ids, one a line. Empty: all who gave their authorization.",
    ),
    "playlists": Param(
        True,
        type="boolean",
        title="Playlists",
        description="Bring the listeners' playlists to PostgreSQL as well.",
    ),
    "playlists_after_hours": Param(
        24,
        type="integer",
        minimum=0,
        maximum=720,
        title="Playlists again after hours",
        description="How long a listener's playlists are not asked for again. 0: ask in every run.",
    ),
    "calls_per_30s": Param(
        30,
        type="integer",
        minimum=1,
        maximum=10_000,
        title="Calls in 30 seconds",
        description="The most calls to Spotify in any 30 seconds, by all DAGs together.",
    ),
    "calls_per_24h": Param(
        750,
        type="integer",
        minimum=1,
        maximum=1_000_000,
        title="Calls in 24 hours",
        description="The most calls to Spotify in any 24 hours, by all DAGs together. Keep it above that of "
        "spotify_enrichment (600): what is between them is kept for plays, which are lost if nobody asks in time.",
    ),
}

SETTINGS = {
    "users": "{{ (params.users or []) | join(',') }}",
    "playlists": "{{ params.playlists }}",
    "playlists_after_hours": "{{ params.playlists_after_hours }}",
    "calls_per_30s": "{{ params.calls_per_30s }}",
    "calls_per_24h": "{{ params.calls_per_24h }}",
}

with DAG(
    dag_id="recently_played",
    description="Plays and playlists from the accounts of listeners who allowed it",
    doc_md=DOC,
    schedule=by_the_clock("17 * * * *"),
    catchup=False,
    params=PARAMS,
    tags=["echotune", "spotify", "mongodb", "supabase", "history"],
    is_paused_upon_creation=True,
    default_args=for_every_task(execution_timeout=timedelta(minutes=15), retry_delay=timedelta(seconds=30)),
    **for_every_dag(),
):
    listeners = FindListenersOperator(task_id="find_listeners", settings=SETTINGS)
    load = LoadRecentPlaysOperator.partial(
        task_id="load_plays", settings=SETTINGS, pool="spotify_api", map_index_template="{{ task.username }}"
    ).expand(username=listeners.output)
    duplicates = MarkDuplicatesOperator(task_id="mark_duplicates", pool="mongo_write", trigger_rule="all_done")
    catalog = RefreshCatalogOperator(task_id="build_catalog", pool="mongo_write")
    embed = EmbedEnrichmentOperator(task_id="embed_known_features", pool="mongo_write")
    announce = AnnounceNewPlaysOperator(task_id="announce_new_plays", outlets=[LISTENING_HISTORY])
    prepare = PreparePlaylistsOperator(
        task_id="prepare_playlists", wanted="{{ params.playlists }}", pool="supabase_write", trigger_rule="all_done"
    )
    playlists = BringPlaylistsOperator.partial(
        task_id="bring_playlists",
        settings=SETTINGS,
        load_task_id="load_plays",
        pool="spotify_api",
        map_index_template="{{ task.username }}",
    ).expand(username=listeners.output)
    summary = SummariseRecentPlaysOperator(
        task_id="summary",
        listeners=listeners.output,
        load_task_id=load.task_id,
        playlists_task_id=playlists.task_id,
        catalog=catalog.output,
        trigger_rule="all_done",
    )

    load >> duplicates >> catalog >> embed >> announce >> summary
    load >> prepare >> playlists >> summary
