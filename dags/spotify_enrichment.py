"""What Spotify knows of tracks, artists and albums, into MongoDB and into the plays."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetOrTimeSchedule, Param

from echotune.assets import LISTENING_HISTORY, MUSIC_CATALOG
from echotune.dag_defaults import by_the_clock, for_every_dag, for_every_task
from echotune.enrichment.settings import REAL_PROVIDERS, EnrichmentKind, Subject
from echotune.operators.mongo_indexes import EnsureMongoIndexesOperator
from echotune.operators.spotify_enrichment import (
    AnnounceCatalogOperator,
    EmbedEnrichmentOperator,
    EnrichOperator,
    LinkCatalogOperator,
    PrepareEnrichmentOperator,
    ReconcileEnrichmentOperator,
    ShareGenresOperator,
    SummariseEnrichmentOperator,
)

KINDS = [kind.value for kind in EnrichmentKind]
PROVIDERS = [name.value for name in REAL_PROVIDERS]
SUBJECTS = [subject.value for subject in Subject]

DOC = """
### Spotify enrichment

Learns how tracks sound (**audio features**) and what they, their artists and albums are (**catalog**), and writes it
into `tracks`, `artists`, `albums` and into the plays. Runs daily and whenever the history changed; only what is due is
asked for, most played first.

* **Providers:** audio features come from Spotify where the application still may ask, else from ReccoBeats, or from a
  table of your own (`local`). Each value says where it came from. `mock` makes values up and marks them.
* **Limits:** all workers on all machines share them through Redis. A 429 stops everyone for as long as it says. A wait
  of over a minute gives the worker's slot back; one longer than the run may last ends the run, and the next goes on.
* **Nothing twice:** answers are cached, claims are leased, what is known is not asked again before it is old.
* **Start it again at any time**, also after a crash: at most the batch in a killed worker's hands is asked for again.

The last line of each task's log says how far it came; `summary` says it for the whole run: what came from where, how
much is left, why, and when it goes on. Progress while it runs is in the logs and in the collection `enrichment_runs`.
"""

PARAMS = {
    "kinds": Param(
        KINDS,
        type="array",
        items={"type": "string", "enum": KINDS},
        examples=KINDS,
        minItems=1,
        uniqueItems=True,
        title="Kinds",
        description="audio_features: how a track sounds. catalog: names, duration, popularity, ISRC, dates, genres.",
    ),
    "providers": Param(
        ["spotify", "reccobeats"],
        type="array",
        items={"type": "string", "enum": PROVIDERS},
        examples=PROVIDERS,
        uniqueItems=True,
        title="Providers of audio features",
        description="Asked in this order, each for what those before it did not have.",
    ),
    "features_table": Param(
        None,
        type=["null", "string"],
        title="Table of the provider local",
        description="A Parquet or CSV file with a column of Spotify ids and one a feature, or its address in object "
        "storage. A relative path starts at the project's folder.",
    ),
    "calls_per_30s": Param(
        30,
        type="integer",
        minimum=1,
        maximum=10_000,
        title="Calls in 30 seconds",
        description="The most calls to each service in any 30 seconds, by all workers together.",
    ),
    "calls_per_24h": Param(
        600,
        type="integer",
        minimum=1,
        maximum=1_000_000,
        title="Calls in 24 hours",
        description="The most calls to Spotify in any 24 hours. Applications in development mode were locked out for a "
        "day after 800 to 1,400.",
    ),
    "max_tracks": Param(
        0,
        type="integer",
        minimum=0,
        maximum=100_000_000,
        title="Most tracks",
        description="The most tracks, and likewise artists and albums, to ask about in this run. 0: all that are due.",
    ),
    "refresh_after_days": Param(
        180,
        type="integer",
        minimum=0,
        maximum=3_650,
        title="Refresh after days",
        description="Values older than this are fetched anew. 0: never.",
    ),
    "mock": Param(
        False,
        type="boolean",
        title="Mock mode",
        description="Make no call. Audio features are made up, marked as mock, and replaced by the next real run.",
    ),
    "workers": Param(
        2,
        type="integer",
        minimum=1,
        maximum=16,
        title="Workers",
        description="The most tasks that ask side by side; the pool spotify_api bounds them too.",
    ),
    "max_run_minutes": Param(
        240,
        type="integer",
        minimum=1,
        maximum=1_380,
        title="Longest run in minutes",
        description="With its waits. What is left then is done by the next run.",
    ),
}

SETTINGS = {
    "kinds": "{{ params.kinds | join(',') }}",
    "providers": "{{ params.providers | join(',') }}",
    "features_table": "{{ params.features_table or '' }}",
    "calls_per_30s": "{{ params.calls_per_30s }}",
    "calls_per_24h": "{{ params.calls_per_24h }}",
    "max_tracks": "{{ params.max_tracks }}",
    "refresh_after_days": "{{ params.refresh_after_days }}",
    "mock": "{{ params.mock }}",
    "workers": "{{ params.workers }}",
    "max_run_minutes": "{{ params.max_run_minutes }}",
}

with DAG(
    dag_id="spotify_enrichment",
    description="Audio features and catalog from the Spotify Web API, within its limits",
    doc_md=DOC,
    schedule=AssetOrTimeSchedule(timetable=by_the_clock("0 4 * * *"), assets=[LISTENING_HISTORY]),
    catchup=False,
    params=PARAMS,
    tags=["echotune", "spotify", "mongodb"],
    default_args=for_every_task(execution_timeout=timedelta(minutes=30), trigger_rule="none_failed"),
    **for_every_dag(),
):
    indexes = EnsureMongoIndexesOperator(task_id="ensure_indexes", pool="mongo_write")
    prepare = PrepareEnrichmentOperator(task_id="prepare", settings=SETTINGS)
    audio_features, tracks, artists, albums = (
        EnrichOperator.partial(
            task_id=f"enrich_{subject}",
            subject=subject,
            settings=SETTINGS,
            pool="spotify_api",
            execution_timeout=timedelta(hours=24),
            map_index_template=f"{subject.replace('_', ' ')}, worker {{{{ task.worker }}}} of {{{{ task.workers }}}}",
        ).expand_kwargs(prepare.output)
        for subject in SUBJECTS
    )
    link = LinkCatalogOperator(task_id="link_artists_and_albums", pool="mongo_write")
    genres = ShareGenresOperator(task_id="share_genres", pool="mongo_write")
    embed = EmbedEnrichmentOperator(task_id="embed_into_plays", pool="mongo_write")
    reconcile = ReconcileEnrichmentOperator(task_id="reconcile", embedded=embed.output)
    summary = SummariseEnrichmentOperator(task_id="summary", embedded=embed.output, settings=SETTINGS)
    announce = AnnounceCatalogOperator(task_id="announce_catalog", summary=summary.output, outlets=[MUSIC_CATALOG])

    (
        indexes
        >> prepare
        >> audio_features
        >> tracks
        >> link
        >> artists
        >> albums
        >> genres
        >> embed
        >> reconcile
        >> summary
        >> announce
    )
